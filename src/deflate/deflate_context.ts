// What an encoder remembers of the messages before, so that the next can refer to them. All of it
// is soft: an encoder that forgets merely repeats itself, so it can be dropped at any time.

import { PositionTable } from "./match_finder.ts";
import { powerOfTwo } from "./tables.ts";

const NO_BYTES = new Uint8Array(0);

/**
 * How much a {@linkcode DeflateContext} may hold.
 *
 * @category Compression
 */
export interface DeflateContextOptions {
  /**
   * How many of the last bytes are remembered, as a power of two, 8 to 15. More than the window of
   * {@linkcode DeflateOptions} is of no use. Default: 12, which is 4 KiB.
   */
  historyBits?: number;
  /**
   * The slots of two bytes in the table of what was seen where, as a power of two, 8 to 15.
   * Default: 11, which is 4 KiB.
   */
  tableBits?: number;
}

/**
 * The memory of an encoder that takes its context over from message to message. It is allocated by
 * the first message, `2 ** historyBits + 2 * 2 ** tableBits` bytes (8 KiB by default), and may be
 * dropped at any time between messages.
 *
 * @example
 * ```ts
 * import { deflate, DeflateContext } from "@quickws/quickws/core";
 *
 * const options = { level: "fast", windowBits: 15, context: new DeflateContext() } as const;
 * const message = new TextEncoder().encode("to be or not to be, that is the question");
 * const target = new Uint8Array(message.length);
 * console.log(deflate(message, 0, message.length, target, 0, options)); // 39
 * console.log(deflate(message, 0, message.length, target, 0, options)); // 6
 * ```
 *
 * @category Compression
 */
export class DeflateContext {
  readonly #historySize: number;
  readonly #tableBits: number;
  #history: Uint8Array = NO_BYTES;
  #length = 0;
  #table: PositionTable | undefined;
  /** The position behind the last remembered byte, in the table's count. */
  #end = 0;

  /**
   * Makes a context that holds nothing yet.
   *
   * @param options How much it may hold.
   * @throws {RangeError} When an option is not an integer from 8 to 15.
   */
  constructor(options: DeflateContextOptions = {}) {
    const { historyBits = 12, tableBits = 11 } = options;
    this.#historySize = powerOfTwo("historyBits", historyBits);
    powerOfTwo("tableBits", tableBits);
    this.#tableBits = tableBits;
  }

  /** The memory held, in bytes; 0 before the first message and after `drop`. */
  get byteLength(): number {
    return this.#table === undefined ? 0 : this.#historySize + this.#table.slots.byteLength;
  }

  /** Forgets everything and lets go of the memory. The next message starts without context. */
  drop(): void {
    this.#history = NO_BYTES;
    this.#length = 0;
    this.#table = undefined;
    this.#end = 0;
  }

  /**
   * The memory whose first `length` bytes are what is remembered.
   *
   * @internal
   */
  get history(): Uint8Array {
    return this.#history;
  }

  /**
   * How many bytes are remembered.
   *
   * @internal
   */
  get length(): number {
    return this.#length;
  }

  /**
   * The table, lying so that a text begins with what is remembered.
   *
   * @internal
   */
  begin(): PositionTable {
    const table = this.#table ?? this.#allocate();
    table.base = this.#end - this.#length;
    return table;
  }

  /**
   * Remembers a message of `length` bytes. It ends at `text[end]`, and before it in `text` is what
   * was remembered before.
   *
   * @internal
   */
  remember(text: Uint8Array, end: number, length: number): void {
    this.#length = Math.min(this.#length + length, this.#historySize);
    this.#history.set(text.subarray(end - this.#length, end));
    this.#end = this.#end + length & 0xffff;
  }

  /** History and table in one piece of memory: for each piece the engine keeps books. */
  #allocate(): PositionTable {
    const slots = 1 << this.#tableBits;
    const memory = new ArrayBuffer(this.#historySize + 2 * slots);
    this.#history = new Uint8Array(memory, 0, this.#historySize);
    return this.#table = new PositionTable(new Uint16Array(memory, this.#historySize, slots));
  }
}
