import assert from "node:assert/strict";
import type { WebSocketError } from "../../src/errors.ts";
import { UnfinishedMemory } from "../../src/message/unfinished_memory.ts";
import { UnfinishedMessage } from "../../src/message/unfinished_message.ts";
import { Opcode } from "../../src/wire/opcode.ts";

const memory = UnfinishedMemory.ofProcess;

/** A message whose owner notes that it was given up. */
function message(): { message: UnfinishedMessage; gaveUp: WebSocketError[] } {
  const gaveUp: WebSocketError[] = [];
  const owner = { gaveUp: (error: WebSocketError): void => void gaveUp.push(error) };
  return { message: new UnfinishedMessage(Opcode.Binary, false, owner), gaveUp };
}

function bytes(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => i);
}

Deno.test("pieces are put together, whatever their sizes", () => {
  const whole = bytes(9000);
  for (const size of [1, 7, 64, 65, 1000, 8999, 9000]) {
    const { message: one } = message();
    for (let at = 0; at < whole.length; at += size) {
      one.add(whole, at, Math.min(at + size, whole.length), 1 << 20, Infinity);
    }
    assert.equal(one.length, whole.length);
    assert.deepEqual(one.take().subarray(0, one.length), whole);
  }
});

Deno.test("memory grows with what has come, up to what can come, and is counted and given back", () => {
  const before = memory.byteLength;
  const { message: one } = message();
  assert.equal(one.held, 0);
  one.add(bytes(10), 0, 10, 1 << 30, Infinity);
  assert.ok(one.held <= 1024);
  one.add(bytes(5000), 0, 5000, 1 << 30, Infinity);
  assert.ok(one.held >= 5010 && one.held <= 4 * 5010);
  assert.equal(memory.byteLength - before, one.held);
  one.drop();
  one.drop();
  assert.deepEqual([one.held, memory.byteLength], [0, before]);
  const { message: known } = message();
  known.add(bytes(10), 0, 10, 12, Infinity);
  assert.equal(known.held, 12);
  known.drop();
});

Deno.test("what is taken has no more than half of its memory unused", () => {
  const { message: one } = message();
  one.add(bytes(10), 0, 10, 1 << 20, Infinity);
  assert.equal(one.take().buffer.byteLength, 10);
  assert.equal(message().message.take().length, 0, "an empty message has no memory at all");
});

Deno.test("over the limit the largest is given up, and its owner hears why", () => {
  const limit = memory.byteLength + 300_000;
  const [large, small] = [message(), message()];
  large.message.add(bytes(200_000), 0, 200_000, 200_000, limit);
  small.message.add(bytes(150_000), 0, 150_000, 150_000, limit);
  assert.deepEqual(large.gaveUp.map(({ code }) => code), ["MEMORY_LIMIT"]);
  assert.equal(large.message.held, 0);
  assert.throws(
    () => message().message.add(bytes(150_001), 0, 150_001, 310_000, memory.byteLength),
    { code: "MEMORY_LIMIT" },
  );
  small.message.drop();
});
