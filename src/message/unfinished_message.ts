// A partial message: its bytes so far, in memory that grows with the bytes received.

import { copyBytes } from "../wire/frame_writer.ts";
import type { MessageOpcode } from "../wire/opcode.ts";
import { UTF8_COMPLETE } from "./utf8.ts";

/** The first size of a gathering buffer, unless the message is known to be shorter. */
const GATHER_MIN = 1024;

/**
 * How many times what has arrived a gathering buffer may be large. A header alone reserves nothing:
 * memory grows with the bytes that a peer has really sent.
 */
const GATHER_GROWTH = 4;

/** One message of which a part has arrived. */
export class UnfinishedMessage {
  readonly opcode: MessageOpcode;
  /** Whether it is compressed. */
  readonly compressed: boolean;
  /** Bytes that have arrived. */
  length = 0;
  /** Where its text stands, if it is text that is checked as it comes. */
  utf8 = UTF8_COMPLETE;
  #bytes: Uint8Array | undefined;

  /**
   * @param opcode What kind of message it is.
   * @param compressed Whether it is compressed.
   */
  constructor(opcode: MessageOpcode, compressed: boolean) {
    this.opcode = opcode;
    this.compressed = compressed;
  }

  /** Bytes of memory that it holds. */
  get held(): number {
    return this.#bytes?.length ?? 0;
  }

  /**
   * Adds a piece.
   *
   * @param most Bytes that the message can have.
   */
  add(bytes: Uint8Array, start: number, end: number, most: number): void {
    const target = this.#reserve(this.length + end - start, most);
    copyBytes(bytes, start, end, target, this.length);
    this.length += end - start;
  }

  /** Takes its bytes, the first {@linkcode UnfinishedMessage.length} of which count. */
  take(): Uint8Array {
    const bytes = this.#bytes ?? new Uint8Array(0);
    this.drop();
    // Without more memory behind it than in it: the user may keep it for long.
    return bytes.length > 2 * this.length ? bytes.slice(0, this.length) : bytes;
  }

  /** Gives its memory back: there will be no more of it. */
  drop(): void {
    this.#bytes = undefined;
  }

  #reserve(needed: number, most: number): Uint8Array {
    const old = this.#bytes;
    if (old !== undefined && old.length >= needed) return old;
    const capacity = Math.min(Math.max(GATHER_MIN, needed * GATHER_GROWTH), most);
    const grown = new Uint8Array(capacity);
    if (old !== undefined) grown.set(old.subarray(0, this.length));
    return this.#bytes = grown;
  }
}
