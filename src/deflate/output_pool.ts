// The memory that messages are inflated into: one buffer for all, which grows with a message and
// shrinks again when a run of messages did not need it.

import { InflateError } from "./inflate_error.ts";
import { MAX_MATCH } from "./tables.ts";

/** The capacity in bytes that is kept however little is needed. */
const SMALLEST = 16 * 1024;

/**
 * How many times as large the memory is when it has to grow: with fewer and larger steps less is
 * copied, and what is not written to costs nothing.
 */
const GROWTH = 4;

/** After so many messages the capacity is cut to what the largest of them needed. */
const TRIM_AFTER = 256;

/**
 * Room that a turn of the loop over symbols may need: one literal, the longest match, and three
 * bytes more, because matches are copied in words.
 */
const TURN = 1 + MAX_MATCH + 3;

/** Limits above this one are the same, so that lengths stay integers of 32 bits. */
const LARGEST_LIMIT = 0x7fff_0000;

/** The output of {@linkcode inflate}. */
export class OutputPool {
  /** The bytes of the message so far, and room. */
  bytes: Uint8Array = new Uint8Array(0);
  /** The same memory, to copy matches in words. */
  view: DataView = new DataView(this.bytes.buffer);
  /** How many bytes the message has so far. */
  length = 0;
  /** The most bytes it may have. */
  limit = 0;
  #messages = 0;
  #longest = 0;

  /**
   * Starts on another message.
   *
   * @throws {RangeError} When `limit` is not a number from 0 on.
   */
  open(limit: number): void {
    if (!(limit >= 0)) throw new RangeError(`limit is ${limit}: it must be 0 or more bytes`);
    this.limit = Math.min(limit, LARGEST_LIMIT);
    if (this.length > this.#longest) this.#longest = this.length;
    this.length = 0;
    if (++this.#messages > TRIM_AFTER) this.#trim();
  }

  /** A view of the message, good until the next one is begun. */
  get message(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** The last length at which a turn of the loop over symbols may begin. */
  get roomEnd(): number {
    return Math.min(this.bytes.length - TURN, this.limit);
  }

  /**
   * Makes room for `more` bytes and a turn of the loop over symbols behind them.
   *
   * @throws {InflateError} When the message would go over the limit.
   */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed > this.limit) this.refuse();
    if (needed + TURN > this.bytes.length) this.#grow(needed + TURN);
  }

  /** Throws the error for a message that goes over the limit. */
  refuse(): never {
    throw new InflateError("too-big", `message inflates to more than ${this.limit} bytes`);
  }

  #grow(needed: number): void {
    let capacity = Math.max(SMALLEST, this.bytes.length);
    while (capacity < needed) capacity *= GROWTH;
    // Not just below what the limit needs, or the largest of all would have to be copied once more.
    this.#allocate(capacity < this.limit ? capacity : this.limit + TURN);
  }

  #trim(): void {
    let capacity = SMALLEST;
    while (capacity < this.#longest + TURN) capacity *= 2;
    if (capacity < this.bytes.length) this.#allocate(capacity);
    this.#messages = 1;
    this.#longest = 0;
  }

  #allocate(capacity: number): void {
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = new Uint8Array(capacity);
    } catch {
      throw new InflateError("too-big", `there is no memory for a message of ${capacity} bytes`);
    }
    if (this.length > 0) bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}
