// What the first of two passes hands to the second: the tokens of one block, and how often each
// symbol occurs in it.

import { DISTANCE_SYMBOLS, END_OF_BLOCK, LITERAL_SYMBOLS } from "./tables.ts";
import { PIECE } from "./text_buffer.ts";

/** A block ends after so many tokens, so that the next can have codes that fit it better. */
const CAPACITY = 16 * 1024;

/** The last step of a search may add as many tokens as it has grown to pass over bytes. */
const OVERRUN = (PIECE >>> 6) + 16;

/** The tokens of a block; see `encode_symbols.ts` for what one says. */
export class TokenBlock {
  /** Tokens after which the block is full. */
  readonly capacity = CAPACITY;
  /** The tokens, the first `count` of it. */
  readonly tokens: Int32Array = new Int32Array(CAPACITY + OVERRUN);
  /** How often each literal/length symbol occurs. */
  readonly literals: Int32Array = new Int32Array(LITERAL_SYMBOLS);
  /** How often each distance symbol occurs. */
  readonly distances: Int32Array = new Int32Array(DISTANCE_SYMBOLS);
  /** How many tokens there are. */
  count = 0;

  /** Empties the block, all but its end. */
  open(): void {
    this.count = 0;
    this.literals.fill(0);
    this.distances.fill(0);
    this.literals[END_OF_BLOCK] = 1;
  }
}
