// What a decoder remembers of the messages before: a ring of the last bytes, as many as the window
// reaches back (RFC 1951 2, "up to 32K input bytes").

import { powerOfTwo } from "./tables.ts";

/** The first capacity in bytes: what is outgrown soon would only leave holes in the memory. */
const SMALLEST = 4096;

const NO_BYTES = new Uint8Array(0);

/**
 * The window of a decoder that keeps its context from message to message. Memory is allocated as
 * messages come, and never more than the window: `2 ** windowBits` bytes.
 *
 * @example
 * ```ts
 * import { inflate, InflateHistory } from "@quickws/quickws/core";
 *
 * const history = new InflateHistory(10);
 * const first = Uint8Array.of(0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00); // "Hello"
 * const second = Uint8Array.of(0xf2, 0x00, 0x11, 0x00, 0x00); // "Hello" again
 * const decoder = new TextDecoder();
 * console.log(decoder.decode(inflate(first, 0, first.length, 1024, history))); // Hello
 * console.log(decoder.decode(inflate(second, 0, second.length, 1024, history))); // Hello
 * ```
 *
 * @category Compression
 */
export class InflateHistory {
  /** How far back a distance may reach, in bytes. */
  readonly windowSize: number;
  /** The ring; its length is a power of two, or 0. */
  #ring: Uint8Array = NO_BYTES;
  /** Where the next byte goes. */
  #next = 0;
  /** How many bytes of the ring are filled. */
  #length = 0;

  /**
   * Makes a history of no messages.
   *
   * @param windowBits The window's size as a power of two, 8 to 15. Default: 15.
   * @throws {RangeError} For any other `windowBits`.
   */
  constructor(windowBits = 15) {
    this.windowSize = powerOfTwo("windowBits", windowBits);
  }

  /** How many bytes back there is something: the window at most. */
  get length(): number {
    return this.#length;
  }

  /** The memory held, in bytes. */
  get byteLength(): number {
    return this.#ring.length;
  }

  /**
   * Copies up to `count` bytes that begin `distance` bytes before the end of the history to
   * `target[offset...]`, and returns how many there were. `distance` must not be over `length`.
   */
  copy(target: Uint8Array, offset: number, distance: number, count: number): number {
    const ring = this.#ring;
    const mask = ring.length - 1;
    const copied = count < distance ? count : distance;
    let from = this.#next - distance;
    for (const end = offset + copied; offset < end; offset++) target[offset] = ring[from++ & mask];
    return copied;
  }

  /** Appends `bytes[0..length)`, of which the window's last bytes are kept. */
  append(bytes: Uint8Array, length: number): void {
    const size = this.windowSize;
    if (length >= size) {
      if (this.#ring.length < size) this.#ring = new Uint8Array(size);
      this.#ring.set(bytes.subarray(length - size, length));
      this.#next = 0;
      this.#length = size;
      return;
    }
    if (this.#length + length > this.#ring.length && this.#ring.length < size) {
      this.#grow(this.#length + length);
    }
    const ring = this.#ring;
    const mask = ring.length - 1;
    let next = this.#next;
    if (length < 32) {
      for (let index = 0; index < length; index++) ring[next + index & mask] = bytes[index];
    } else {
      const first = Math.min(length, ring.length - next);
      ring.set(bytes.subarray(0, first), next);
      if (first < length) ring.set(bytes.subarray(first, length), 0);
    }
    next += length;
    this.#next = next & mask;
    this.#length = Math.min(this.#length + length, size);
  }

  #grow(needed: number): void {
    let capacity = Math.max(Math.min(SMALLEST, this.windowSize), this.#ring.length);
    while (capacity < needed && capacity < this.windowSize) capacity *= 2;
    const ring = new Uint8Array(capacity);
    this.copy(ring, 0, this.#length, this.#length);
    this.#ring = ring;
    this.#next = this.#length;
  }
}
