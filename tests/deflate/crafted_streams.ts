// Crafted messages, each for one rule of RFC 1951, with the expected output or error.

import { Bits } from "./bits.ts";

/** A crafted message. */
export interface CraftedStream {
  /** The property under test. */
  name: string;
  /** The compressed bytes. */
  payload: Uint8Array;
  /** The expected output or error of quickws. */
  quickws: string | RegExp;
  /** zlib's result if it differs, or `undefined` if zlib rejects the message. */
  zlib?: string | undefined;
}

const literalA = { 65: 1, 256: 1 };

/** All crafted messages. */
export const craftedStreams: readonly CraftedStream[] = [
  // RFC 1951 3.2.3: blocks and their types.
  {
    name: "a block of the reserved type",
    payload: new Bits().block("reserved").put(0, 13).bytes(),
    quickws: /type 3 is reserved/,
  },
  {
    name: "a sequence of stored, fixed and stored blocks",
    payload: new Bits().stored("A").block("fixed").fixedText("B").fixedEnd().stored("C").flush()
      .bytes(),
    quickws: "ABC",
  },
  { name: "no bytes", payload: new Uint8Array(0), quickws: "", zlib: undefined },
  { name: "only the header of the flush", payload: Uint8Array.of(0x00), quickws: "" },
  {
    name: "an empty fixed block before the flush",
    payload: Uint8Array.of(0x02, 0x00),
    quickws: "",
  },
  {
    name: "an empty final fixed block and a flush",
    payload: Uint8Array.of(0x03, 0x00, 0x00),
    quickws: "",
  },
  {
    name: "five empty stored blocks",
    payload: new Bits().stored("").stored("").stored("").stored("").stored("").flush().bytes(),
    quickws: "",
  },
  {
    name: "a message without a flush",
    payload: new Bits().stored("A").bytes(),
    quickws: /ends/,
  },
  {
    name: "bytes after the flush",
    payload: new Bits().stored("A").flush().put(0x17, 8).put(0x17, 8).put(0x17, 8).bytes(),
    quickws: /ends before a stored block's lengths/,
  },
  {
    name: "more bytes after the flush",
    payload: new Bits().stored("A").flush().put(0x17171717, 32).put(0x17, 8).bytes(),
    quickws: /lengths do not match/,
  },

  // RFC 1951 3.2.3: BFINAL. zlib stops after a final block, quickws continues with the next byte.
  {
    name: "a final block and a flush",
    payload: new Bits().block("fixed", true).fixedText("A").fixedEnd().align().put(0, 8).bytes(),
    quickws: "A",
  },
  {
    name: "only a final block",
    payload: new Bits().block("fixed", true).fixedText("A").fixedEnd().bytes(),
    quickws: "A",
  },
  {
    name: "two final blocks and a flush",
    payload: new Bits().block("fixed", true).fixedText("A").fixedEnd().align()
      .block("fixed", true).fixedText("B").fixedEnd().align().put(0, 8).bytes(),
    quickws: "AB",
    zlib: "A",
  },
  {
    name: "a final block and a non-final block",
    payload: new Bits().block("fixed", true).fixedText("A").fixedEnd().align()
      .block("fixed").fixedText("B").fixedEnd().flush().bytes(),
    quickws: "AB",
    zlib: "A",
  },
  {
    name: "a final block and a match that refers to it",
    payload: new Bits().block("fixed", true).fixedText("ABC").fixedEnd().align()
      .block("fixed").fixed(257).fixedDistance(2).fixedEnd().flush().bytes(),
    quickws: "ABCABC",
    zlib: "ABC",
  },
  {
    name: "a final stored block and a flush",
    payload: new Bits().stored("A", true).put(0, 8).bytes(),
    quickws: "A",
  },
  {
    name: "a final block and invalid data after it",
    payload: new Bits().stored("A", true).put(0xff, 8).bytes(),
    quickws: /type 3 is reserved/,
    zlib: "A",
  },

  // RFC 1951 3.2.4: stored blocks.
  {
    name: "a stored block whose NLEN is not the complement of LEN",
    payload: new Bits().block("stored").align().put(3, 16).put(3, 16).put(0x434241, 24).flush()
      .bytes(),
    quickws: /lengths do not match/,
  },
  {
    name: "a stored block that ends within its lengths",
    payload: new Bits().block("stored").align().put(3, 16).put(0xfc, 8).bytes(),
    quickws: /ends before a stored block's lengths/,
  },
  {
    name: "a stored block that ends within its bytes",
    payload: new Bits().stored("ABC").bytes().subarray(0, -1),
    quickws: /ends within a stored block/,
  },
  {
    name: "a stored block with nonzero padding bits",
    payload: new Bits().block("stored").put(0x1f, 5).put(1, 16).put(0xfffe, 16).put(65, 8).flush()
      .bytes(),
    quickws: "A",
  },

  // RFC 1951 3.2.5 and 3.2.6: the fixed codes, and their invalid symbols.
  {
    name: "length symbol 286",
    payload: new Bits().block("fixed").fixedText("A").fixed(286).fixedDistance(0).fixedEnd().flush()
      .bytes(),
    quickws: /invalid literal or length code/,
  },
  {
    name: "length symbol 287",
    payload: new Bits().block("fixed").fixedText("A").fixed(287).fixedDistance(0).fixedEnd().flush()
      .bytes(),
    quickws: /invalid literal or length code/,
  },
  {
    name: "distance symbol 30",
    payload: new Bits().block("fixed").fixedText("A").fixed(257).fixedDistance(30).fixedEnd()
      .flush().bytes(),
    quickws: /invalid distance code/,
  },
  {
    name: "distance symbol 31",
    payload: new Bits().block("fixed").fixedText("A").fixed(257).fixedDistance(31).fixedEnd()
      .flush().bytes(),
    quickws: /invalid distance code/,
  },
  {
    name: "a distance before the first byte",
    payload: new Bits().block("fixed").fixedText("A").fixed(257).fixedDistance(1).fixedEnd()
      .flush().bytes(),
    quickws: /exceeds the history/,
  },
  {
    name: "length 258 as symbol 285",
    payload: new Bits().block("fixed").fixedText("A").fixed(285).fixedDistance(0).fixedEnd()
      .flush().bytes(),
    quickws: "A".repeat(259),
  },
  {
    name: "length 258 as symbol 284 with all extra bits set",
    payload: new Bits().block("fixed").fixedText("A").fixed(284).put(31, 5).fixedDistance(0)
      .fixedEnd().flush().bytes(),
    quickws: "A".repeat(259),
  },
  {
    name: "a fixed block without an end",
    payload: new Bits().block("fixed").fixedText("AB").bytes(),
    quickws: /ends within a block/,
  },
  {
    name: "a fixed block that ends within a match",
    payload: new Bits().block("fixed").fixedText("AAAA").fixed(285).bytes(),
    quickws: /ends within a block/,
  },

  // RFC 1951 3.2.7: blocks with dynamic codes.
  {
    name: "only literals, with an empty distance code",
    payload: new Bits().block("dynamic").codes(literalA, {}).word(0, 1).word(1, 1).flush().bytes(),
    quickws: "A",
  },
  {
    name: "a length with an empty distance code",
    payload: new Bits().block("dynamic").codes({ 65: 2, 256: 2, 257: 1 }, {}, 258).word(2, 2)
      .word(0, 1).put(0, 8).flush().bytes(),
    quickws: /invalid distance code/,
  },
  {
    name: "a distance code with one codeword of one bit",
    payload: new Bits().block("dynamic").codes({ 65: 2, 256: 2, 257: 1 }, { 0: 1 }, 258).word(2, 2)
      .word(0, 1).word(0, 1).word(3, 2).flush().bytes(),
    quickws: "AAAA",
  },
  {
    name: "the unused bit of a distance code with one codeword",
    payload: new Bits().block("dynamic").codes({ 65: 2, 256: 2, 257: 1 }, { 0: 1 }, 258).word(2, 2)
      .word(0, 1).word(1, 1).word(3, 2).flush().bytes(),
    quickws: /invalid distance code/,
  },
  {
    name: "a literal/length code with only the end of block",
    payload: new Bits().block("dynamic").codes({ 256: 1 }, {}).word(0, 1).flush().bytes(),
    quickws: "",
  },
  {
    name: "the unused bit of a code with only the end of block",
    payload: new Bits().block("dynamic").codes({ 256: 1 }, {}).word(1, 1).flush().bytes(),
    quickws: /invalid literal or length code/,
  },
  {
    name: "an over-subscribed literal/length code",
    payload: new Bits().block("dynamic").codes({ 65: 1, 66: 1, 256: 1 }, {}).word(0, 1).flush()
      .bytes(),
    quickws: /literal\/length code is over-subscribed/,
  },
  {
    name: "an incomplete literal/length code",
    payload: new Bits().block("dynamic").codes({ 65: 2, 256: 2 }, {}).word(0, 2).word(1, 2).flush()
      .bytes(),
    quickws: /literal\/length code is incomplete/,
  },
  {
    name: "a literal/length code whose only codeword has two bits",
    payload: new Bits().block("dynamic").codes({ 256: 2 }, {}).word(0, 2).flush().bytes(),
    quickws: /literal\/length code is incomplete/,
  },
  {
    name: "an over-subscribed distance code",
    payload: new Bits().block("dynamic").codes(literalA, { 0: 1, 1: 1, 2: 1 }, 257, 3).word(0, 1)
      .word(1, 1).flush().bytes(),
    quickws: /distance code is over-subscribed/,
  },
  {
    name: "an incomplete distance code",
    payload: new Bits().block("dynamic").codes(literalA, { 0: 2, 1: 2 }, 257, 2).word(0, 1)
      .word(1, 1).flush().bytes(),
    quickws: /distance code is incomplete/,
  },
  {
    name: "a distance code whose only codeword has two bits",
    payload: new Bits().block("dynamic").codes(literalA, { 0: 2 }).word(0, 1).word(1, 1).flush()
      .bytes(),
    quickws: /distance code is incomplete/,
  },
  {
    name: "codes without an end of block",
    payload: new Bits().block("dynamic").codes({ 65: 1, 66: 1 }, {}).word(0, 1).flush().bytes(),
    quickws: /no end of block/,
  },
  {
    name: "287 literal/length symbols",
    payload: new Bits().block("dynamic").codes(literalA, {}, 287).word(0, 1).word(1, 1).flush()
      .bytes(),
    quickws: /too many symbols/,
  },
  {
    name: "288 literal/length symbols",
    payload: new Bits().block("dynamic").codes(literalA, {}, 288).word(0, 1).word(1, 1).flush()
      .bytes(),
    quickws: /too many symbols/,
  },
  {
    name: "31 distance symbols",
    payload: new Bits().block("dynamic").codes(literalA, { 0: 1 }, 257, 31).word(0, 1).word(1, 1)
      .flush().bytes(),
    quickws: /too many symbols/,
  },
  {
    name: "a repeat without a previous length",
    // HCLEN 4: only 16, 17, 18 and 0 may have codewords. 16 and 0 have codewords of one bit.
    payload: new Bits().block("dynamic").put(0, 10).put(0, 4).put(1, 3).put(0, 6).put(1, 3)
      .word(1, 1).put(0, 2).put(0, 32).put(0, 32).bytes(),
    quickws: /no code length to repeat/,
  },
  {
    name: "a run of zeros beyond the last symbol",
    // 18 and 0 have codewords of one bit. Two runs of 138 zeros exceed 258 lengths.
    payload: new Bits().block("dynamic").put(0, 10).put(0, 4).put(0, 6).put(1, 3).put(1, 3)
      .word(1, 1).put(127, 7).word(1, 1).put(127, 7).put(0, 32).bytes(),
    quickws: /exceeds the last symbol/,
  },
  {
    name: "a code length code without codewords",
    payload: new Bits().block("dynamic").put(0, 14).put(0, 12).put(0, 32).bytes(),
    quickws: /code length code has no codewords/,
  },
  {
    name: "an incomplete code length code",
    payload: new Bits().block("dynamic").put(0, 14).put(0, 9).put(1, 3).put(0, 32).bytes(),
    quickws: /code length code is incomplete/,
  },
  {
    name: "an over-subscribed code length code",
    payload: new Bits().block("dynamic").put(0, 14).put(1, 3).put(1, 3).put(1, 3).put(1, 3)
      .put(0, 32).bytes(),
    quickws: /code length code is over-subscribed/,
  },
  {
    name: "a message that ends within the code description",
    payload: new Bits().block("dynamic").codes(literalA, {}).bytes().subarray(0, 40),
    quickws: /ends within a block/,
  },
];
