// Bytes that encode their position in a stream, to detect lost, duplicate, swapped or overwritten
// bytes.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";

/** The period of the stream in bytes. */
const PERIOD = 1 << 24;

const STREAM = new Uint8Array(PERIOD);
for (let position = 0; position < PERIOD; position++) {
  STREAM[position] = position * 31 + (position >> 8) * 7 + (position >> 16);
}

/** Calls `use` with each part of the stream up to `length` bytes from `position` on. */
function eachPart(
  position: number,
  length: number,
  use: (part: Uint8Array, index: number) => void,
): void {
  for (let index = 0; index < length;) {
    const from = (position + index) % PERIOD;
    const part = STREAM.subarray(from, from + length - index);
    use(part, index);
    index += part.length;
  }
}

/** Fills `bytes` with the stream's bytes from `position` on, and returns them. */
export function fill(bytes: Uint8Array, position = 0): Uint8Array {
  eachPart(position, bytes.length, (part, index) => bytes.set(part, index));
  return bytes;
}

/** Returns new bytes of the stream. */
export function pattern(length: number, position = 0): Uint8Array {
  return fill(new Uint8Array(length), position);
}

/** Asserts that `bytes` are the stream's bytes from `position` on. */
export function assertPattern(bytes: Uint8Array, position = 0): void {
  eachPart(position, bytes.length, (part, start) => {
    const received = bytes.subarray(start, start + part.length);
    if (Buffer.compare(received, part) === 0) return;
    const wrong = received.findIndex((byte, index) => byte !== part[index]);
    const index = start + wrong;
    assert.fail(
      `byte ${position + index} is ${received[wrong]}, not ${part[wrong]} ` +
        `(${index} of ${bytes.length} in its chunk)`,
    );
  });
}

/** Checks the chunks of a stream on arrival. */
export class PatternCheck {
  position = 0;
  /** The first fault, recorded because a sink must not throw. */
  fault: unknown;

  add(chunk: Uint8Array): void {
    try {
      if (this.fault === undefined) assertPattern(chunk, this.position);
    } catch (error) {
      this.fault = error;
    }
    this.position += chunk.length;
  }

  /** Asserts that all bytes so far were correct, and that there were `length` of them. */
  assertComplete(length: number): void {
    if (this.fault !== undefined) throw this.fault;
    assert.equal(this.position, length);
  }
}
