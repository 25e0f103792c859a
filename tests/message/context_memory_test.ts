import assert from "node:assert/strict";
import { deflate } from "../../src/deflate/deflate.ts";
import { inflate } from "../../src/deflate/inflate.ts";
import { ContextMemory } from "../../src/message/context_memory.ts";
import { ContextMemories } from "../../src/message/memory_governor.ts";
import { Random } from "../support/random.ts";
import { utf8 } from "../support/vectors.ts";

const MESSAGE = utf8("what was said before need not be said again, what was said before");

/** Compresses the message, which fills the whole window. Returns the compressed size. */
function send(memory: ContextMemory): number {
  const options = { level: "fast", windowBits: 8, context: memory.encoder(8) } as const;
  const end = deflate(MESSAGE, 0, MESSAGE.length, new Uint8Array(MESSAGE.length), 0, options);
  memory.encoded();
  return end;
}

/** Decompresses a message of the given length. */
function receive(memory: ContextMemory, length: number): void {
  // RFC 1951 3.2.4: a stored block, then the first three bits of an empty one.
  const block = new Uint8Array(5 + length + 1);
  block.set([0, length & 0xff, length >> 8, ~length & 0xff, ~length >> 8 & 0xff]);
  inflate(block, 0, block.length, length, memory.decoder(10));
  memory.decoded();
}

/** The size of an encoder's context after its first message, in bytes. */
const ONE = (() => {
  const all = new ContextMemories();
  send(new ContextMemory(Infinity, all));
  return all.byteLength;
})();

Deno.test("allocates memory for the first message, counts it, and releases it on close", () => {
  const all = new ContextMemories();
  const memories = Array.from({ length: 5 }, () => new ContextMemory(Infinity, all));
  for (const memory of memories) {
    memory.encoder(8);
    memory.decoder(10);
  }
  assert.equal(all.byteLength, 0);
  for (const memory of memories) send(memory);
  assert.equal(all.byteLength, 5 * ONE);
  for (const memory of memories) receive(memory, 5000);
  assert.equal(all.byteLength, 5 * (ONE + 1024));
  for (const index of [2, 0, 4, 1, 3]) {
    const before: number = all.byteLength;
    for (const _ of [1, 2]) memories[index].close();
    assert.equal(all.byteLength, before - ONE - 1024);
  }
  assert.equal(all.byteLength, 0);
});

Deno.test("over the limit, the least recently used encoder drops its context", () => {
  const all = new ContextMemories();
  const [a, b, c] = [1, 2, 3].map(() => new ContextMemory(2 * ONE, all));
  const first = send(a);
  send(b);
  assert.ok(send(a) < first, "earlier messages make a message shorter");
  assert.equal(send(c), first);
  // b is the least recently used encoder, so it has lost its context.
  assert.ok(send(a) < first);
  assert.equal(send(b), first, "b has no context");
  assert.equal(send(c), first, "c has lost its context to b");
  assert.equal(all.byteLength, 2 * ONE);
});

Deno.test("counts decoders and never drops their context", () => {
  const all = new ContextMemories();
  const [a, b] = [1, 2].map(() => new ContextMemory(ONE + 1024, all));
  const first = send(a);
  receive(a, 1024);
  receive(b, 1024);
  assert.equal(all.byteLength, 2048, "only the decoders hold memory");
  assert.equal(send(a), first);
  assert.equal(all.byteLength, 2048, "the encoder's context does not fit anymore");
  b.close();
  send(a);
  assert.ok(send(a) < first);
  assert.equal(all.byteLength, ONE + 1024);
});

Deno.test("works without contexts if there is no memory for them", () => {
  const all = new ContextMemories();
  const memory = new ContextMemory(0, all);
  const first = send(memory);
  for (const _ of [1, 2, 3]) assert.equal(send(memory), first);
  assert.equal(all.byteLength, 0);
});

Deno.test("the count matches the allocated memory for any order of use, dropping and closing", () => {
  const random = new Random(14);
  const limit = 6 * ONE;
  const all = new ContextMemories();
  const open = new Set<ContextMemory>();
  /** A simple model: the encoders that have a context, least recently used first. */
  let model: ContextMemory[] = [];
  for (let step = 0; step < 5000; step++) {
    const memory = open.size < 10 ? new ContextMemory(limit, all) : random.pick([...open]);
    open.add(memory);
    if (random.below(5) === 0) {
      memory.close();
      open.delete(memory);
      model = model.filter((other) => other !== memory);
    } else {
      const remembers = send(memory) < MESSAGE.length / 2;
      assert.equal(remembers, model.includes(memory), `step ${step}`);
      model = [...model.filter((other) => other !== memory), memory].slice(-6);
    }
    assert.equal(all.byteLength, model.length * ONE, `step ${step}`);
  }
});
