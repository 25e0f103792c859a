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
  small.take(20_000, 200_000);
  large.take(120_000, 200_000);
  middle.take(60_000, 200_000);
  small.take(10_000, 200_000);
  assert.deepEqual([small.gaveUp, large.gaveUp, middle.gaveUp], [
    undefined,
    "MEMORY_LIMIT",
    undefined,
  ]);
  assert.equal(memory.byteLength, 90_000);
});

Deno.test("as many give up as it takes", () => {
  const { memory, all: [one, two, three] } = holders(3);
  one.take(80_000, 200_000);
  two.take(90_000, 200_000);
  three.take(30_000, 200_000);
  three.take(40_000, 110_000);
  assert.deepEqual([one.gaveUp, two.gaveUp], ["MEMORY_LIMIT", "MEMORY_LIMIT"]);
  assert.equal(memory.byteLength, 70_000);
});

Deno.test("the one that would hold most is refused itself, and keeps what it has", () => {
  const { memory, all: [one, other] } = holders(2);
  one.take(50, 100);
  other.take(40, 100);
  assert.throws(() => other.take(11, 100), refused);
  assert.deepEqual([one.gaveUp, other.held, memory.byteLength], [undefined, 40, 90]);
  assert.throws(() => new Holder(memory).take(101, 100), refused);
});

Deno.test("who holds little does not have to go for others", () => {
  const { memory, all: [one, other] } = holders(2);
  one.take(60_000, 100_000);
  assert.throws(() => other.take(50_000, 100_000), refused);
  assert.deepEqual([one.gaveUp, memory.byteLength], [undefined, 60_000]);
  one.take(10_000, 100_000);
  other.take(50_000, 100_000);
  assert.deepEqual([one.gaveUp, memory.byteLength], ["MEMORY_LIMIT", 50_000]);
});
