/*
 * The memory that messages are inflated into: one buffer for all, which grows with the message
 * and shrinks again when a run of messages did not need it.
 */

import { InflateError } from "./inflate_error.ts";
import { MAX_MATCH } from "./tables.ts";

/** The capacity in bytes that is kept however little is needed. */
const SMALLEST = 16 * 1024;

/** After this many messages the capacity is cut to what the largest of them needed. */
const TRIM_AFTER = 256;

/** Room behind the limit that the fast loop may write a whole match and some more into. */
export const SLACK: number = MAX_MATCH + 14;

/** The most bytes a message can have, so that positions stay small integers. */
const LARGEST_LIMIT = 0x7fff_0000;

/** The pooled output of {@linkcode inflate}. */
export class OutputPool {
  /** The bytes so far, and room. */
  bytes: Uint8Array = new Uint8Array(0);
  /** The same memory, to copy matches in words. */
  view: DataView = new DataView(this.bytes.buffer);
  /** How many bytes of the message there are. */
  length = 0;
  /** The most bytes the message may have. */
  limit = 0;
  #messages = 0;
  #largest = 0;

  /** Starts on another message of at most `limit` bytes. */
  open(limit: number): void {
    this.length = 0;
    this.limit = limit < LARGEST_LIMIT ? limit : LARGEST_LIMIT;
  }

  /** The message. The view is good until the next `open`. */
  close(): Uint8Array {
    const message = this.bytes.subarray(0, this.length);
    if (this.length > this.#largest) this.#largest = this.length;
    if (++this.#messages === TRIM_AFTER) this.#trim();
    return message;
  }

  /** How far the fast loop may start to write a symbol, with {@linkcode SLACK} behind it. */
  get fastEnd(): number {
    const capacity = this.bytes.length - SLACK;
    return capacity < this.limit ? capacity : this.limit;
  }

  /**
   * Makes room for `more` bytes behind `length`, and {@linkcode SLACK} behind them. Throws when
   * they would go over the limit.
   */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed > this.limit) this.refuse();
    if (needed + SLACK > this.bytes.length) this.#grow(needed);
  }

  /** Throws the error for a message that is larger than the limit. */
  refuse(): never {
    throw new InflateError("too-big", `message inflates to more than ${this.limit} bytes`);
  }

  #grow(needed: number): void {
    let capacity = Math.max(SMALLEST, this.bytes.length);
    while (capacity < needed + SLACK) capacity *= 2;
    capacity = Math.min(capacity, Math.max(this.limit, needed) + SLACK);
    this.#allocate(capacity);
  }

  #allocate(capacity: number): void {
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(capacity);
    } catch {
      // The engine has no memory for a message that the caller's limit would allow.
      return this.refuse();
    }
    bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }

  #trim(): void {
    let capacity = SMALLEST;
    while (capacity < this.#largest + SLACK) capacity *= 2;
    this.length = 0;
    if (capacity < this.bytes.length) this.#allocate(capacity);
    this.#messages = 0;
    this.#largest = 0;
  }
}
