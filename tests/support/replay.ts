// Passes a byte stream to a consumer, split in every relevant way. Asserts that the events are the
// same each time, and that the memory around a chunk is not changed.

import assert from "node:assert/strict";

/** Consumes a byte stream. */
export interface Consumer<Event> {
  /** Reads `bytes[start..end)`. */
  read(bytes: Uint8Array, start: number, end: number): unknown;
  /** The events so far. */
  readonly events: readonly Event[];
}

/** Streams up to this size are split at every offset, longer ones at a sample of offsets. */
const EVERY_OFFSET = 600;

/** The bytes around a chunk in its buffer. */
const CANARY = 0xa5;

/**
 * Passes `stream` to new consumers: whole, byte by byte, and split in two at every offset.
 *
 * @param open Creates a consumer. It must record its own errors as events.
 * @returns The events.
 */
export function replay<Event>(stream: Uint8Array, open: () => Consumer<Event>): readonly Event[] {
  const whole = consume(stream, [stream.length], open());
  assert.deepEqual(consume(stream, everyByte(stream.length), open()), whole, "byte by byte");
  for (const offset of offsets(stream.length)) {
    const sizes = [offset, stream.length - offset];
    assert.deepEqual(consume(stream, sizes, open()), whole, `split at ${offset}`);
  }
  return whole;
}

function consume<Event>(
  stream: Uint8Array,
  sizes: number[],
  consumer: Consumer<Event>,
): readonly Event[] {
  let at = 0;
  for (const size of sizes) {
    // Odd distances avoid aligned chunks.
    const before = 1 + at % 7;
    const memory = new Uint8Array(before + size + 5).fill(CANARY);
    memory.set(stream.subarray(at, at + size), before);
    consumer.read(memory, before, before + size);
    assertCanaries(memory, 0, before);
    assertCanaries(memory, before + size, memory.length);
    at += size;
  }
  return consumer.events;
}

function assertCanaries(memory: Uint8Array, start: number, end: number): void {
  for (let at = start; at < end; at++) {
    if (memory[at] !== CANARY) assert.fail("memory outside the chunk was written");
  }
}

function everyByte(size: number): number[] {
  return new Array<number>(size).fill(1);
}

function offsets(size: number): number[] {
  const all = Array.from({ length: Math.max(0, size - 1) }, (_, i) => i + 1);
  if (size <= EVERY_OFFSET) return all;
  const step = Math.floor(size / 50);
  return all.filter((offset) => offset < 40 || offset > size - 20 || offset % step === 0);
}

/**
 * Reads byte by byte until the consumer throws an error.
 *
 * @returns The number of consumed bytes and the error; `undefined` if there was no error.
 */
export function firstRejection(
  stream: Uint8Array,
  read: (bytes: Uint8Array) => unknown,
): { bytes: number; error: unknown } | undefined {
  for (let at = 0; at < stream.length; at++) {
    try {
      read(stream.slice(at, at + 1));
    } catch (error) {
      return { bytes: at + 1, error };
    }
  }
  return undefined;
}
