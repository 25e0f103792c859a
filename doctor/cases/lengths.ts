// Group 22: illegal encodings of a frame's length, and lengths larger than any memory.

import { Opcode } from "@quickws/quickws/core";
import type { Case, FrameStep, Outcome } from "../case.ts";
import {
  echoes,
  expectBinary,
  expectPong,
  expectText,
  fails,
  failsWith,
  frame,
  nonStrict,
  ping,
  text,
} from "../steps.ts";
import { strictlyFailed } from "./outcomes.ts";

const RFC = "RFC 6455 5.2";
const HELLO = "Hello";
const LENIENT = "the sender broke a MUST, and the receiver let it pass";

type Row = [title: string, step: FrameStep, expected: Outcome];

/** RFC 6455 5.2: "the minimal number of bytes MUST be used to encode the length". */
const LONG_WINDED: Row[] = [
  ["5 bytes in 16 bits", text(HELLO, { lengthBits: 16 }), echoes(expectText(HELLO))],
  ["0 bytes in 16 bits", text("", { lengthBits: 16 }), echoes(expectText(""))],
  [
    "125 bytes in 16 bits",
    starFrame(125, 16),
    echoes(expectBinary({ source: "stars", size: 125 })),
  ],
  ["5 bytes in 64 bits", text(HELLO, { lengthBits: 64 }), echoes(expectText(HELLO))],
  [
    "126 bytes in 64 bits",
    starFrame(126, 64),
    echoes(expectBinary({ source: "stars", size: 126 })),
  ],
  [
    "65535 bytes in 64 bits",
    starFrame(65535, 64),
    echoes(expectBinary({ source: "stars", size: 65535 })),
  ],
  ["a ping of 5 bytes in 16 bits", ping(HELLO, { lengthBits: 16 }), echoes(expectPong(HELLO))],
  ["a ping of 5 bytes in 64 bits", ping(HELLO, { lengthBits: 64 }), echoes(expectPong(HELLO))],
];

function starFrame(size: number, lengthBits: 16 | 64): FrameStep {
  return frame(Opcode.Binary, { source: "stars", size }, { lengthBits });
}

/** A header whose payload is never sent. */
const IMPOSSIBLE: [title: string, announced: bigint, topBit: boolean][] = [
  ["2 ** 63: the top bit is set", 1n << 63n, true],
  ["2 ** 64 - 1: every bit is set", (1n << 64n) - 1n, true],
  ["2 ** 63 + 5: a length of 5 under the top bit", (1n << 63n) + 5n, true],
  ["2 ** 63 - 1, the largest legal length", (1n << 63n) - 1n, false],
  ["2 ** 53 + 1, not representable as a double", (1n << 53n) + 1n, false],
  ["2 ** 40", 1n << 40n, false],
  ["2 ** 32 + 5: 5 in 32 bits", (1n << 32n) + 5n, false],
];

/** The cases of group 22. */
export const lengths: readonly Case[] = [
  ...LONG_WINDED.map(([title, step, expected], index): Case => ({
    id: `22.1.${index + 1}`,
    title: `A length in a longer form than necessary: ${title}`,
    rfc: RFC,
    steps: [step],
    outcomes: [...strictlyFailed([1002]), nonStrict(expected, LENIENT)],
  })),
  ...IMPOSSIBLE.map(([title, announced, topBit], index): Case => ({
    id: `22.2.${index + 1}`,
    title: `A frame announces a length of ${title}`,
    rfc: topBit ? RFC : `${RFC}, 10.4`,
    steps: [frame(Opcode.Binary, HELLO, { announced, lengthBits: 64 })],
    outcomes: topBit
      ? [
        failsWith([1002, 1009]),
        {
          ...fails(),
          expected: "anything",
          verdict: "NON-STRICT",
          note: "no Close frame with 1002",
        },
      ]
      : [
        failsWith([1009]),
        {
          ...fails(),
          expected: "anything",
          verdict: "NON-STRICT",
          note: "no Close frame with 1009",
        },
      ],
    // No rule requires a peer to reject a legal length; it may also wait for the payload.
    ...(topBit ? {} : { otherwise: "INFORMATIONAL" as const }),
  })),
];
