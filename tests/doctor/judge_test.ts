// Judges transcripts, without a connection.

import assert from "node:assert/strict";
import type { Case, Role, Verdict } from "../../doctor/case.ts";
import { describeExpected, judge, sameEvents } from "../../doctor/judge.ts";
import {
  close,
  echoes,
  expectPong,
  expectText,
  fails,
  failsWith,
  informational,
  nonStrict,
  rejects,
  utf8,
} from "../../doctor/steps.ts";
import { emptyTranscript, type Transcript } from "../../doctor/transcript.ts";
import { HeaderFields } from "../../src/core.ts";

const HELLO = { is: "message", opcode: 1, payload: utf8("hello") } as const;

function caseOf(more: Partial<Case>): Case {
  return { id: "0.1", title: "a case", rfc: "RFC 6455", steps: [], outcomes: [], ...more };
}

function transcript(more: Partial<Transcript>): Transcript {
  return { ...emptyTranscript(), opened: true, ...more };
}

const ECHO = caseOf({ outcomes: [echoes(expectText("hello"))] });
const FAILS = caseOf({
  outcomes: [failsWith([1002]), nonStrict({ ...fails(), expected: "anything" }, "another code")],
});
const REFUSED = caseOf({ outcomes: [rejects()] });
const VERSION = caseOf({ outcomes: [rejects({ field: ["Sec-WebSocket-Version", "13"] })] });
const closed = { closedFirst: 1000, close: { code: 1000, reason: "" } };

function answer(status: number, ...lines: [string, string][]): Partial<Transcript> {
  return { opened: status === 101, answer: { status, fields: new HeaderFields(lines) } };
}

const cases: [title: string, one: Case, role: Role, happened: Transcript, verdict: Verdict][] = [
  ["an echo and a close", ECHO, "server", transcript({ events: [HELLO], ...closed }), "PASS"],
  ["no echo", ECHO, "server", transcript(closed), "FAIL"],
  ["two echoes", ECHO, "server", transcript({ events: [HELLO, HELLO], ...closed }), "FAIL"],
  [
    "an echo of another kind",
    ECHO,
    "server",
    transcript({ events: [{ ...HELLO, opcode: 2 }], ...closed }),
    "FAIL",
  ],
  [
    "a modified echo",
    ECHO,
    "server",
    transcript({ events: [{ ...HELLO, payload: utf8("hellO") }], ...closed }),
    "FAIL",
  ],
  [
    "an echo and a stream that remains open",
    ECHO,
    "server",
    transcript({ events: [HELLO], ...closed, end: "timeout" }),
    "FAIL",
  ],
  [
    "an echo and no Close frame",
    ECHO,
    "server",
    transcript({ events: [HELLO], closedFirst: 1000 }),
    "FAIL",
  ],
  [
    "an echo and an unexpected Close frame",
    ECHO,
    "server",
    transcript({ events: [HELLO], close: { code: 1000, reason: "" } }),
    "FAIL",
  ],
  [
    "an echo in an invalid frame",
    ECHO,
    "server",
    transcript({ events: [HELLO], ...closed, violation: "A frame from a server is masked" }),
    "FAIL",
  ],
  [
    "an echo after an invalid handshake",
    ECHO,
    "server",
    transcript({ events: [HELLO], ...closed, handshakeProblem: "a wrong accept value" }),
    "FAIL",
  ],
  ["the expected code", FAILS, "server", transcript({ close: { code: 1002, reason: "" } }), "PASS"],
  [
    "another code",
    FAILS,
    "server",
    transcript({ close: { code: 1011, reason: "" } }),
    "NON-STRICT",
  ],
  ["no Close frame", FAILS, "server", transcript({}), "NON-STRICT"],
  ["no events", FAILS, "server", transcript({ end: "timeout" }), "FAIL"],
  [
    "an invalid Close frame that is echoed",
    caseOf({ steps: [close(999)], outcomes: [fails()] }),
    "server",
    transcript({ closedFirst: 999, close: { code: 999, reason: "" } }),
    "FAIL",
  ],
  [
    "an invalid Close frame that is answered with 1002",
    caseOf({ steps: [close(999)], outcomes: [fails()] }),
    "server",
    transcript({ closedFirst: 999, close: { code: 1002, reason: "" } }),
    "PASS",
  ],
  ["a rejection", REFUSED, "server", transcript(answer(400)), "PASS"],
  ["an accepted request", REFUSED, "server", transcript({ ...answer(101), ...closed }), "FAIL"],
  ["an end without a response", REFUSED, "server", transcript({ opened: false }), "PASS"],
  [
    "no response and no end",
    REFUSED,
    "server",
    transcript({ opened: false, end: "timeout" }),
    "FAIL",
  ],
  [
    "a rejection that names the supported version",
    VERSION,
    "server",
    transcript(answer(426, ["Sec-WebSocket-Version", "13, 8"])),
    "PASS",
  ],
  ["a rejection without the supported version", VERSION, "server", transcript(answer(400)), "FAIL"],
  ["a client that disconnected", REFUSED, "client", transcript({}), "PASS"],
  ["a client that echoed", REFUSED, "client", transcript({ events: [HELLO] }), "FAIL"],
  ["a client that stays connected", REFUSED, "client", transcript({ end: "timeout" }), "FAIL"],
  [
    "declined compression",
    caseOf({ opening: { deflate: { offers: [] } }, outcomes: [echoes()] }),
    "server",
    transcript({ declined: true, ...closed }),
    "UNIMPLEMENTED",
  ],
  [
    "an unreachable endpoint",
    ECHO,
    "server",
    transcript({ unreachable: "cannot connect" }),
    "FAIL",
  ],
  [
    "an informational case",
    caseOf({ outcomes: [informational(fails(), "failed")], otherwise: "INFORMATIONAL" }),
    "server",
    transcript({ end: "timeout" }),
    "INFORMATIONAL",
  ],
];

for (const [title, one, role, happened, verdict] of cases) {
  Deno.test(`${title}: ${verdict}`, () => {
    const judgment = judge(one, role, happened);
    assert.equal(judgment.verdict, verdict);
    if (verdict === "FAIL") assert.notEqual(judgment.note, "");
  });
}

Deno.test("compares events in order", () => {
  const ping = { is: "pong", payload: utf8("a") } as const;
  const wanted = [expectPong("a"), expectText("hello")];
  assert.ok(sameEvents(wanted, [ping, HELLO]));
  assert.ok(!sameEvents(wanted, [HELLO, ping]));
});

Deno.test("a failure shows the received events", () => {
  const { note } = judge(ECHO, "server", transcript({ events: [{ ...HELLO, opcode: 2 }] }));
  assert.equal(
    note,
    "The server sent: a binary message of 5 bytes (68656c6c6f), then the end of the stream " +
      "without a Close frame",
  );
});

Deno.test("shows the allowed outcomes", () => {
  assert.equal(
    describeExpected(FAILS),
    "the connection is failed with 1002; or NON-STRICT: the connection is failed",
  );
  assert.equal(describeExpected(ECHO), "a text message of 5 bytes, then the closing handshake");
});
