import assert from "node:assert/strict";
import { Lane } from "../../src/connection/lane.ts";
import { Opcode } from "../../src/wire/opcode.ts";
import { hex, toHex } from "../support/vectors.ts";

/** A lane whose messages are written down. */
function laneWith(log: string[]): Lane {
  return new Lane((opcode, data) => {
    log.push(`${opcode} ${typeof data === "string" ? data : toHex(data)}`);
  });
}

Deno.test("the lane is free at first, and then belongs to whoever enters until they leave", async () => {
  const lane = laneWith([]);
  assert.equal(lane.busy, false);
  await lane.enter();
  assert.equal(lane.busy, true);
  lane.leave();
  assert.equal(lane.busy, false);
});

Deno.test("messages that were held follow in their order when the lane is left", async () => {
  const log: string[] = [];
  const lane = laneWith(log);
  await lane.enter();
  lane.hold(Opcode.Text, "one");
  lane.hold(Opcode.Binary, hex("02"));
  lane.hold(Opcode.Text, "three");
  assert.deepEqual(log, []);
  lane.leave();
  assert.deepEqual(log, ["1 one", "2 02", "1 three"]);
});

Deno.test("the bytes that are held are a copy", async () => {
  const log: string[] = [];
  const lane = laneWith(log);
  const bytes = hex("01 02");
  await lane.enter();
  lane.hold(Opcode.Binary, bytes);
  bytes.fill(0xff);
  lane.leave();
  assert.deepEqual(log, ["2 0102"]);
});

Deno.test("the size is that of what is held", async () => {
  const lane = laneWith([]);
  assert.equal(lane.size, 0);
  await lane.enter();
  lane.hold(Opcode.Text, "12345");
  lane.hold(Opcode.Binary, new Uint8Array(10));
  assert.equal(lane.size, 15);
  lane.leave();
  assert.equal(lane.size, 0);
});

Deno.test("those who want to enter get their turn, one at a time, between the messages", async () => {
  const log: string[] = [];
  const lane = laneWith(log);
  await lane.enter();
  lane.hold(Opcode.Text, "before");
  const second = lane.enter().then(() => log.push("second"));
  lane.hold(Opcode.Text, "between");
  const third = lane.enter().then(() => log.push("third"));
  lane.hold(Opcode.Text, "after");
  lane.leave();
  assert.equal(lane.busy, true, "nobody can slip in before the second");
  await second;
  assert.deepEqual(log, ["1 before", "second"]);
  lane.leave();
  await third;
  assert.deepEqual(log, ["1 before", "second", "1 between", "third"]);
  lane.leave();
  assert.deepEqual(log.at(-1), "1 after");
  assert.equal(lane.busy, false);
});
