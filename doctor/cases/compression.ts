// Group 23: the effects of permessage-deflate on frames.

import { Opcode } from "@quickws/quickws/core";
import type { Case, Outcome, Step } from "../case.ts";
import {
  byteByByte,
  echoes,
  expectPong,
  expectText,
  first,
  frame,
  hex,
  inOneWrite,
  last,
  next,
  nonStrict,
  ping,
  text,
} from "../steps.ts";
import { strictlyFailed } from "./outcomes.ts";

/** The examples of RFC 7692 7.2.3: "Hello" in five forms. */
const HELLO = hex("f2 48 cd c9 c9 07 00");
const AGAIN = hex("f2 00 11 00 00");
const STORED = hex("00 05 00 fa ff 48 65 6c 6c 6f 00");
const FINAL = hex("f3 48 cd c9 c9 07 00 00");
const BLOCKS = hex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00");

/** RSV1, which marks a message as compressed. */
const COMPRESSED = { rsv: 4 } as const;
const OPENING = { deflate: { offers: [{ noContextTakeover: false, maxWindowBits: 0 }] } };
const BEGIN = { ...first(HELLO.subarray(0, 3)), rsv: 4 };
const END = last(HELLO.subarray(3));

/** Text long and regular enough that every peer compresses it. */
const JSON_TEXT = { source: "json", size: 4096 } as const;

type Row = [title: string, steps: Step[], outcomes: Outcome[], rfc: string];

const GOOD: Row[] = [
  [
    "A compressed message: Hello",
    [text(HELLO, COMPRESSED)],
    [echoes(expectText("Hello"))],
    "RFC 7692 7.2.3.1",
  ],
  [
    "A compressed message in two fragments",
    [BEGIN, END],
    [echoes(expectText("Hello"))],
    "RFC 7692 7.2.3.1",
  ],
  [
    "A compressed message in fragments of one byte, empty ones in between",
    [
      text(HELLO.subarray(0, 1), { fin: false, rsv: 4 }),
      ...Array.from(HELLO.subarray(1), (byte) => [next(), next(Uint8Array.of(byte))]).flat(),
      last(),
    ],
    [echoes(expectText("Hello"))],
    "RFC 7692 6.1",
  ],
  [
    "A compressed message octet by octet",
    [byteByByte(text(HELLO, COMPRESSED))],
    [echoes(expectText("Hello"))],
    "RFC 7692 7.2.3.1",
  ],
  [
    "A message that is not compressed although it could be",
    [text("Hello")],
    [echoes(expectText("Hello"))],
    "RFC 7692 6",
  ],
  [
    "A message in a stored block",
    [text(STORED, COMPRESSED)],
    [echoes(expectText("Hello"))],
    "RFC 7692 7.2.3.3",
  ],
  [
    "A message in a final block (BFINAL)",
    [text(FINAL, COMPRESSED)],
    [echoes(expectText("Hello"))],
    "RFC 7692 7.2.3.4",
  ],
  [
    "A message after one in a final block",
    [text(FINAL, COMPRESSED), text(HELLO, COMPRESSED)],
    [echoes(expectText("Hello"), expectText("Hello"))],
    "RFC 7692 7.2.3.4",
  ],
  [
    "A message in two blocks",
    [text(BLOCKS, COMPRESSED)],
    [echoes(expectText("Hello"))],
    "RFC 7692 7.2.3.5",
  ],
  [
    "An empty message in its compressed form",
    [text(hex("00"), COMPRESSED)],
    [echoes(expectText(""))],
    "RFC 7692 7.2.3.6",
  ],
  [
    "A ping between the fragments of a compressed message",
    [BEGIN, ping("between"), END],
    [echoes(expectPong("between"), expectText("Hello"))],
    "RFC 7692 6.1",
  ],
  [
    "Alternating compressed and plain messages",
    [inOneWrite(text(HELLO, COMPRESSED), text("plain"), text(HELLO, COMPRESSED))],
    [echoes(expectText("Hello"), expectText("plain"), expectText("Hello"))],
    "RFC 7692 6",
  ],
];

const BAD: Row[] = [
  [
    "RSV1 on the last fragment as well",
    [BEGIN, { ...END, rsv: 4 }],
    strictlyFailed([1002]),
    "RFC 7692 6.1",
  ],
  [
    "RSV1 on the second fragment of a message that is not compressed",
    [first("Hel"), { ...last("lo"), rsv: 4 }],
    strictlyFailed([1002]),
    "RFC 7692 6.1",
  ],
  ["RSV1 on a ping", [ping("Hello", COMPRESSED)], strictlyFailed([1002]), "RFC 7692 6.1"],
  [
    "RSV1 on a pong",
    [frame(Opcode.Pong, "Hello", COMPRESSED)],
    strictlyFailed([1002]),
    "RFC 7692 6.1",
  ],
  [
    "RSV1 on a Close frame",
    [frame(Opcode.Close, hex("03 e8"), COMPRESSED)],
    strictlyFailed([1002]),
    "RFC 7692 6.1",
  ],
  [
    "RSV1 on a ping between the fragments of a compressed message",
    [BEGIN, ping("Hello", COMPRESSED), END],
    strictlyFailed([1002]),
    "RFC 7692 6.1",
  ],
  [
    "RSV2 on a compressed message",
    [text(HELLO, { rsv: 6 })],
    strictlyFailed([1002]),
    "RFC 6455 5.2",
  ],
  ["RSV3 on a plain message", [text("Hello", { rsv: 1 })], strictlyFailed([1002]), "RFC 6455 5.2"],
  [
    "A compressed message that is not deflate data: a reserved block type",
    [text(hex("06 00 00"), COMPRESSED)],
    strictlyFailed([1007, 1002]),
    "RFC 7692 6.2; RFC 1951 3.2.3",
  ],
  [
    "A compressed message that is not deflate data: a stored block with a wrong length",
    [text(hex("00 05 00 fb ff 48 65 6c 6c 6f 00"), COMPRESSED)],
    strictlyFailed([1007, 1002]),
    "RFC 7692 6.2; RFC 1951 3.2.4",
  ],
  [
    "A compressed message with a distance before the start of the data",
    [text(AGAIN, COMPRESSED)],
    strictlyFailed([1007, 1002]),
    "RFC 7692 7.2.2; RFC 1951 3.2.5",
  ],
  [
    "A compressed text message that is not UTF-8",
    [text(hex("00 02 00 fd ff 61 ff 00"), COMPRESSED)],
    strictlyFailed([1007]),
    "RFC 6455 8.1; RFC 7692 6.2",
  ],
];

function of(group: number, rows: Row[]): Case[] {
  return rows.map(([title, steps, outcomes, rfc], index) => ({
    id: `23.${group}.${index + 1}`,
    title,
    rfc,
    opening: OPENING,
    steps,
    outcomes,
  }));
}

/** The cases of group 23. */
export const compression: readonly Case[] = [
  ...of(1, GOOD),
  ...of(2, BAD),
  {
    id: "23.3.1",
    title: "A truncated compressed message: rejected, or delivered as far as it goes",
    rfc: "RFC 7692 6.2, 7.2.2",
    opening: OPENING,
    steps: [text(HELLO.subarray(0, 4), COMPRESSED)],
    outcomes: strictlyFailed([1007, 1002]),
    // The four bytes that a receiver appends may continue the block, so the error may go unnoticed.
    otherwise: "INFORMATIONAL",
    timeout: 1000,
  },
  {
    id: "23.3.2",
    title: "RSV1 on a message without a negotiated extension",
    rfc: "RFC 6455 5.2",
    steps: [text(HELLO, COMPRESSED)],
    outcomes: [
      ...strictlyFailed([1002]),
      nonStrict(echoes(expectText("Hello")), "it was decompressed although nothing was negotiated"),
    ],
  },
  {
    id: "23.4.1",
    title: "The peer's compressed messages end without 00 00 ff ff, the tail of a sync flush",
    rfc: "RFC 7692 7.2.1",
    opening: OPENING,
    steps: [inOneWrite(text(JSON_TEXT), text(JSON_TEXT), text(HELLO, COMPRESSED))],
    outcomes: [echoes(expectText(JSON_TEXT), expectText(JSON_TEXT), expectText("Hello"))],
  },
];
