// Group 3: reserved bits not defined by an extension.

import type { Case, Outcome, Step } from "../case.ts";
import {
  binary,
  byteByByte,
  close,
  expectText,
  fails,
  inOneWrite,
  nonStrict,
  ping,
  text,
} from "../steps.ts";

const HELLO = "Hello, world!";
const NOTE = "the preceding legal message was not echoed";

/** A legal message precedes the frame: the peer echoes it and then fails the connection. */
const AFTER_ONE: readonly Outcome[] = [fails(expectText(HELLO)), nonStrict(fails(), NOTE)];

const cases: [title: string, steps: Step[], outcomes: readonly Outcome[]][] = [
  ["A text message with RSV = 1", [text(HELLO, { rsv: 1 })], [fails()]],
  [
    "A text message, another with RSV = 2, then a ping",
    [text(HELLO), text(HELLO, { rsv: 2 }), ping()],
    AFTER_ONE,
  ],
  [
    "A text message, another with RSV = 3, then a ping, all in one write",
    [inOneWrite(text(HELLO), text(HELLO, { rsv: 3 }), ping())],
    AFTER_ONE,
  ],
  [
    "A text message, another with RSV = 4, then a ping, octet by octet",
    [byteByByte(text(HELLO), text(HELLO, { rsv: 4 }), ping())],
    AFTER_ONE,
  ],
  ["A binary message with RSV = 5", [binary("\u0000\u0001", { rsv: 5 })], [fails()]],
  ["A ping with RSV = 6", [ping(HELLO, { rsv: 6 })], [fails()]],
  ["A Close frame with RSV = 7", [{ ...close(), rsv: 7 }], [fails()]],
];

/** The cases of group 3. */
export const reserved: readonly Case[] = cases.map(([title, steps, outcomes], index) => ({
  id: `3.${index + 1}`,
  title,
  rfc: "RFC 6455 5.2",
  steps,
  outcomes,
}));
