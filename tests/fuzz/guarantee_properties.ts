// The four guarantees of a connection, for random sequences of actions by the user, the peer and
// the clock: no accepted message is lost; every connection ends; `close` is called once with the
// correct result; each error of user code reaches `onError` once and affects no other connection.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { TimeoutError } from "../../src/errors.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import { Harness, nextMacrotask } from "../support/socket_harness.ts";
import { TEXT, toHex } from "../support/vectors.ts";
import {
  CALLBACK_NAMES,
  type Fault,
  type Reading,
  Simulation,
  type SimulationPlan,
  type Step,
  unhandledDuring,
} from "./connection_simulation.ts";

const sizes = fc.oneof(
  { weight: 4, arbitrary: fc.nat(300) },
  { weight: 1, arbitrary: fc.constantFrom(1000, 20_000, 70_000) },
);

const faults: fc.Arbitrary<Fault> = fc.constantFrom("throws", "rejects");

const readings: fc.Arbitrary<Reading> = fc.constantFrom(
  "handler",
  "none",
  "iterator",
  "iterator left",
  "readable",
  "readable canceled",
);

const options: fc.Arbitrary<SimulationPlan["options"]> = fc.tuple(
  fc.constantFrom({}, { highWaterMark: 1 }, { highWaterMark: 1000 }),
  fc.constantFrom(
    {},
    {},
    { pingInterval: 3000, pongTimeout: 3000 },
    { pingInterval: 2000 },
    { readTimeout: 4000 },
    { writeTimeout: 4000 },
  ),
).map(([mark, watch]) => ({ ...mark, ...watch, closeTimeout: 4000, unreadTimeout: 10_000 }));

function plans(reading: fc.Arbitrary<Reading>, mayFail: boolean): fc.Arbitrary<SimulationPlan> {
  return fc.record({
    side: fc.constantFrom("server" as const, "client" as const),
    reading,
    options,
    writesLater: fc.boolean(),
    readsAhead: fc.boolean(),
    faults: mayFail
      ? fc.record(Object.fromEntries(CALLBACK_NAMES.map((name) => [name, faults])), {
        requiredKeys: [],
      })
      : fc.constant({}),
    onErrorFails: mayFail
      ? fc.constantFrom<Fault>("no", "no", "throws", "rejects")
      : fc.constant<Fault>("no"),
  });
}

const closeCodes = fc.constantFrom(1000, 1001, 3000, 4999);

const userSends: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    user: fc.constantFrom("send", "send", "delayed", "prepared", "written", "ping"),
    size: sizes,
  }),
  fc.record({
    user: fc.constant("stream" as const),
    sizes: fc.array(sizes, { maxLength: 4 }),
    delay: fc.constantFrom(0, 10, 500),
  }),
  fc.record({ user: fc.constant("fragment" as const), size: fc.nat(200), fin: fc.boolean() }),
);

const peerSends: fc.Arbitrary<Step> = fc.record({
  peer: fc.constantFrom("message", "message", "ping", "pong"),
  size: sizes,
  count: fc.constantFrom(1, 1, 2, 5, 300),
});

const flow: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ user: fc.constantFrom("pause", "resume") }),
  fc.record({ peer: fc.constantFrom("blocks", "takes", "takes", "reads") }),
  fc.record({ pass: fc.constantFrom(0, 5, 50, 500, 900) }),
);

const calmSteps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: userSends },
  { weight: 2, arbitrary: peerSends },
  { weight: 3, arbitrary: flow },
);

const endings: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ user: fc.constant("close" as const), code: closeCodes }),
  fc.record({ peer: fc.constant("close" as const), code: closeCodes }),
  fc.record({ peer: fc.constantFrom("wrong", "fin", "reset", "part", "silent") }),
  fc.record({ user: fc.constantFrom("terminate", "stuck stream") }),
);

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: calmSteps },
  { weight: 2, arbitrary: endings },
  { weight: 1, arbitrary: fc.record({ pass: fc.constantFrom(3000, 20_000, 60_000) }) },
);

/** Runs a sequence, and checks the invariants that apply to every sequence. */
async function inSimulation(
  plan: SimulationPlan,
  run: (simulation: Simulation) => Promise<void>,
): Promise<void> {
  const unhandled = await unhandledDuring(async () => {
    await using simulation = new Simulation(plan);
    await simulation.open();
    await run(simulation);
    assertErrors(simulation);
  });
  assert.deepEqual(unhandled, [], "there are unhandled rejections");
  assert.equal(timers.size, 0, "no timer is left");
}

/** Guarantee 3, and the part of guarantee 1 that applies to every end. */
function assertEnd(simulation: Simulation): void {
  const { closes, closed, sent } = simulation;
  assert.equal(closes.length, 1, "close is called once");
  const [info] = closes;
  assert.deepEqual(simulation.unexpectedCalls, [], "no handler is called after close");
  assert.equal(closed, info, "closed resolves with the same result");
  assert.equal(simulation.conn.readyState, "closed");
  assert.equal(info.clean, info.error === undefined, "a close is either clean or has an error");

  const { messages, close, behindClose } = simulation.received();
  assert.equal(behindClose, 0, "no frame follows the Close frame");
  messages.forEach((message, i) => {
    assert.ok(i < sent.length, "the peer received an unsent message");
    if (Buffer.compare(message, sent[i].bytes) === 0) return;
    assert.equal(toHex(message), toHex(sent[i].bytes), `message ${i}`);
  });
  if (close !== undefined) {
    const code = close.payload.length < 2 ? 1005 : close.payload[0] * 256 + close.payload[1];
    assert.equal(info.sent, code, "sent is the code of the sent Close frame");
  }
  if (info.received !== undefined) {
    assert.equal(
      info.received,
      simulation.peerClosed,
      "received is the code of the received Close frame",
    );
  }
  if (info.clean) {
    assert.equal(info.code, simulation.peerClosed, "a clean close has the peer's code");
    assert.notEqual(info.sent, undefined, "a clean close has sent a Close frame");
    const whole = sent.filter(({ isComplete }) => isComplete).length;
    if (!simulation.transport.blocked) {
      assert.ok(messages.length >= whole, `clean, but ${messages.length} of ${whole} arrived`);
    }
  }
  // While the user pauses, the peer's Close frame may stay unread. The peer then answers no pings.
  const isDead = info.error instanceof TimeoutError;
  if (simulation.userCloses === undefined && simulation.disruption === undefined && !isDead) {
    assert.equal(info.initiator, "remote");
  }
  const { readerEnd } = simulation;
  if (simulation.plan.reading === "iterator" || simulation.plan.reading === "readable") {
    assert.deepEqual(
      readerEnd,
      info.clean ? "done" : { error: info.error },
      "the reader ends with the same result",
    );
  }
}

/** Guarantee 4. */
function assertErrors(simulation: Simulation): void {
  const { thrown, reported, onErrorThrew, conn } = simulation;
  const reports = new Map<unknown, number>();
  for (const { error, connection } of reported) {
    assert.equal(connection, conn, "an error is reported with its connection");
    reports.set(error, (reports.get(error) ?? 0) + 1);
  }
  for (const error of thrown) {
    assert.equal(reports.get(error), 1, `"${error.message}" is reported once`);
  }
  assert.equal(reported.length, thrown.length, "no other error is reported");
  const logged = simulation.console.logged.flat().filter((what) => what instanceof Error);
  assert.deepEqual(logged, onErrorThrew, "errors thrown by onError are logged");
}

/**
 * While the peer makes progress, no accepted message is lost, and the connection ends as the user
 * requested.
 */
export const delivered = fc.asyncProperty(
  plans(fc.constantFrom("handler", "none", "iterator", "iterator left", "readable"), false),
  fc.array(calmSteps, { maxLength: 15 }),
  closeCodes,
  fc.array(flow, { maxLength: 8 }),
  (plan, before, code, after) =>
    inSimulation(plan, async (simulation) => {
      for (const step of before) await simulation.step(step);
      await simulation.step({ user: "close", code });
      for (const step of after) await simulation.step(step);
      simulation.restorePeer();
      await simulation.pass(30_000);
      assertEnd(simulation);
      if (simulation.disruption !== undefined) return;
      const { clean, error, initiator } = simulation.closes[0];
      assert.ok(clean, String(error));
      assert.equal(simulation.closes[0].code, code);
      assert.equal(initiator, "local");
      assert.equal(
        simulation.received().messages.length,
        simulation.sent.length,
        "all messages arrive",
      );
    }),
);

/**
 * Every connection ends and reports the correct result, for every kind of reader and any behavior
 * of the peer.
 */
export const ended = fc.asyncProperty(
  plans(readings, false),
  fc.array(steps, { maxLength: 15 }),
  endings,
  fc.array(steps, { maxLength: 5 }),
  (plan, before, ending, after) =>
    inSimulation(plan, async (simulation) => {
      for (const step of [...before, ending, ...after]) await simulation.step(step);
      if (mayStayOpen(simulation)) await simulation.step({ user: "close", code: 1000 });
      // The last step may start unreadTimeout and then closeTimeout.
      await simulation.pass(30_000);
      // A peer that receives no reply to its Close frame finally ends the stream.
      if (simulation.peerClosed !== undefined) simulation.peer.transport.end();
      await simulation.settle();
      // A paused connection reads 1 MiB per unreadTimeout until it detects the end.
      for (let i = 0; i < 10 && simulation.closes.length === 0; i++) await simulation.pass(100_000);
      assertEnd(simulation);
    }),
);

/** Returns whether no event has occurred that must end the connection. */
function mayStayOpen({ disruption, peerClosed, userCloses, plan }: Simulation): boolean {
  if (peerClosed !== undefined || userCloses !== undefined) return false;
  if (disruption === undefined || /too slow|breaks|stream does not end/.test(disruption)) {
    return true;
  }
  const { readTimeout, pongTimeout } = plan.options;
  return readTimeout === undefined && pongTimeout === undefined &&
    /silent|not completed/.test(disruption);
}

/** Each error of user code is reported once, and the result of the connection contains it. */
export const errors = fc.asyncProperty(
  plans(readings, true),
  fc.array(steps, { maxLength: 12 }),
  (plan, all) =>
    inSimulation(plan, async (simulation) => {
      for (const step of all) await simulation.step(step);
      await simulation.step({ user: "close", code: 1000 });
      await simulation.pass(100_000);
      assertEnd(simulation);
    }),
);

/** Actions of a client, or of the server's handlers for it. */
type Kind =
  | "healthy"
  | "message throws"
  | "message rejects"
  | "written throws"
  | "written rejects"
  | "cork rejects"
  | "wrong frame"
  | "reset"
  | "upgrade throws"
  | "upgrade rejects";

const kinds = fc.constantFrom<Kind>(
  "healthy",
  "healthy",
  "message throws",
  "message rejects",
  "written throws",
  "written rejects",
  "cork rejects",
  "wrong frame",
  "reset",
  "upgrade throws",
  "upgrade rejects",
);

/** No error of a connection or handshake affects another. */
export const isolated = fc.asyncProperty(
  fc.array(kinds, { minLength: 2, maxLength: 6 }),
  fc.array(fc.array(fc.nat(5), { minLength: 1, maxLength: 6 }), { maxLength: 8 }),
  async (clients, turns) => {
    const unhandled = await unhandledDuring(async () => {
      const harness = new Harness();
      try {
        await shareServer(harness, clients, turns);
      } finally {
        await harness.end();
      }
    });
    assert.deepEqual(unhandled, [], "there are unhandled rejections");
  },
);

async function shareServer(
  harness: Harness,
  clients: readonly Kind[],
  turns: readonly (readonly number[])[],
): Promise<void> {
  const thrown: Error[] = [];
  const reported: unknown[] = [];
  const closes = clients.map(() => 0);
  const fails = (rejects: boolean): void => {
    const error = new Error(`error ${thrown.length}`);
    thrown.push(error);
    if (!rejects) throw error;
    return Promise.reject(error) as unknown as void;
  };
  const indexOf = (url: string): number => Number(/\d+$/.exec(url)![0]);
  const server = await harness.serve({
    upgrade(request) {
      const kind = clients[indexOf(request.url)];
      return kind.startsWith("upgrade") ? fails(kind.endsWith("rejects")) : undefined;
    },
    message(conn, data) {
      const kind = clients[indexOf(conn.url)];
      const rejects = kind.endsWith("rejects");
      if (kind.startsWith("message")) return fails(rejects);
      if (kind === "cork rejects") conn.cork(() => fails(true));
      if (kind.startsWith("written")) conn.send(data, { written: () => fails(rejects) });
      else conn.send(data);
    },
    close: (conn) => void closes[indexOf(conn.url)]++,
    onError: (error) => void reported.push(error),
  });
  const peers = clients.map((_, i) => {
    const peer = harness.rawClient(server);
    peer.send(upgradeRequest([], `/${i}`));
    return peer;
  });
  for (const [i, peer] of peers.entries()) {
    const { status } = await peer.answer();
    assert.equal(status, clients[i].startsWith("upgrade") ? 500 : 101, clients[i]);
  }
  const sent = clients.map(() => 0);
  for (const turn of turns) {
    for (const index of turn) {
      const i = index % clients.length;
      const peer = peers[i];
      if (peer.ended || peer.isClosed || clients[i].startsWith("upgrade")) continue;
      sent[i]++;
      if (clients[i] === "reset") peer.transport.destroy();
      else if (clients[i] === "wrong frame") peer.send({ opcode: 3 });
      else peer.send({ opcode: TEXT, payload: `${i} ${sent[i]}` });
    }
    await nextMacrotask();
  }
  for (const [i, kind] of clients.entries()) {
    if (!/^healthy|^written|^cork/.test(kind)) continue;
    assert.equal(closes[i], 0, `${kind}: the connection is still open`);
    const expected = Array.from({ length: sent[i] }, (_, at) => `${i} ${at + 1}`);
    assert.deepEqual(peers[i].payloads, expected, `${kind}: all messages are echoed`);
  }
  assert.deepEqual(new Set(reported), new Set(thrown), "every error is reported");
  assert.equal(reported.length, thrown.length, "each error is reported once");
}
