// Tests how a connection ends for every order of events.

import assert from "node:assert/strict";
import { ProtocolError, WebSocketError } from "../../src/errors.ts";
import { type Ending, Endpoint, type Side } from "../support/endpoint.ts";
import { CLOSE, TEXT } from "../support/vectors.ts";

const SIDES: readonly Side[] = ["client", "server"];

/** The events of a session. */
const STEPS = {
  "the local side closes": (endpoint) => endpoint.session.close(1000, "bye"),
  "the peer closes": (endpoint) => endpoint.receiveClose(1001, "gone"),
  "the peer closes without a code": (endpoint) => endpoint.receiveClose(),
  "the peer ends its side": (endpoint) => endpoint.session.receiveEnd(),
  "the stream ends": (endpoint) => endpoint.session.streamClosed(),
  "the stream is reset": (endpoint) => endpoint.session.streamClosed(new Error("reset")),
  "the timeout expires": (endpoint) => endpoint.session.closeTimedOut(),
  "the peer violates a rule": (endpoint) => endpoint.receive({ opcode: 3 }),
  "a message arrives": (endpoint) => endpoint.receive({ opcode: TEXT, payload: "message" }),
  "a local failure": (endpoint) =>
    endpoint.session.fail(new WebSocketError("HANDLER_FAILED", "failed", { closeCode: 1011 })),
  "the local side terminates": (endpoint) =>
    endpoint.session.terminate(new WebSocketError("TERMINATED", "terminated")),
  "a slow peer is disconnected": (endpoint) =>
    endpoint.session.terminate(new WebSocketError("SLOW_CONSUMER", "slow", { closeCode: 1008 })),
} as const satisfies Record<string, (endpoint: Endpoint) => unknown>;

type Step = keyof typeof STEPS;

/** A sequence of events, and the expected result once the stream has ended as well. */
interface Row {
  readonly steps: readonly Step[];
  readonly ending: Ending;
  /** Whether the session has destroyed the stream. */
  readonly cut?: boolean;
}

const CLEAN: Ending = {
  code: 1001,
  reason: "gone",
  clean: true,
  initiator: "local",
  sent: 1000,
  received: 1001,
  error: undefined,
};

const LOST: Ending = {
  code: 1006,
  reason: "",
  clean: false,
  initiator: "remote",
  sent: undefined,
  received: undefined,
  error: "CONNECTION_LOST",
};

const BROKEN: Ending = {
  ...LOST,
  code: 1002,
  reason: "A frame has the reserved opcode 3",
  initiator: "local",
  sent: 1002,
  error: "RESERVED_OPCODE",
};

const ECHOED: Ending = { ...CLEAN, initiator: "remote", sent: 1001 };
const UNANSWERED: Ending = { ...LOST, initiator: "local", sent: 1000 };
const CUT: Ending = { ...LOST, initiator: "local", error: "TERMINATED" };
const FAILED: Ending = {
  ...BROKEN,
  code: 1011,
  reason: "failed",
  sent: 1011,
  error: "HANDLER_FAILED",
};

/** The expected results. */
const ROWS: readonly Row[] = [
  // Both sides have sent a Close frame.
  { steps: ["the local side closes", "the peer closes"], ending: CLEAN },
  { steps: ["the local side closes", "the local side closes", "the peer closes"], ending: CLEAN },
  {
    steps: ["the local side closes", "the peer closes", "the peer closes without a code"],
    ending: CLEAN,
  },
  {
    steps: ["the local side closes", "the peer closes", "the peer ends its side"],
    ending: CLEAN,
  },
  { steps: ["the local side closes", "the peer closes", "the stream is reset"], ending: CLEAN },
  {
    steps: ["the local side closes", "the peer closes", "the timeout expires"],
    ending: CLEAN,
    cut: true,
  },
  { steps: ["the local side closes", "a message arrives", "the peer closes"], ending: CLEAN },
  {
    steps: ["the local side closes", "the peer closes", "the peer violates a rule"],
    ending: CLEAN,
  },
  {
    steps: ["the local side closes", "the peer closes without a code"],
    ending: { ...CLEAN, code: 1005, reason: "", received: 1005 },
  },
  { steps: ["the peer closes"], ending: ECHOED },
  { steps: ["the peer closes", "the local side closes"], ending: ECHOED },
  { steps: ["the peer closes", "the peer closes"], ending: ECHOED },
  { steps: ["the peer closes", "the peer ends its side"], ending: ECHOED },
  { steps: ["the peer closes", "the timeout expires"], ending: ECHOED, cut: true },
  { steps: ["the peer closes", "the stream is reset"], ending: ECHOED },
  { steps: ["a message arrives", "the peer closes", "a message arrives"], ending: ECHOED },
  {
    steps: ["the peer closes without a code"],
    ending: { ...ECHOED, code: 1005, reason: "", sent: 1005, received: 1005 },
  },

  // The stream ended without a Close frame from the peer.
  { steps: [], ending: LOST },
  { steps: ["the stream is reset"], ending: LOST },
  { steps: ["the stream ends", "the stream is reset"], ending: LOST },
  { steps: ["the peer ends its side"], ending: LOST },
  { steps: ["the peer ends its side", "the peer ends its side"], ending: LOST },
  { steps: ["the peer ends its side", "the local side closes"], ending: LOST },
  { steps: ["the peer ends its side", "the timeout expires"], ending: LOST, cut: true },
  { steps: ["the local side closes"], ending: UNANSWERED },
  { steps: ["the local side closes", "the stream is reset"], ending: UNANSWERED },
  { steps: ["the local side closes", "the peer ends its side"], ending: UNANSWERED },
  {
    steps: ["the local side closes", "the timeout expires"],
    ending: { ...UNANSWERED, error: "CLOSE_TIMEOUT" },
    cut: true,
  },
  {
    steps: ["the local side closes", "the timeout expires", "the timeout expires"],
    ending: { ...UNANSWERED, error: "CLOSE_TIMEOUT" },
    cut: true,
  },

  // The peer violated the protocol, or there was a local error.
  { steps: ["the peer violates a rule"], ending: BROKEN },
  { steps: ["the peer violates a rule", "the peer violates a rule"], ending: BROKEN },
  { steps: ["the peer violates a rule", "the peer closes"], ending: BROKEN },
  { steps: ["the peer violates a rule", "the peer ends its side"], ending: BROKEN },
  { steps: ["the peer violates a rule", "the stream is reset"], ending: BROKEN },
  { steps: ["the peer violates a rule", "the local side closes"], ending: BROKEN },
  { steps: ["the peer violates a rule", "a local failure"], ending: BROKEN },
  { steps: ["the peer violates a rule", "the timeout expires"], ending: BROKEN, cut: true },
  { steps: ["the peer violates a rule", "the local side terminates"], ending: BROKEN, cut: true },
  {
    steps: ["the local side closes", "the peer violates a rule"],
    ending: { ...UNANSWERED, error: "RESERVED_OPCODE" },
  },
  { steps: ["a local failure"], ending: FAILED },
  { steps: ["a local failure", "the peer violates a rule"], ending: FAILED },
  { steps: ["a local failure", "a local failure"], ending: FAILED },
  {
    steps: ["the local side closes", "a local failure"],
    ending: { ...UNANSWERED, error: "HANDLER_FAILED" },
  },
  {
    steps: ["the peer closes", "a local failure"],
    ending: { ...ECHOED, clean: false, error: "HANDLER_FAILED" },
  },

  // The session destroyed the stream.
  { steps: ["the local side terminates"], ending: CUT, cut: true },
  { steps: ["the local side terminates", "the local side terminates"], ending: CUT, cut: true },
  { steps: ["the local side terminates", "a slow peer is disconnected"], ending: CUT, cut: true },
  { steps: ["the local side terminates", "the peer closes"], ending: CUT, cut: true },
  {
    steps: ["the local side closes", "the local side terminates"],
    ending: { ...CUT, sent: 1000 },
    cut: true,
  },
  {
    steps: ["the peer closes", "the local side terminates"],
    ending: { ...ECHOED, clean: false, error: "TERMINATED" },
    cut: true,
  },
  {
    steps: ["a slow peer is disconnected"],
    ending: { ...CUT, error: "SLOW_CONSUMER" },
    cut: true,
  },
];

for (const side of SIDES) {
  for (const { steps, ending, cut = false } of ROWS) {
    const story = [...steps, "the stream ends"].join(", ");
    Deno.test(`on the ${side}'s side: ${story}`, () => {
      const endpoint = Endpoint.open(side);
      for (const step of steps) STEPS[step](endpoint);
      endpoint.session.streamClosed();
      assert.deepEqual(endpoint.endings, [ending]);
      assert.equal(endpoint.asked.includes("cutStream"), cut);
      const closes = endpoint.takeSent().map((
        [opcode, payload],
      ) => [opcode, parseInt(payload.slice(0, 4), 16)]);
      const { sent } = ending;
      assert.deepEqual(closes, sent === undefined ? [] : [[CLOSE, sent === 1005 ? NaN : sent]]);
    });
  }
}

/** Yields all sequences of `length` steps. */
function* sequences(length: number): Generator<Step[]> {
  if (length === 0) {
    yield [];
    return;
  }
  for (const start of sequences(length - 1)) {
    for (const step of Object.keys(STEPS) as Step[]) yield [...start, step];
  }
}

/** Checks the invariants that hold for every sequence. */
function assertInvariants(endpoint: Endpoint, messagesInTime: number): void {
  const [ending, ...more] = endpoint.endings;
  assert.equal(more.length, 0, "the end is reported once");
  assert.equal(endpoint.session.state, "closed");
  assert.equal(endpoint.asked.at(-1), "onClosed", "the end is reported last");
  const closes = endpoint.takeSent();
  assert.ok(closes.length <= 1 && closes.every(([opcode]) => opcode === CLOSE));
  assert.equal(ending.sent !== undefined, closes.length === 1);
  assert.equal(ending.clean, ending.error === undefined, "every unclean end has an error");
  if (ending.clean) assert.ok(ending.sent !== undefined && ending.received !== undefined);
  assert.equal(endpoint.events.length, messagesInTime);
}

for (const side of SIDES) {
  Deno.test(`on the ${side}'s side, every sequence of up to four events has one consistent result`, () => {
    for (const length of [1, 2, 3, 4]) {
      for (const steps of sequences(length)) {
        const endpoint = Endpoint.open(side);
        let messagesInTime = 0;
        try {
          for (const step of steps) {
            if (step === "a message arrives" && endpoint.session.state === "open") messagesInTime++;
            STEPS[step](endpoint);
            if (endpoint.session.state === "closing") {
              const awaited = endpoint.asked.some((asked) => asked !== "endOutput");
              assert.ok(awaited, "a timer is running or the stream was destroyed");
            }
          }
          endpoint.session.streamClosed();
          assertInvariants(endpoint, messagesInTime);
        } catch (cause) {
          throw new Error(steps.join(", "), { cause });
        }
      }
    }
  });
}

Deno.test("the final error keeps its class", () => {
  const endpoint = Endpoint.open("server");
  STEPS["the peer violates a rule"](endpoint);
  endpoint.session.streamClosed();
  assert.ok(endpoint.errors[0] instanceof ProtocolError);
});
