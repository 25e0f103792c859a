// Group 6, first part: UTF-8 over fragments and chunked frames, and the point of rejection.

import { Opcode } from "@quickws/quickws/core";
import type { Case, Outcome, Step } from "../case.ts";
import {
  checkOpen,
  concat,
  cut,
  echoes,
  expectText,
  fails,
  first,
  fragments,
  hex,
  last,
  next,
  nonStrict,
  NOTHING,
  stillOpen,
  text,
  utf8 as encode,
} from "../steps.ts";
import { sequences } from "./utf8_sequences.ts";

const RFC = "RFC 6455 5.6, 8.1";

/** Text with characters of two bytes. */
const MIXED = encode("Hello-\u00b5@\u00df\u00f6\u00e4\u00fc\u00e0\u00e1-UTF-8!!");
/** The Greek word kosme, characters of two and three bytes. */
const KOSME = hex("ce ba e1 bd b9 cf 83 ce bc ce b5");
/** A surrogate, which UTF-8 does not have (RFC 3629 3). */
const SPOILED = concat([KOSME, hex("ed a0 80"), encode("edited")]);
/** A code point beyond U+10FFFF, and its first bytes, which are already invalid. */
const TOO_HIGH = hex("f4 90 80 80");

/** The frame's octets in three pieces; its header has their total length. */
function inFragments(...pieces: Uint8Array[]): Step[] {
  return [
    text(pieces[0], { announced: BigInt(concat(pieces).length), maskKey: 0 }),
    checkOpen("after the first piece"),
    { do: "bytes", bytes: pieces[1] },
    checkOpen("after the second piece"),
    { do: "bytes", bytes: pieces[2] },
  ];
}

function inFrames(...pieces: Uint8Array[]): Step[] {
  return [
    first(pieces[0]),
    checkOpen("after the first piece"),
    next(pieces[1]),
    checkOpen("after the second piece"),
    last(pieces[2]),
  ];
}

/** Immediately, or only when the message is complete. */
const FAIL_FAST: readonly Outcome[] = [
  fails(stillOpen("after the first piece")),
  nonStrict(
    fails(stillOpen("after the first piece"), stillOpen("after the second piece")),
    "the text was rejected at its end, not at its first invalid byte",
  ),
];

const WHOLE = [KOSME, TOO_HIGH, encode("edited")];
const EARLY = [
  concat([KOSME, TOO_HIGH.subarray(0, 1)]),
  TOO_HIGH.subarray(1, 2),
  concat([TOO_HIGH.subarray(2), encode("edited")]),
];

const cases: [id: string, title: string, steps: Step[], outcomes: readonly Outcome[]][] = [
  ["6.1.1", "An empty text message", [text()], [echoes(expectText())]],
  [
    "6.1.2",
    "An empty text message in three fragments",
    [first(), next(), last()],
    [echoes(expectText())],
  ],
  [
    "6.1.3",
    "A text message in three fragments, the first and the last empty",
    [first(), next("middle frame payload"), last()],
    [echoes(expectText("middle frame payload"))],
  ],
  ["6.2.1", "Valid UTF-8 in one frame", [text(MIXED)], [echoes(expectText(MIXED))]],
  [
    "6.2.2",
    "Valid UTF-8 in two fragments, cut between characters",
    fragments(Opcode.Text, MIXED.subarray(0, 15), MIXED.subarray(15)),
    [echoes(expectText(MIXED))],
  ],
  [
    "6.2.3",
    "Valid UTF-8 in fragments of one byte",
    cut(Opcode.Text, MIXED, 1),
    [echoes(expectText(MIXED))],
  ],
  [
    "6.2.4",
    "Valid UTF-8 with characters of three bytes in fragments of one byte",
    cut(Opcode.Text, KOSME, 1),
    [echoes(expectText(KOSME))],
  ],
  ["6.3.1", "Invalid UTF-8 in one frame", [text(SPOILED)], [fails()]],
  ["6.3.2", "Invalid UTF-8 in fragments of one byte", cut(Opcode.Text, SPOILED, 1), [fails()]],
  [
    "6.4.1",
    "Invalid UTF-8 in three fragments with pauses: the second makes it invalid",
    inFrames(...WHOLE),
    FAIL_FAST,
  ],
  [
    "6.4.2",
    "The same, the second fragment being the byte that makes it invalid",
    inFrames(...EARLY),
    FAIL_FAST,
  ],
  [
    "6.4.3",
    "Invalid UTF-8 in one frame that is sent in three pieces: the second makes it invalid",
    inFragments(...WHOLE),
    FAIL_FAST,
  ],
  [
    "6.4.4",
    "The same, the second piece being the byte that makes it invalid",
    inFragments(...EARLY),
    FAIL_FAST,
  ],
];

/** The cases of group 6. */
export const utf8: readonly Case[] = [
  ...cases.map(([id, title, steps, outcomes]) => ({ id, title, rfc: RFC, steps, outcomes })),
  ...sequences.flatMap(({ title, of }, group) =>
    of.map((digits, index): Case => {
      const valid = !digits.startsWith("!");
      const payload = digits === "" ? NOTHING : hex(valid ? digits : digits.slice(1));
      return {
        id: `6.${group + 5}.${index + 1}`,
        title: `${title}: ${digits.replace("!", "").slice(0, 48)}, ${valid ? "" : "not "}valid`,
        rfc: `${RFC}; RFC 3629 3, 4`,
        steps: [text(payload)],
        outcomes: [valid ? echoes(expectText(payload)) : fails()],
      };
    })
  ),
];
