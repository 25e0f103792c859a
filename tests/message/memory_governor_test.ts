import assert from "node:assert/strict";
import { deflate } from "../../src/deflate/deflate.ts";
import type { WebSocketError } from "../../src/errors.ts";
import { ContextMemory } from "../../src/message/context_memory.ts";
import {
  ContextMemories,
  MemoryGovernor,
  type MemoryHolder,
} from "../../src/message/memory_governor.ts";

/** A connection whose memory use the test sets. */
class Holder implements MemoryHolder {
  counted = 0;
  readonly errors: WebSocketError[] = [];
  readonly #governor: MemoryGovernor;

  constructor(governor: MemoryGovernor) {
    this.#governor = governor;
  }

  hold(bytes: number, limit: number): void {
    const difference = bytes - this.counted;
    this.counted = bytes;
    this.#governor.count(this, difference, limit);
  }

  giveUp(error: WebSocketError): void {
    this.errors.push(error);
    this.hold(0, Infinity);
  }
}

Deno.test("counts the memory of connections until they release it", () => {
  const governor = new MemoryGovernor(new ContextMemories());
  const [one, two] = [new Holder(governor), new Holder(governor)];
  one.hold(1000, Infinity);
  two.hold(500, Infinity);
  one.hold(200, Infinity);
  assert.equal(governor.counted, 700);
  governor.remove(one);
  two.hold(0, Infinity);
  assert.equal(governor.counted, 0);
});

Deno.test("over the limit, closes the connections with the largest memory use, even if a small one requests more", () => {
  const governor = new MemoryGovernor(new ContextMemories());
  const holders = [50_000, 16_383, 16_383, 100].map((size) => {
    const holder = new Holder(governor);
    holder.hold(size, Infinity);
    return holder;
  });
  const small = new Holder(governor);
  small.hold(10, governor.counted);
  assert.deepEqual(holders.map(({ errors }) => errors.length), [1, 0, 0, 0]);
  assert.deepEqual(small.errors, []);
  const [error] = holders[0].errors;
  assert.deepEqual([error.code, error.closeCode], ["MEMORY_LIMIT", 1013]);
  assert.match(error.message, /memoryLimit \(82866 bytes\).*50000 bytes$/);
});

Deno.test("among thousands of equal connections, closes the one that requests more, and never a smaller one", () => {
  const governor = new MemoryGovernor(new ContextMemories());
  const limit = 64 << 20;
  const honest = Array.from({ length: 20 }, () => new Holder(governor));
  for (const holder of honest) holder.hold(100, limit);
  const attackers = Array.from({ length: 4097 }, () => new Holder(governor));
  for (const holder of attackers) holder.hold(16_384, limit);
  for (const holder of honest) holder.hold(2000, limit);
  assert.ok(honest.every(({ errors }) => errors.length === 0));
  assert.ok(attackers.some(({ errors }) => errors.length === 1));
  assert.ok(governor.counted <= limit);
});

Deno.test("reports when memory use is near the limit", () => {
  const governor = new MemoryGovernor(new ContextMemories());
  const holder = new Holder(governor);
  const limit = governor.byteLength + 1000;
  holder.hold(800, limit);
  assert.equal(governor.isNear(limit), governor.byteLength > limit * 0.9);
  holder.hold(999, limit);
  assert.equal(governor.isNear(limit), true);
});

Deno.test("drops a send context before it closes a connection", () => {
  const contexts = new ContextMemories();
  const governor = new MemoryGovernor(contexts);
  const memory = new ContextMemory(Infinity, contexts);
  const message = new Uint8Array(1000);
  const options = { level: "fast", windowBits: 8, context: memory.encoder(8) } as const;
  deflate(message, 0, message.length, new Uint8Array(message.length), 0, options);
  memory.encoded();
  const inContext = contexts.byteLength;
  assert.ok(inContext > 0);
  const holder = new Holder(governor);
  holder.hold(1000, 1000 + inContext);
  assert.equal(governor.byteLength, 1000 + inContext);
  holder.hold(1001, 1000 + inContext);
  assert.equal(governor.byteLength, 1001);
  assert.deepEqual(holder.errors, []);
});

Deno.test("drops a context if the connections leave too little memory for it", () => {
  const contexts = new ContextMemories();
  const governor = new MemoryGovernor(contexts);
  const holder = new Holder(governor);
  holder.hold(1000, Infinity);
  const memory = new ContextMemory(1001, contexts);
  const message = new Uint8Array(1000);
  const options = { level: "fast", windowBits: 8, context: memory.encoder(8) } as const;
  deflate(message, 0, message.length, new Uint8Array(message.length), 0, options);
  memory.encoded();
  assert.equal(governor.byteLength, 1000);
});
