// Group 7: the closing handshake. As in the Autobahn test suite, the code of the peer's Close frame
// is checked, but a missing Close frame is accepted where the peer must fail the connection. Group
// 20 enforces RFC 6455 without that exception.

import { Opcode } from "@quickws/quickws/core";
import type { Case, Expected, Outcome, Step } from "../case.ts";
import {
  close,
  closesWith,
  echoes,
  expectText,
  fails,
  first,
  frame,
  hex,
  informational,
  last,
  ping,
  text,
} from "../steps.ts";

type Row = [id: string, title: string, steps: Step[], outcomes: Outcome[], rfc?: string];

/** Codes that are allowed in a Close frame (RFC 6455 7.4). */
const VALID = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
/** Codes that are not allowed. */
const INVALID = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
/** Codes that the RFC does not define. */
const UNDEFINED = [5000, 65535];

const LONGEST_REASON = "*".repeat(123);
/** The doctor's Close frame is answered with 1000 or no code, or with its own `code`. */
function normally(code?: number, expected: Expected[] = []): Outcome[] {
  return [closesWith([1000, 1005, ...(code === undefined ? [] : [code])], ...expected)];
}

/**
 * The doctor's Close frame is illegal. The peer may answer with one of these codes, without a code,
 * or not at all.
 */
function failedWith(...codes: number[]): Outcome[] {
  return [
    { verdict: "PASS", expected: [], ending: { is: "failed", codes: [...codes, 1005] } },
    {
      verdict: "PASS",
      expected: [],
      ending: { is: "unanswered" },
      note: "the illegal Close frame was not answered with a legal one",
    },
  ];
}

const LONG = { source: "stars", size: 256 * 1024 } as const;

const rows: Row[] = [
  [
    "7.1.1",
    "A text message, then a Close frame after the echo",
    [text("Hello World!")],
    normally(1000, [expectText("Hello World!")]),
  ],
  ["7.1.2", "Two Close frames", [close(1000), close()], normally()],
  ["7.1.3", "A Close frame, then a ping, which is not answered", [close(1000), ping()], normally()],
  [
    "7.1.4",
    "A Close frame, then a text message, which is not echoed",
    [close(1000), text("Hello World!")],
    normally(),
  ],
  [
    "7.1.5",
    "The first fragment of a message, a Close frame, then the second fragment",
    [first("fragment1"), close(1000), last("fragment2")],
    normally(),
  ],
  [
    "7.1.6",
    "A text message of 256 KiB, a text message, a Close frame, then a ping",
    [text(LONG), text("Hello World!"), close(1000), ping()],
    [informational(
      echoes(expectText(LONG), expectText("Hello World!")),
      "everything before the Close frame was echoed",
    )],
  ],
  ["7.3.1", "A Close frame without a payload", [close()], normally()],
  [
    "7.3.2",
    "A Close frame with a payload of one byte",
    [frame(Opcode.Close, "a")],
    failedWith(1002),
    "RFC 6455 5.5.1",
  ],
  ["7.3.3", "A Close frame with a code and no reason", [close(1000)], normally()],
  ["7.3.4", "A Close frame with a code and a reason", [close(1000, "Hello World!")], normally()],
  [
    "7.3.5",
    "A Close frame with the longest reason, 123 bytes",
    [close(1000, LONGEST_REASON)],
    normally(),
  ],
  [
    "7.3.6",
    "A Close frame with a reason of 124 bytes",
    [close(1000, `${LONGEST_REASON}*`)],
    failedWith(1002),
    "RFC 6455 5.5",
  ],
  [
    "7.5.1",
    "A Close frame with a reason that is not UTF-8",
    [close(1000, hex("ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80 65 64 69 74 65 64"))],
    failedWith(1002, 1007),
    "RFC 6455 5.5.1, 8.1",
  ],
  ...VALID.map((code, index): Row => [
    `7.7.${index + 1}`,
    `A Close frame with the valid code ${code}`,
    [close(code)],
    normally(code),
    "RFC 6455 7.4",
  ]),
  ...INVALID.map((code, index): Row => [
    `7.9.${index + 1}`,
    `A Close frame with the invalid code ${code}`,
    [close(code)],
    failedWith(1002),
    "RFC 6455 7.4",
  ]),
  ...UNDEFINED.map((code, index): Row => [
    `7.13.${index + 1}`,
    `A Close frame with the code ${code}, which RFC 6455 does not define`,
    [close(code)],
    [informational(fails(), "the connection was failed")],
    "RFC 6455 7.4.2",
  ]),
];

/** The cases of group 7. */
export const closing: readonly Case[] = rows.map(([id, title, steps, outcomes, rfc]) => ({
  id,
  title,
  rfc: rfc ?? "RFC 6455 5.5.1, 7.1",
  steps,
  outcomes,
  ...(outcomes[0].verdict === "INFORMATIONAL"
    ? { otherwise: "INFORMATIONAL" as const }
    : undefined),
}));
