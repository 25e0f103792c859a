// Bytes that encode their position in a stream: lost, duplicated, swapped or overwritten bytes are
// detected.

import assert from "node:assert/strict";

function byteAt(position: number): number {
  return (position * 31 + (position >> 8) * 7 + (position >> 16)) & 0xff;
}

/** Fills `bytes` with the stream's bytes from `position` on, and returns them. */
export function fill(bytes: Uint8Array, position = 0): Uint8Array {
  for (let index = 0; index < bytes.length; index++) bytes[index] = byteAt(position + index);
  return bytes;
}

/** New bytes of the stream. */
export function pattern(length: number, position = 0): Uint8Array {
  return fill(new Uint8Array(length), position);
}

/** Asserts that `bytes` are the stream's bytes from `position` on. */
export function assertPattern(bytes: Uint8Array, position = 0): void {
  for (let index = 0; index < bytes.length; index++) {
    if (bytes[index] === byteAt(position + index)) continue;
    assert.fail(
      `byte ${position + index} is ${bytes[index]}, not ${byteAt(position + index)} ` +
        `(${index} of ${bytes.length} in its chunk)`,
    );
  }
}

/** Follows a stream of chunks and asserts each on arrival. */
export class PatternCheck {
  position = 0;
  /** The first fault; a sink may not throw. */
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
  assertWhole(length: number): void {
    if (this.fault !== undefined) throw this.fault;
    assert.equal(this.position, length);
  }
}
