import assert from "node:assert/strict";
import type { WebSocketError } from "../../src/errors.ts";
import { type MemoryHolder, UnfinishedMemory } from "../../src/message/unfinished_memory.ts";

/** A holder that says what was done to it. */
class Holder implements MemoryHolder {
  readonly #memory: UnfinishedMemory;
  held = 0;
  gaveUp: string | undefined;

  constructor(memory: UnfinishedMemory) {
    this.#memory = memory;
  }

  take(size: number, limit: number): void {
    this.#memory.take(this, size, limit);
    this.held += size;
  }

  release(): void {
    this.#memory.release(this);
    this.held = 0;
  }

  giveUp({ code }: WebSocketError): void {
    this.release();
    this.gaveUp = code;
  }
}

function holders(count: number): { memory: UnfinishedMemory; all: Holder[] } {
  const memory = new UnfinishedMemory();
  return { memory, all: Array.from({ length: count }, () => new Holder(memory)) };
}

const refused = { name: "WebSocketError", code: "MEMORY_LIMIT", closeCode: 1013 };

Deno.test("what is held together is counted, and given back", () => {
  const { memory, all: [one, other] } = holders(2);
  one.take(30, 100);
  one.take(20, 100);
  other.take(50, 100);
  assert.equal(memory.byteLength, 100);
  one.release();
  one.release();
  assert.equal(memory.byteLength, 50);
  other.release();
  assert.equal(memory.byteLength, 0);
});

Deno.test("over the limit the largest gives up, and the others go on", () => {
  const { memory, all: [small, large, middle] } = holders(3);
  small.take(10, 100);
  large.take(60, 100);
  middle.take(30, 100);
  small.take(5, 100);
  assert.deepEqual([small.gaveUp, large.gaveUp, middle.gaveUp], [
    undefined,
    "MEMORY_LIMIT",
    undefined,
  ]);
  assert.equal(memory.byteLength, 45);
});

Deno.test("as many give up as it takes", () => {
  const { memory, all: [one, two, three] } = holders(3);
  one.take(40, 100);
  two.take(45, 100);
  three.take(15, 100);
  three.take(20, 55);
  assert.deepEqual([one.gaveUp, two.gaveUp], ["MEMORY_LIMIT", "MEMORY_LIMIT"]);
  assert.equal(memory.byteLength, 35);
});

Deno.test("the one that would hold most is refused itself, and keeps what it has", () => {
  const { memory, all: [one, other] } = holders(2);
  one.take(50, 100);
  other.take(40, 100);
  assert.throws(() => other.take(11, 100), refused);
  assert.deepEqual([one.gaveUp, other.held, memory.byteLength], [undefined, 40, 90]);
  assert.throws(() => new Holder(memory).take(101, 100), refused);
});
