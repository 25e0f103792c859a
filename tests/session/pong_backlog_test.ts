import assert from "node:assert/strict";
import { MAX_WAITING_PONGS, PongBacklog } from "../../src/session/pong_backlog.ts";
import { utf8 } from "../support/vectors.ts";

function admit(backlog: PongBacklog, payload: string): boolean {
  const memory = utf8(`<${payload}>`);
  return backlog.admit(memory, 1, memory.length - 1);
}

function fill(backlog: PongBacklog): void {
  for (let i = 0; i < MAX_WAITING_PONGS; i++) assert.equal(admit(backlog, "early"), true);
}

Deno.test("writes the first pongs immediately, so that each ping of a burst is answered", () => {
  assert.ok(MAX_WAITING_PONGS >= 10, "the ten pings of the conformance suite get ten pongs");
  const backlog = new PongBacklog();
  fill(backlog);
  assert.equal(backlog.release(), undefined);
});

Deno.test("after the first pongs, keeps only the latest ping, regardless of its size", () => {
  const backlog = new PongBacklog();
  fill(backlog);
  for (const payload of ["long ".repeat(25), "short", "", "latest"]) {
    assert.equal(admit(backlog, payload), false);
  }
  assert.deepEqual(backlog.release(), utf8("latest"));
});

Deno.test("keeps a ping of 125 bytes and one of 0 bytes", () => {
  for (const payload of ["x".repeat(125), ""]) {
    const backlog = new PongBacklog();
    fill(backlog);
    admit(backlog, payload);
    assert.deepEqual(backlog.release(), utf8(payload));
  }
});

Deno.test("copies the payload, so its buffer may be overwritten", () => {
  const backlog = new PongBacklog();
  fill(backlog);
  const memory = utf8("ping");
  backlog.admit(memory, 0, 4);
  memory.fill(0);
  assert.deepEqual(backlog.release(), utf8("ping"));
});

Deno.test("resets once the output drains", () => {
  const backlog = new PongBacklog();
  fill(backlog);
  admit(backlog, "kept");
  backlog.release();
  assert.equal(backlog.release(), undefined);
  fill(backlog);
  assert.equal(admit(backlog, "kept"), false);
});
