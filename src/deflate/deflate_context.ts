/*
 * What an encoder remembers of the messages before, so that the next may refer to them. All of it
 * is soft: an encoder that forgets merely repeats itself, so it may be dropped at any time.
 */

import { PositionTable } from "./position_table.ts";
import { windowSize } from "./window_bits.ts";

/** The first capacity of a history in bytes. */
const SMALLEST = 256;

const NO_BYTES = new Uint8Array(0);

/** How much a {@linkcode DeflateContext} may hold. */
export interface DeflateContextOptions {
  /**
   * How far back it remembers, as a power of two of bytes: 8 to 15, and no more than the window
   * that was agreed upon. Default: 12, which is 4 KiB.
   */
  historyBits?: number;
  /** The slots of its hash table, as a power of two, 8 to 15. Default: 11, which is 4 KiB. */
  tableBits?: number;
}

export class DeflateContext {
  /** The history's full size in bytes. */
  readonly historySize: number;
  readonly #tableBits: number;
  #history: Uint8Array = NO_BYTES;
  #length = 0;
  #table: PositionTable | undefined;
  /** The position of the history's end, in the table's count. */
  #end = 0;

  constructor(options: DeflateContextOptions = {}) {
    const { historyBits = 12, tableBits = 11 } = options;
    this.historySize = windowSize(historyBits, "historyBits");
    windowSize(tableBits, "tableBits");
    this.#tableBits = tableBits;
  }

  /** The memory held, in bytes; 0 before the first message and after `drop`. */
  get byteLength(): number {
    return this.#history.length + (this.#table === undefined ? 0 : this.#table.slots.byteLength);
  }

  /** Forgets everything and lets go of the memory. */
  drop(): void {
    this.#history = NO_BYTES;
    this.#length = 0;
    this.#table = undefined;
    this.#end = 0;
  }

  /** The bytes that are remembered, the first `length` of it. */
  get history(): Uint8Array {
    return this.#history;
  }

  /** How many bytes are remembered. */
  get length(): number {
    return this.#length;
  }

  begin(): PositionTable {
    const table = this.#table ??= new PositionTable(this.#tableBits);
    table.base = this.#end - this.#length;
    table.first = 0;
    return table;
  }

  remember(text: Uint8Array, end: number, length: number): void {
    const kept = Math.min(this.#length + length, this.historySize);
    if (this.#history.length < kept) {
      let capacity = SMALLEST;
      while (capacity < kept) capacity *= 2;
      this.#history = new Uint8Array(capacity);
    }
    this.#history.set(text.subarray(end - kept, end));
    this.#length = kept;
    this.#end = this.#end + length & 0xffff;
  }
}
