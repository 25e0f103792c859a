// Generates bytes and texts, chunk splits of a stream, and damaged streams.

import fc from "fast-check";
import { concat } from "../support/vectors.ts";

/** Sizes around every limit of frame headers, buffers and thresholds in the code. */
const EDGES = [
  0,
  1,
  2,
  12,
  13,
  63,
  64,
  65,
  124,
  125,
  126,
  127,
  255,
  256,
  257,
  1023,
  1024,
  8191,
  8192,
];
const LONG_EDGES = [65534, 65535, 65536, 65537, 70000];

/** Arbitrary bytes, up to some hundred. */
export const shortBytes: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 200 })
  .map((bytes) => new Uint8Array(bytes));

/** Periodic bytes of a size near a limit, which are fast to generate. */
const periodicBytes: fc.Arbitrary<Uint8Array> = fc.record({
  size: fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...EDGES) }, {
    weight: 1,
    arbitrary: fc.constantFrom(...LONG_EDGES),
  }),
  period: fc.uint8Array({ minLength: 1, maxLength: 9 }),
}).map(({ size, period }) => {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = period[i % period.length];
  return bytes;
});

/** Message payloads. */
export const payloads: fc.Arbitrary<Uint8Array> = fc.oneof(shortBytes, periodicBytes);

const FIRST_SURROGATE = 0xd800;
const SURROGATES = 0x800;

/**
 * Any character, as the unit of a text. The unit `"binary"` of fast-check generates the same, but
 * first builds a table of all characters.
 */
export const characters: fc.Arbitrary<string> = fc.nat(0x10ffff - SURROGATES).map(
  (index) => String.fromCodePoint(index < FIRST_SURROGATE ? index : index + SURROGATES),
  (character) => {
    const code = String(character).codePointAt(0)!;
    return code < FIRST_SURROGATE ? code : code - SURROGATES;
  },
);

/** Well-formed texts with all kinds of characters. */
export const texts: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: characters, maxLength: 60 }),
  fc.string({ unit: "binary-ascii", maxLength: 200 }),
  fc.record({
    part: fc.string({ unit: characters, minLength: 1, maxLength: 4 }),
    count: fc.constantFrom(1, 8, 31, 32, 33, 300, 3000),
  }).map(({ part, count }) => part.repeat(count)),
);

/** Chunk sizes of a stream, repeated as needed. */
export const chunkSizes: fc.Arbitrary<number[]> = fc.oneof(
  fc.constant<number[]>([1]),
  fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 12 }),
  fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 6 }),
);

/**
 * The maximum number of chunks. Longer streams are split into larger chunks, since more chunks
 * would take time without finding more faults.
 */
const MOST_CHUNKS = 500;

/** Splits a stream into chunks, each in a separate buffer. */
export function* chunksOf(stream: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  const least = Math.floor(stream.length / MOST_CHUNKS / 4);
  let at = 0;
  for (let i = 0; at < stream.length; i++) {
    const end = Math.min(stream.length, at + least + sizes[i % sizes.length]);
    yield stream.slice(at, end);
    at = end;
  }
}

/** A change to a stream. Positions are fractions of its length. */
type Mutation =
  | { kind: "flip"; place: number; bit: number }
  | { kind: "set"; place: number; byte: number }
  | { kind: "insert"; place: number; bytes: Uint8Array }
  | { kind: "remove"; place: number; count: number }
  | { kind: "repeat"; place: number; count: number }
  | { kind: "truncate"; place: number };

/** Positions, often near the start. */
const places = fc.oneof(
  fc.double({ min: 0, max: 0.02, noNaN: true }),
  fc.double({ min: 0, max: 1, noNaN: true }),
);

/** Changes to a stream. */
export const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.oneof<fc.Arbitrary<Mutation>[]>(
    fc.record({ kind: fc.constant("flip"), place: places, bit: fc.nat(7) }),
    fc.record({ kind: fc.constant("set"), place: places, byte: fc.nat(255) }),
    fc.record({
      kind: fc.constant("insert"),
      place: places,
      bytes: fc.uint8Array({ minLength: 1, maxLength: 16 }).map((bytes) => new Uint8Array(bytes)),
    }),
    fc.record({ kind: fc.constant("remove"), place: places, count: fc.nat(20) }),
    fc.record({ kind: fc.constant("repeat"), place: places, count: fc.nat(40) }),
    fc.record({ kind: fc.constant("truncate"), place: places }),
  ),
  { maxLength: 5 },
);

/** Applies changes to a stream. */
export function mutated(stream: Uint8Array, what: readonly Mutation[]): Uint8Array {
  return what.reduce(mutate, stream);
}

function mutate(stream: Uint8Array, what: Mutation): Uint8Array {
  const at = Math.floor(what.place * stream.length);
  const before = stream.subarray(0, at);
  switch (what.kind) {
    case "flip":
    case "set": {
      const copy = stream.slice();
      if (at < copy.length) copy[at] = what.kind === "set" ? what.byte : copy[at] ^ 1 << what.bit;
      return copy;
    }
    case "insert":
      return concat(before, what.bytes, stream.subarray(at));
    case "remove":
      return concat(before, stream.subarray(at + what.count));
    case "repeat":
      return concat(stream.subarray(0, at + what.count), stream.subarray(at));
    case "truncate":
      return before.slice();
  }
}
