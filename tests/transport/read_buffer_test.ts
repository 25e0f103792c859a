// Tests the read buffer without a socket: it must never reuse delivered memory.

import assert from "node:assert/strict";
import { ReadBuffer } from "../../src/transport/read_buffer.ts";
import { Random } from "../support/random.ts";

/** Reads a message of `length` available bytes. Returns the chunks. */
function readMessage(buffer: ReadBuffer, length: number, kept = true): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  while (length > 0) {
    const room = buffer.room();
    assert.ok(room.length > 0);
    const chunk = buffer.filled(room, Math.min(length, room.length));
    length -= chunk.length;
    if (kept) buffer.give(chunk.length);
    chunks.push(chunk);
  }
  return chunks;
}

Deno.test("the buffer of an idle connection has 2 KiB", () => {
  const buffer = new ReadBuffer();
  assert.equal(buffer.room().buffer.byteLength, 2048);
  readMessage(buffer, 100);
  assert.equal(buffer.room().buffer.byteLength, 2048);
});

Deno.test("a chunk is a view of the memory that was offered for the read", () => {
  const buffer = new ReadBuffer();
  const room = buffer.room();
  const chunk = buffer.filled(room, 5);
  assert.equal(chunk.length, 5);
  assert.equal(chunk.buffer, room.buffer);
  assert.equal(chunk.byteOffset, room.byteOffset);
});

Deno.test("reuses memory that was not delivered", () => {
  const buffer = new ReadBuffer();
  const room = buffer.room();
  for (let count = 0; count < 100; count++) {
    readMessage(buffer, 300, false);
    assert.equal(buffer.room(), room);
  }
});

Deno.test("small chunks that the user keeps share a block", () => {
  const buffer = new ReadBuffer();
  const chunks = Array.from({ length: 10 }, () => readMessage(buffer, 100)).flat();
  assert.equal(new Set(chunks.map((chunk) => chunk.buffer)).size, 1);
});

Deno.test("never reuses a delivered byte", () => {
  const random = new Random(1);
  for (const firstSize of [1, 3, 16, 100, 2048, 100_000]) {
    const buffer = new ReadBuffer(firstSize);
    const given: Array<{ chunk: Uint8Array; mark: number }> = [];
    for (let mark = 0; mark < 2000; mark++) {
      const room = buffer.room();
      const chunk = buffer.filled(room, 1 + random.below(room.length));
      chunk.fill(mark & 0xff);
      if (random.below(3) === 0) continue;
      buffer.give(chunk.length);
      given.push({ chunk, mark: mark & 0xff });
    }
    for (const { chunk, mark } of given) assert.ok(chunk.every((byte) => byte === mark));
  }
});

const SIZES = [1, 100, 500, 1000, 2048, 4096, 4100, 10_000, 16_384, 20_000, 65_535];

for (const size of SIZES) {
  Deno.test(`after a few messages of ${size} bytes, needs one read for each`, () => {
    const buffer = new ReadBuffer();
    for (let count = 0; count < 20; count++) readMessage(buffer, size);
    for (let count = 0; count < 100; count++) assert.equal(readMessage(buffer, size).length, 1);
  });
}

Deno.test("grows up to 64 KiB while reads fill it", () => {
  const buffer = new ReadBuffer();
  const sizes = readMessage(buffer, 10_000_000).map((chunk) => chunk.length);
  assert.ok(sizes.length < 200);
  assert.equal(Math.max(...sizes), 65_536);
});

for (const kept of [true, false]) {
  Deno.test(`shrinks to 2 KiB with small messages after a flood, ${kept ? "kept" : "not kept"} by the user`, () => {
    const buffer = new ReadBuffer();
    readMessage(buffer, 10_000_000);
    for (let count = 0; count < 20; count++) readMessage(buffer, 100, kept);
    assert.ok(buffer.room().buffer.byteLength <= 4096);
  });
}

Deno.test("the user can set the initial and minimum size", () => {
  const buffer = new ReadBuffer(16);
  assert.equal(buffer.room().length, 16);
  const large = new ReadBuffer(100_000);
  assert.equal(large.room().length, 100_000);
  for (let count = 0; count < 20; count++) readMessage(large, 10, false);
  assert.equal(large.room().length, 100_000);
});
