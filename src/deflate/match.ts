// What the searches for repetitions (RFC 1951 4) have in common.

/** The bytes of a word: shorter repetitions are not looked for. */
export const WORD = 4;

/**
 * After so many places in a row without a repetition, more and more bytes are passed over: what
 * does not compress should at least be quick.
 */
export const PATIENCE = 64;

/**
 * The end of the repetition at `place`, of which the bytes before are known to repeat those before
 * `candidate`. It is not over `limit`.
 */
export function matchEnd(
  bytes: Uint8Array,
  view: DataView,
  candidate: number,
  place: number,
  limit: number,
): number {
  while (place + WORD <= limit) {
    const difference = view.getInt32(place, true) ^ view.getInt32(candidate, true);
    // The lowest bit that differs is in the first byte that does.
    if (difference !== 0) return place + (31 - Math.clz32(difference & -difference) >>> 3);
    place += WORD;
    candidate += WORD;
  }
  while (place < limit && bytes[place] === bytes[candidate]) {
    place++;
    candidate++;
  }
  return place;
}
