// Compresses one long message in slices, so that other messages get their turn. The frame has the
// same form as that of a message compressed as a whole.

import {
  DeflateContext,
  type DeflateLevel,
  type DeflateOptions,
  deflatePart,
  storedSize,
} from "../deflate/deflate.ts";
import type { ContextMemory } from "./context_memory.ts";
import type { MessageSlices } from "./message_compression.ts";

/** The slice size in bytes; compressing a slice takes one to three milliseconds. */
const SLICE = 128 * 1024;

/** The end of each slice but the last (RFC 7692 7.2.1). */
const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/** The table bits for a message without context, the same as for whole messages. */
const TABLE_BITS = 15;

/** The working memory for slices, one at a time. */
let scratch: Uint8Array | undefined;

/** The options of a {@linkcode SlicedDeflation}. */
export interface SlicedDeflationOptions {
  /** The effort. */
  readonly level: DeflateLevel;
  /** The base-2 logarithm of the window size. */
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
   * @param message The message; must not change.
   * @param options How it is compressed.
   */
  constructor(message: Uint8Array, { level, windowBits, memory }: SlicedDeflationOptions) {
    this.#message = message;
    this.#memory = memory;
    this.#context = memory?.encoder(windowBits) ??
      new DeflateContext({ historyBits: windowBits, tableBits: TABLE_BITS });
    this.#options = { level, windowBits, context: this.#context };
  }

  /** The size of the result so far, in bytes. */
  get size(): number {
    return this.#size;
  }

  /** The memory held besides the message, in bytes. */
  get byteLength(): number {
    return this.#size + (this.#memory === undefined ? this.#context.byteLength : 0);
  }

  /** Whether the whole message is compressed. */
  get isComplete(): boolean {
    return this.#at >= this.#message.length;
  }

  /** Whether the result is shorter than the message. */
  get isSmaller(): boolean {
    return this.#size < this.#message.length;
  }

  /** Compresses the next slice. Returns whether the whole message is compressed. */
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
    // The receiver's context contains the message only if it is sent compressed.
    if (this.isComplete && !this.isSmaller) this.#context.drop();
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
