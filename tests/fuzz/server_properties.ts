// Random sequences with a server and several clients, compression and topics, up to a shutdown or a
// close. Every accepted message must arrive once and in order before a clean close.

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Connection } from "../../src/connection/connection.ts";
import type { CloseInfo } from "../../src/session/end.ts";
import { Harness, nextMacrotask } from "../support/socket_harness.ts";
import { unhandledDuring } from "./connection_simulation.ts";

const clients = fc.nat(3);
const topics = fc.constantFrom("a", "b");
const sizes = fc.oneof(
  { weight: 4, arbitrary: fc.nat(300) },
  { weight: 1, arbitrary: fc.constantFrom(2000, 20_000, 70_000) },
);

const steps = fc.oneof(
  fc.record({ does: fc.constantFrom("send", "reply", "delayed"), client: clients, size: sizes }),
  fc.record({ does: fc.constant("broadcast"), client: clients, size: sizes }),
  fc.record({ does: fc.constant("publish"), client: clients, size: sizes, topic: topics }),
  fc.record({ does: fc.constantFrom("subscribe", "unsubscribe"), client: clients, topic: topics }),
  fc.record({ does: fc.constantFrom("pause", "resume", "turn"), client: clients }),
);

interface Step {
  readonly does: string;
  readonly client: number;
  readonly size?: number;
  readonly topic?: string;
}

interface Plan {
  readonly count: number;
  readonly server: boolean | "compatible";
  readonly client: boolean;
  readonly takeover: boolean;
  readonly highWaterMark: number;
  readonly end: "shutdown" | "drain" | "server closes" | "client closes";
}

const plans: fc.Arbitrary<Plan> = fc.record({
  count: fc.integer({ min: 1, max: 4 }),
  server: fc.constantFrom<boolean | "compatible">(false, true, "compatible"),
  client: fc.boolean(),
  takeover: fc.boolean(),
  highWaterMark: fc.constantFrom(1, 1000, 1 << 20),
  end: fc.constantFrom("shutdown", "drain", "server closes", "client closes"),
});

/** A client with its received and expected messages. */
interface Client {
  readonly near: Connection<undefined>;
  readonly far: Connection<undefined>;
  readonly got: string[];
  /** The messages sent and published to the client. Order is guaranteed within each kind. */
  readonly sent: string[];
  readonly published: string[];
  readonly replied: string[];
  readonly closes: CloseInfo[];
}

async function run(harness: Harness, plan: Plan, all: readonly Step[]): Promise<void> {
  const { count, takeover, highWaterMark } = plan;
  const ends: CloseInfo[] = [];
  const texts = new Map<Connection<undefined>, string[]>();
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const server = await harness.serve({
    compression: plan.server === true
      ? { serverContextTakeover: takeover, clientContextTakeover: takeover, threshold: 0 }
      : plan.server,
    highWaterMark,
    onError,
    open: (conn) => void texts.set(conn, []),
    message: (conn, data) => void texts.get(conn)!.push(String(data)),
    close: (_, info) => void ends.push(info),
  });
  const list: Client[] = [];
  for (let i = 0; i < count; i++) {
    const got: string[] = [];
    const closes: CloseInfo[] = [];
    const near = await harness.connect(server.url, {
      compression: plan.client,
      highWaterMark,
      onError,
      message: (_, data) => void got.push(String(data)),
      close: (_, info) => void closes.push(info),
    });
    const far = [...server.clients()].at(-1)!;
    list.push({ near, far, got, closes, sent: [], published: [], replied: [] });
  }
  let number = 0;
  const text = (kind: string, size: number): string => {
    const start = `${kind}${++number}:`;
    // Every second message is incompressible.
    return start + (number % 2 === 0 ? "ab".repeat(size / 2) : noise(number, size));
  };
  for (const { does, client, size = 0, topic = "" } of all) {
    const one = list[client % count];
    if (does === "turn") await nextMacrotask();
    else if (does === "pause") one.near.pause();
    else if (does === "resume") one.near.resume();
    else if (does === "subscribe") one.far.subscribe(topic);
    else if (does === "unsubscribe") one.far.unsubscribe(topic);
    else if (does === "reply") {
      one.replied.push(text("r", size));
      one.near.send(one.replied.at(-1)!);
    } else if (does === "publish") {
      const message = text("p", size);
      for (const { far, published } of list) {
        if (far.topics.includes(topic)) published.push(message);
      }
      server.publish(topic, message);
    } else if (does === "broadcast") {
      const message = text("s", size);
      for (const { sent } of list) sent.push(message);
      server.broadcast(message);
    } else {
      one.sent.push(text("s", size));
      if (does === "send") one.far.send(one.sent.at(-1)!);
      else one.far.sendDelayed(one.sent.at(-1)!);
    }
  }
  // A side that closes reads no more messages, so wait for all replies first.
  for (const { near } of list) near.resume();
  const isAnswered = ({ far, replied }: Client): boolean =>
    texts.get(far)!.length === replied.length;
  while (plan.end !== "client closes" && !list.every(isAnswered)) await nextMacrotask();
  const isGot = ({ got, sent, published }: Client): boolean =>
    got.length === sent.length + published.length;
  while (plan.end === "client closes" && !list.every(isGot)) await nextMacrotask();
  if (plan.end === "shutdown") await server.shutdown({ timeout: 20_000 });
  else if (plan.end === "drain") await server.shutdown({ timeout: 20_000, drainPeriod: 20 });
  else if (plan.end === "server closes") { for (const { far } of list) far.close(1000, "done"); }
  else for (const { near } of list) near.close(1000, "done");
  await Promise.all(list.flatMap(({ near, far }) => [near.closed, far.closed]));

  const code = plan.end === "shutdown" || plan.end === "drain" ? 1001 : 1000;
  for (const { far, got, sent, published, replied, closes } of list) {
    assert.deepEqual(
      got.filter((message) => message.startsWith("s")),
      sent,
      "all sent messages arrive in order",
    );
    assert.deepEqual(got.filter((message) => message.startsWith("p")), published, "published");
    assert.deepEqual(texts.get(far), replied, "replies");
    assert.deepEqual(closes.map(({ code, clean }) => [code, clean]), [[code, true]]);
  }
  assert.deepEqual(ends.map(({ code, clean }) => [code, clean]), list.map(() => [code, true]));
  assert.deepEqual(errors, []);
}

/** Generates an incompressible text from a number. */
function noise(seed: number, size: number): string {
  let state = seed;
  let text = "";
  while (text.length < size) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    text += state.toString(36);
  }
  return text.slice(0, size);
}

/**
 * Every message sent, broadcast or published before the end arrives, compressed or not.
 */
export const shutDown = fc.asyncProperty(
  plans,
  fc.array(steps, { maxLength: 25 }),
  async (plan, all) => {
    const unhandled = await unhandledDuring(async () => {
      const harness = new Harness();
      try {
        await run(harness, plan, all);
      } finally {
        await harness.end();
      }
    });
    assert.deepEqual(unhandled, [], "there are unhandled rejections");
  },
);
