import assert from "node:assert/strict";
import { UnfinishedMessage } from "../../src/message/message_reader.ts";
import { Opcode } from "../../src/wire/opcode.ts";

function message(): UnfinishedMessage {
  return new UnfinishedMessage(Opcode.Binary, false);
}

function bytes(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => i);
}

Deno.test("joins parts of any size", () => {
  const whole = bytes(9000);
  for (const size of [1, 7, 64, 65, 1000, 8999, 9000]) {
    const one = message();
    for (let at = 0; at < whole.length; at += size) {
      one.add(whole, at, Math.min(at + size, whole.length), 1 << 20);
    }
    assert.equal(one.length, whole.length);
    assert.deepEqual(one.take().subarray(0, one.length), whole);
  }
});

Deno.test("memory grows with received bytes, up to the maximum size, and is released", () => {
  const one = message();
  assert.equal(one.held, 0);
  one.add(bytes(10), 0, 10, 1 << 30);
  assert.ok(one.held <= 1024);
  one.add(bytes(5000), 0, 5000, 1 << 30);
  assert.ok(one.held >= 5010 && one.held <= 4 * 5010);
  one.drop();
  one.drop();
  assert.equal(one.held, 0);
  const known = message();
  known.add(bytes(10), 0, 10, 12);
  assert.equal(known.held, 12);
  known.drop();
});

Deno.test("at most half of the memory of a taken message is unused", () => {
  const one = message();
  one.add(bytes(10), 0, 10, 1 << 20);
  assert.equal(one.take().buffer.byteLength, 10);
  assert.equal(message().take().length, 0, "an empty message has no memory");
});
