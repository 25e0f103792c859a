// The output of the decoder: one buffer for all messages, which grows with a message and shrinks
// after a run of smaller ones; and the window of earlier messages, a ring of the last bytes (RFC
// 1951 2, "up to 32K input bytes").

import { InflateError } from "./bits.ts";
import { releaseMemory } from "./release_memory.ts";
import { MAX_MATCH, powerOfTwo } from "./tables.ts";

/** The minimum capacity to keep, in bytes. */
const SMALLEST = 16 * 1024;

/** The growth factor: large steps mean fewer copies, and untouched memory costs nothing. */
const GROWTH = 4;

/** After this many messages the capacity is reduced to the need of the largest of them. */
const TRIM_AFTER = 256;

/**
 * The room for one iteration of the loop over symbols: one literal, the longest match, and three
 * more bytes, because matches are copied in words.
 */
const TURN = 1 + MAX_MATCH + 3;

/** The maximum limit, which keeps lengths 32-bit integers. */
const LARGEST_LIMIT = 0x7fff_0000;

/** The output of {@linkcode inflate}. */
export class OutputPool {
  /** The bytes of the message so far, then free room. */
  bytes: Uint8Array = new Uint8Array(0);
  /** The same memory, to copy matches in words. */
  view: DataView = new DataView(this.bytes.buffer);
  /** The size of the message so far, in bytes. */
  length = 0;
  /** The maximum size. */
  limit = 0;
  #messages = 0;
  #longest = 0;

  /**
   * Starts on another message.
   *
   * @throws {RangeError} When `limit` is negative or not a number.
   */
  open(limit: number): void {
    if (!(limit >= 0)) throw new RangeError(`limit is ${limit}: it must be 0 or more bytes`);
    this.limit = Math.min(limit, LARGEST_LIMIT);
    if (this.length > this.#longest) this.#longest = this.length;
    this.length = 0;
    if (++this.#messages > TRIM_AFTER) this.#trim();
  }

  /** A view of the message, valid until the next one begins. */
  get message(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** The last length at which an iteration of the loop over symbols may begin. */
  get roomEnd(): number {
    return Math.min(this.bytes.length - TURN, this.limit);
  }

  /**
   * Makes room for `more` bytes and one iteration of the loop over symbols.
   *
   * @throws {InflateError} When the message would exceed the limit.
   */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed > this.limit) this.refuse();
    if (needed + TURN > this.bytes.length) this.#grow(needed + TURN);
  }

  /** Throws the error for a message that exceeds the limit. */
  refuse(): never {
    throw new InflateError("too-big", `message inflates to more than ${this.limit} bytes`);
  }

  #grow(needed: number): void {
    let capacity = Math.max(SMALLEST, this.bytes.length);
    while (capacity < needed) capacity *= GROWTH;
    // Not just below the limit, which would make the largest messages be copied once more.
    this.#allocate(capacity < this.limit ? capacity : this.limit + TURN);
  }

  #trim(): void {
    let capacity = SMALLEST;
    while (capacity < this.#longest + TURN) capacity *= 2;
    if (capacity < this.bytes.length) this.#allocate(capacity);
    this.#messages = 1;
    this.#longest = 0;
  }

  /** Frees the memory. */
  release(): void {
    releaseMemory(this.bytes);
    this.bytes = new Uint8Array(0);
    this.length = 0;
  }

  #allocate(capacity: number): void {
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = new Uint8Array(capacity);
    } catch {
      throw new InflateError("too-big", `there is no memory for a message of ${capacity} bytes`);
    }
    if (this.length > 0) bytes.set(this.bytes.subarray(0, this.length));
    releaseMemory(this.bytes);
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}

/** The initial capacity in bytes: a smaller ring would soon be replaced and fragment the heap. */
const SMALLEST_RING = 4096;

const NO_BYTES = new Uint8Array(0);

/**
 * The window of a decoder with context takeover. Memory is allocated as messages arrive, up to the
 * window size: `2 ** windowBits` bytes.
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
  /** The maximum distance, in bytes. */
  readonly windowSize: number;
  /** The ring; its length is a power of two, or 0. */
  #ring: Uint8Array = NO_BYTES;
  /** The index of the next byte. */
  #next = 0;
  /** The number of filled bytes. */
  #length = 0;

  /**
   * Creates an empty history.
   *
   * @param windowBits The window's size as a power of two, 8 to 15. Default: 15.
   * @throws {RangeError} For any other `windowBits`.
   */
  constructor(windowBits = 15) {
    this.windowSize = powerOfTwo("windowBits", windowBits);
  }

  /** The number of bytes it contains, at most the window size. */
  get length(): number {
    return this.#length;
  }

  /** The memory held, in bytes. */
  get byteLength(): number {
    return this.#ring.length;
  }

  /**
   * Copies up to `count` bytes that begin `distance` bytes before the end of the history to
   * `target[offset...]`, and returns their number. `distance` must not exceed `length`.
   */
  copy(target: Uint8Array, offset: number, distance: number, count: number): number {
    const ring = this.#ring;
    const mask = ring.length - 1;
    const copied = count < distance ? count : distance;
    let from = this.#next - distance;
    for (const end = offset + copied; offset < end; offset++) target[offset] = ring[from++ & mask];
    return copied;
  }

  /** Appends `bytes[0..length)`, and keeps the last bytes that fit into the window. */
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
    let capacity = Math.max(Math.min(SMALLEST_RING, this.windowSize), this.#ring.length);
    while (capacity < needed && capacity < this.windowSize) capacity *= 2;
    const ring = new Uint8Array(capacity);
    this.copy(ring, 0, this.#length, this.#length);
    this.#ring = ring;
    this.#next = this.#length;
  }
}
