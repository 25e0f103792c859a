// Group 20: the close code of a peer that fails the connection. The earlier groups
// accept a peer that drops the stream; RFC 6455 7.1.7 requires a Close frame first.

import { Opcode } from "@quickws/quickws/core";
import type { Case, Step } from "../case.ts";
import { close, echoes, fails, first, frame, hex, last, nonStrict, ping, text } from "../steps.ts";
import { strictlyFailed } from "./outcomes.ts";

type Row = [title: string, steps: Step[], rfc?: string];

const HELLO = "Hello, world!";

/** Broken rules of framing: 1002. */
const PROTOCOL: Row[] = [
  ["a text message has RSV1 set", [text(HELLO, { rsv: 4 })], "RFC 6455 5.2"],
  ["a text message has RSV2 set", [text(HELLO, { rsv: 2 })], "RFC 6455 5.2"],
  ["a ping has RSV3 set", [ping(HELLO, { rsv: 1 })], "RFC 6455 5.2"],
  ["a data frame has the reserved opcode 3", [frame(3, HELLO)], "RFC 6455 5.2"],
  ["a control frame has the reserved opcode 11", [frame(11, HELLO)], "RFC 6455 5.2"],
  ["a ping has 126 bytes", [ping({ source: "stars", size: 126 })], "RFC 6455 5.5"],
  ["a ping is fragmented", [ping(HELLO, { fin: false })], "RFC 6455 5.5"],
  ["a Close frame is fragmented", [{ ...close(1000), fin: false }], "RFC 6455 5.5"],
  ["a continuation continues nothing", [last(HELLO)], "RFC 6455 5.4"],
  ["a message begins inside another", [first(HELLO), text(HELLO)], "RFC 6455 5.4"],
  ["a Close frame has one byte", [frame(Opcode.Close, "a")], "RFC 6455 5.5.1"],
  ["a Close frame has the code 999", [close(999)], "RFC 6455 7.4"],
  ["a Close frame has the code 1005", [close(1005)], "RFC 6455 7.4.1"],
  ["a Close frame has the code 1006", [close(1006)], "RFC 6455 7.4.1"],
  ["a Close frame has the code 1015", [close(1015)], "RFC 6455 7.4.1"],
  ["a Close frame has the code 2999", [close(2999)], "RFC 6455 7.4.2"],
  ["a Close frame has 126 bytes", [close(1000, "*".repeat(124))], "RFC 6455 5.5"],
];

/** Text that is not UTF-8: 1007. */
const PAYLOAD: Row[] = [
  ["a text message has a surrogate", [text(hex("61 ed a0 80 62"))]],
  ["a text message ends inside a character", [text(hex("61 e2 82"))]],
  ["the first fragment of a text has a byte ff", [first(hex("61 ff 62")), last("c")]],
  ["the last fragment of a text ends inside a character", [first(hex("61 e2")), last(hex("82"))]],
  ["a fragment does not continue a character", [first(hex("61 e2")), last(hex("41"))]],
  ["the reason of a Close frame is not UTF-8", [close(1000, hex("61 ff"))], "RFC 6455 5.5.1, 8.1"],
];

function of(group: string, code: number, name: string, rows: Row[]): Case[] {
  return rows.map(([title, steps, rfc], index) => ({
    id: `${group}.${index + 1}`,
    title: `Close frame with ${code} (${name}) when ${title}`,
    rfc: `RFC 6455 7.1.7, 7.4.1; ${rfc ?? "RFC 6455 8.1"}`,
    steps,
    outcomes: strictlyFailed([code]),
  }));
}

/** Codes that must be echoed. */
const ECHOED = [1000, 1001, 1003, 1012, 1014, 3000, 3999, 4000, 4999];

/** The cases of group 20. */
export const closeCodes: readonly Case[] = [
  ...of("20.1", 1002, "protocol error", PROTOCOL),
  ...of("20.2", 1007, "invalid payload", PAYLOAD),
  ...ECHOED.map((code, index): Case => ({
    id: `20.3.${index + 1}`,
    title: `A Close frame with the code ${code} is answered with the same code`,
    rfc: "RFC 6455 5.5.1, 7.4",
    steps: [close(code, "bye")],
    outcomes: [
      { verdict: "PASS", expected: [], ending: { is: "closed", codes: [code] } },
      nonStrict(echoes(), "the reply has a different code"),
    ],
  })),
  {
    id: "20.3.10",
    title: "A Close frame without a code is answered with one without a code, or 1000",
    rfc: "RFC 6455 5.5.1, 7.1.5",
    steps: [close()],
    outcomes: [
      { verdict: "PASS", expected: [], ending: { is: "closed", codes: [1005, 1000] } },
      nonStrict(echoes(), "the reply has a different code"),
    ],
  },
  {
    id: "20.4.1",
    title:
      "After failing the connection, the peer ends the stream even if its Close frame is not answered",
    rfc: "RFC 6455 7.1.7",
    role: "server",
    mute: true,
    steps: [frame(3)],
    outcomes: [fails()],
  },
];
