// The compression of one long message in slices, so that others get their turn in between. The
// result is the same kind of frame as for a message that is compressed as a whole.

import {
  DeflateContext,
  type DeflateLevel,
  type DeflateOptions,
  deflatePart,
  storedSize,
} from "../deflate/deflate.ts";
import type { ContextMemory } from "./context_memory.ts";
import type { MessageSlices } from "./message_compression.ts";

/** Bytes of a slice; compressing it takes one to three milliseconds. */
const SLICE = 128 * 1024;

/** The end of each slice but the last (RFC 7692 7.2.1). */
const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/**
 * Bits of the table of a message without context: as many as for a message compressed as a whole.
 */
const TABLE_BITS = 15;

/** The working memory for slices, one at a time. */
let scratch: Uint8Array | undefined;

/** How the message is compressed. */
export interface SlicedDeflationOptions {
  /** The effort. */
  readonly level: DeflateLevel;
  /** The window as a power of two. */
  readonly windowBits: number;
  /** The contexts of the connection, if messages may refer to earlier ones. */
  readonly memory: ContextMemory | undefined;
}

/** The compression of one message. */
export class SlicedDeflation implements MessageSlices {
  readonly #message: Uint8Array;
  readonly #memory: ContextMemory | undefined;
  readonly #context: DeflateContext;
  readonly #options: DeflateOptions;
  #at = 0;
  #parts: Uint8Array[] = [];
  #size = 0;

  /**
   * @param message The message, which must not change.
   * @param options How it is compressed.
   */
  constructor(message: Uint8Array, { level, windowBits, memory }: SlicedDeflationOptions) {
    this.#message = message;
    this.#memory = memory;
    this.#context = memory?.encoder(windowBits) ??
      new DeflateContext({ historyBits: windowBits, tableBits: TABLE_BITS });
    this.#options = { level, windowBits, context: this.#context };
  }

  /** Bytes of the result so far. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of memory that it holds besides the message. */
  get byteLength(): number {
    return this.#size + (this.#memory === undefined ? this.#context.byteLength : 0);
  }

  /** Whether all of the message is compressed. */
  get isComplete(): boolean {
    return this.#at >= this.#message.length;
  }

  /** Whether the result is shorter than the message. */
  get pays(): boolean {
    return this.#size < this.#message.length;
  }

  /** Compresses the next slice. Returns whether all of the message is compressed. */
  compressNext(): boolean {
    const target = scratch ??= new Uint8Array(TAIL.length + storedSize(SLICE));
    const start = this.#at;
    const end = Math.min(start + SLICE, this.#message.length);
    let from = 0;
    if (start > 0) {
      target.set(TAIL);
      from = TAIL.length;
    }
    const to = deflatePart(this.#message, start, end, target, from, this.#options);
    this.#parts.push(target.slice(0, to));
    this.#size += to;
    this.#at = end;
    // The receiver's context contains the message only if its compressed form is sent.
    if (this.isComplete && !this.pays) this.#context.drop();
    this.#memory?.encoded();
    return this.isComplete;
  }

  /** Copies the result to `target[offset...]`. */
  writeTo(target: Uint8Array, offset: number): void {
    let at = offset;
    for (const part of this.#parts) {
      target.set(part, at);
      at += part.length;
    }
  }
}
