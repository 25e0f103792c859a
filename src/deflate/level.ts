// How hard to try, and which of it pays for a message of a given size.

/**
 * How hard {@linkcode deflate} tries: `"fast"` is one pass with the fixed codes, `"best"` a more
 * thorough search and codes made for the message, for two to three times the time.
 */
export type DeflateLevel = "fast" | "best";

/**
 * From this size in bytes on `"best"` saves more than ten bytes for each microsecond that it takes
 * longer, of JSON, on every runtime; `bench/deflate` has the figures.
 */
const BEST_PAYS = 2048;

/**
 * The level that pays for a message of `length` bytes: `"fast"` below 2 KiB, where most of the time
 * of `"best"` goes into making and describing codes.
 *
 * @example
 * ```ts
 * import { autoLevel } from "@quickws/quickws/core";
 *
 * console.log(autoLevel(100), autoLevel(10_000)); // fast best
 * ```
 */
export function autoLevel(length: number): DeflateLevel {
  return length < BEST_PAYS ? "fast" : "best";
}
