// Backplanes on real brokers, with each client that a runtime supports: delivery, broker outages,
// and the history.

import assert from "node:assert/strict";
import { connect as connectNats } from "@nats-io/transport-node";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import type { Backplane, BackplaneHistory, HistoryPage } from "../../src/backplane/backplane.ts";
import { writeEnvelope } from "../../src/backplane/envelope.ts";
import type { NatsBackplaneOptions } from "../../src/nats.ts";
import { Recorder } from "../backplane/recorder.ts";
import {
  type ClientKind,
  clientKinds,
  type CreatedBackplane,
  redisKinds,
} from "../support/broker_clients.ts";
import { Broker, type BrokerOptions } from "../support/brokers.ts";
import { settled } from "../support/live_harness.ts";
import type { Cases, Context } from "./harness.ts";

/** Milliseconds after which a message expires: long enough to read it on a busy machine. */
const MAX_AGE = 1000;

/** Topic names that a broker or client could misinterpret. */
const TOPICS = [
  "news",
  "a.b.c",
  ".",
  "..",
  "*",
  ">",
  "a.*.>",
  " ",
  "\0",
  "tab\tand\r\nline",
  "{braces}",
  "}{",
  "=3D",
  "%25",
  "100%",
  "\u{1f600} \u20ac \ufeff",
  "x".repeat(1024),
  "\n".repeat(1024),
  "\u20ac".repeat(341),
];

/** Encodes a message as servers do. */
function envelope(payload: string | Uint8Array): Uint8Array {
  const isText = typeof payload === "string";
  return writeEnvelope({
    origin: new Uint8Array(16).fill(7),
    count: 0,
    except: 0,
    isText,
    onSlow: "queue",
    key: "",
    payload: isText ? new TextEncoder().encode(payload) : payload,
  });
}

/** All byte values, which are not valid UTF-8. */
const BYTES = Uint8Array.from({ length: 1024 }, (_, i) => 255 - i % 256);

const MESSAGES = [
  envelope(""),
  envelope("text \0 \ufeff \u{1f600}"),
  envelope(BYTES),
  envelope(new Uint8Array(0)),
];

/** Messages that are larger than a read buffer. */
const LARGE_MESSAGES = [
  envelope("t".repeat(300_000)),
  envelope(new Uint8Array(300_000).fill(0xff)),
];

interface Setting {
  readonly broker: Broker;
  readonly context: Context;
  /** Creates a backplane with a separate client. */
  make(options?: NatsBackplaneOptions): Promise<CreatedBackplane>;
  /** Returns the number of stored items: keys, or consumers and messages. */
  stored(): Promise<string>;
}

async function setting(
  context: Context,
  kind: ClientKind,
  options?: BrokerOptions,
): Promise<Setting> {
  const broker = await Broker.start(kind.broker, options);
  context.after(() => broker[Symbol.asyncDispose]());
  return {
    broker,
    context,
    make: (options) => make(context, kind, broker.url, options),
    stored: () => kind.broker === "redis" ? redisKeys(broker.port) : natsState(broker.url),
  };
}

/** Returns Redis's reply with the number of keys. */
function redisKeys(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("DBSIZE\r\n"));
    socket.once("error", reject);
    socket.once("data", (data) => {
      resolve(data.toString());
      socket.destroy();
    });
  });
}

/** Returns JetStream's streams, messages and consumers. */
async function natsState(url: string): Promise<string> {
  const connection = await connectNats({ servers: url.replace("nats://", "") });
  const { data } = await connection.request("$JS.API.STREAM.LIST", "{}");
  await connection.close();
  const { streams } = JSON.parse(new TextDecoder().decode(data));
  return JSON.stringify(
    streams.map(({ state }: { state: Record<string, unknown> }) => [
      state.messages,
      state.num_subjects,
      state.consumer_count,
    ]),
  );
}

async function make(
  context: Context,
  kind: ClientKind,
  url: string,
  options?: NatsBackplaneOptions,
): Promise<CreatedBackplane> {
  const made = await kind.make(url, options);
  context.after(() => made.end());
  context.after(async () => void await made.backplane.close());
  return made;
}

/** Returns a page with numbers relative to `base`. */
function relativePage({ last, complete, messages }: HistoryPage, base: number): unknown[] {
  return [
    last - base,
    complete,
    ...messages.map(({ number, message }) => `${number - base} ${message.at(-1)}`),
  ];
}

/** The cases for every client. */
const perClient: Record<string, (it: Setting) => Promise<void>> = {
  "text, bytes and topics of any characters arrive unchanged": async ({ make }) => {
    const [one, two] = [await make(), await make()];
    const recorder = await Recorder.started(one.backplane, ...TOPICS);
    await Recorder.started(two.backplane);
    const expected = TOPICS.flatMap((topic, index) => {
      const messages = index % 6 === 0 ? [...MESSAGES, ...LARGE_MESSAGES] : MESSAGES;
      return messages.map((message) => ({ topic, message }));
    });
    for (const { topic, message } of expected) two.backplane.publish(topic, message);
    const received = await recorder.messages.atLeast(expected.length);
    for (const topic of TOPICS) {
      assert.deepEqual(
        received.filter((each) => each.topic === topic),
        expected.filter((each) => each.topic === topic),
      );
    }
    assert.equal(received.length, expected.length);
  },

  "a burst arrives once and in order, including at the publisher": async ({ make }) => {
    const all = [await make(), await make(), await make()];
    const recorders = [];
    for (const { backplane } of all) recorders.push(await Recorder.started(backplane, "t"));
    const texts = Array.from({ length: 3000 }, (_, i) => `message ${i}`);
    for (const text of texts) all[0].backplane.publish("t", envelope(text));
    for (const recorder of recorders) {
      await recorder.messages.atLeast(texts.length);
      await settled(() => recorder.messages.all.length);
      assert.deepEqual(recorder.texts, texts);
    }
  },

  "the last of many rapid subscription changes takes effect": async ({ make }) => {
    const { backplane } = await make();
    const recorder = await Recorder.started(backplane);
    let last: unknown;
    for (let i = 0; i < 200; i++) {
      void backplane.subscribe("wanted");
      void backplane.subscribe("unwanted");
      void backplane.unsubscribe("wanted");
      void backplane.unsubscribe("unwanted");
      last = backplane.subscribe("wanted");
      if (i % 50 === 0) await last;
    }
    await last;
    await backplane.subscribe("end");
    backplane.publish("unwanted", envelope("unwanted"));
    backplane.publish("wanted", envelope("wanted"));
    backplane.publish("end", envelope("end"));
    await recorder.messages.atLeast(2);
    await settled(() => recorder.messages.all.length);
    assert.deepEqual(recorder.messages.all.map(({ topic }) => topic), ["wanted", "end"]);
  },

  "an outage calls down and up once each and resubscribes the topics": async (
    it,
  ) => {
    const [one, two] = [await it.make(), await it.make()];
    const recorders = [
      await Recorder.started(one.backplane, "t"),
      await Recorder.started(two.backplane, "t"),
    ];
    for (let round = 1; round <= 2; round++) {
      await it.broker.kill();
      for (const recorder of recorders) await recorder.waitForState("down");
      for (const method of ["publish", "subscribe"] as const) {
        const ask = async (): Promise<unknown> => await one.backplane[method]("t", envelope(""));
        await assert.rejects(ask, /unavailable/, "the client does not queue requests");
      }
      await it.broker.restart();
      for (const recorder of recorders) await recorder.isUp();
      one.backplane.publish("t", envelope(`round ${round}`));
      for (const { messages } of recorders) await messages.atLeast(round);
    }
    for (const recorder of recorders) {
      await settled(() => recorder.messages.all.length);
      assert.deepEqual(recorder.texts, ["round 1", "round 2"]);
      assert.deepEqual(recorder.states.all, ["up", "down", "up", "down", "up"]);
      assert.equal(recorder.errors.length, 2);
    }
    await two.ping();
  },

  "a topic unsubscribed during an outage of the broker is not subscribed again": async (it) => {
    const { backplane } = await it.make();
    const recorder = await Recorder.started(backplane, "kept");
    await backplane.subscribe("abandoned");
    await it.broker.kill();
    await recorder.waitForState("down");
    await it.broker.restart();
    await recorder.isUp();
    backplane.publish("abandoned", envelope("1"));
    backplane.publish("kept", envelope("2"));
    await recorder.messages.atLeast(1);
    await settled(() => recorder.messages.all.length);
    assert.deepEqual(recorder.messages.all.map(({ topic }) => topic), ["kept"]);
  },

  "ignores other programs' messages on its topics": async ({ make }) => {
    const { backplane, sendRaw } = await make();
    const recorder = await Recorder.started(backplane, "t");
    const encoder = new TextEncoder();
    const strange = [
      ...["", "=", "=***", "=\0", "#", "#1", "#1,2", "#1,2:=*", "#-1,2:x", "#1,2,3:x", "#a,b:c"]
        .map((text) => encoder.encode(text)),
      encoder.encode("{}"),
      Uint8Array.of(0xff, 0xfe),
      new Uint8Array(100_000).fill(0x23),
    ];
    for (const bytes of strange) await sendRaw("t", bytes);
    await recorder.messages.atLeast(strange.length);
    await backplane.publish("t", envelope("own"));
    const received = await recorder.messages.atLeast(strange.length + 1);
    assert.deepEqual(received.at(-1), { topic: "t", message: envelope("own") });
    assert.ok(received.every(({ message }) => message instanceof Uint8Array));
  },

  "delivers messages published before the close, and none after it": async ({ make }) => {
    const [one, two] = [await make(), await make()];
    const recorder = await Recorder.started(one.backplane, "t");
    const closing = await Recorder.started(two.backplane, "t");
    for (let i = 0; i < 100; i++) two.backplane.publish("t", envelope(`${i}`));
    void two.backplane.unsubscribe("t");
    const before = closing.messages.all.length;
    await two.backplane.close();
    await recorder.messages.atLeast(100);
    await one.backplane.publish("t", envelope("end"));
    await recorder.messages.atLeast(101);
    assert.ok(closing.messages.all.length - before <= 100);
    assert.deepEqual(closing.states.all, ["up"]);
    // The client belongs to the user and stays open.
    await two.ping();
  },

  "a broker that accepts no data does not exhaust memory": async (it) => {
    const { backplane } = await it.make();
    const recorder = await Recorder.started(backplane);
    const message = envelope("m".repeat(900_000));
    it.broker.freeze(true);
    const publish = (): void => {
      for (let i = 0; i < 200; i++) {
        const result = backplane.publish("t", message);
        if (result instanceof Promise) result.catch(() => {});
      }
    };
    assert.throws(publish, { name: "RangeError", message: /are in flight/ });
    it.broker.freeze(false);
    for (;;) {
      try {
        await backplane.publish("t", message);
        break;
      } catch (error) {
        // Publishing works again once some data has arrived.
        assert.ok(error instanceof RangeError);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    assert.deepEqual(recorder.states.all, ["up"]);
  },

  "numbers appended messages, delivers them, and reads them from any number": async ({ make }) => {
    const [one, two] = [await make(), await make()];
    for (const { backplane } of [one, two]) {
      backplane.history!.keep({ maxAge: 60_000, maxMessages: 5 });
    }
    const recorder = await Recorder.started(two.backplane, "t");
    await Recorder.started(one.backplane);
    await testHistory(one.backplane.history!, two.backplane.history!, "t", recorder);
    for (const topic of TOPICS) {
      const { last } = await two.backplane.history!.read(topic);
      await one.backplane.history!.append(topic, envelope(BYTES));
      const page = await two.backplane.history!.read(topic, last);
      assert.deepEqual(page.messages.map(({ message }) => message), [envelope(BYTES)]);
      assert.deepEqual([page.complete, page.last], [true, page.messages[0].number]);
    }
  },

  "does not return expired messages, but keeps their numbers": async ({ make }) => {
    const { backplane } = await make();
    const history = backplane.history!;
    history.keep({ maxAge: MAX_AGE, maxMessages: 5 });
    await Recorder.started(backplane);
    const { last: base } = await history.read("t");
    await history.append("t", Uint8Array.of(1));
    await history.append("t", Uint8Array.of(2));
    const { last } = await history.read("t");
    // Wait, because no broker reports the expiry of a message.
    await new Promise((resolve) => setTimeout(resolve, MAX_AGE + 100));
    const missed = await history.read("t", base);
    assert.deepEqual([missed.complete, missed.messages.length, missed.last], [false, 0, last]);
    assert.equal((await history.read("t", last)).complete, true, "nothing was missed");
    await history.append("t", Uint8Array.of(3));
    const page = await history.read("t", last);
    assert.deepEqual([page.complete, page.messages.length], [true, 1]);
    assert.ok(page.messages[0].number > last);
  },

  "a read returns at most the requested count, and the next one the rest": async (it) => {
    const { backplane } = await it.make();
    const history = backplane.history!;
    history.keep({ maxAge: 60_000, maxMessages: 100 });
    await Recorder.started(backplane);
    const { last: base } = await history.read("t");
    for (let i = 0; i < 7; i++) await history.append("t", envelope(`${i}`.repeat(1000)));
    for (const limit of [{ maxMessages: 3, maxBytes: 1e6 }, { maxMessages: 100, maxBytes: 3500 }]) {
      const found: number[] = [];
      let after = base;
      for (const count of [3, 3, 1]) {
        const { last, complete, messages } = await history.read("t", after, limit);
        assert.deepEqual([messages.length, complete], [count, true]);
        assert.ok(last >= messages.at(-1)!.number);
        found.push(...messages.map(({ message }) => message.at(-1)! - 0x30));
        after = messages.at(-1)!.number;
      }
      assert.deepEqual(found, [0, 1, 2, 3, 4, 5, 6]);
      assert.deepEqual(await history.read("t", after, limit), {
        last: after,
        complete: true,
        messages: [],
      });
    }
    const [first] = (await history.read("t", base, { maxMessages: 5, maxBytes: 10 })).messages;
    assert.equal(first.message.length, 1034, "one message is always read");
  },

  "reading topics without messages stores no data": async (it) => {
    const { backplane } = await it.make();
    const history = backplane.history!;
    history.keep({ maxAge: 60_000, maxMessages: 5 });
    await Recorder.started(backplane);
    await history.append("known", Uint8Array.of(1));
    const before = await it.stored();
    for (let i = 0; i < 50; i++) {
      const { last, complete, messages } = await history.read(`unknown ${i}`);
      assert.deepEqual([complete, messages], [true, []]);
      // A client that resumes with this number has missed no message.
      assert.deepEqual(await history.read(`unknown ${i}`, last), { last, complete, messages });
      assert.equal((await history.read(`unknown ${i}`, 7)).complete, false);
    }
    assert.equal(await it.stored(), before);
    const { last } = await history.read("late");
    await history.append("late", Uint8Array.of(1));
    await history.append("late", Uint8Array.of(2));
    const page = await history.read("late", last);
    assert.deepEqual(page.messages.map(({ message }) => message[0]), [1, 2]);
    assert.equal(page.complete, true, "even if the topic was empty at that number");
  },

  "isolates prefixes with a common start": async (it) => {
    const isRedis = it.broker.name === "redis";
    const [outer, inner] = isRedis ? ["app:", "app:admin:"] : ["app.", "app.live."];
    const [inside, outside] = isRedis ? ["orders", "admin:orders"] : ["orders", "live.orders"];
    const one = await it.make({ prefix: outer });
    const two = await it.make({ prefix: inner });
    for (const { backplane } of [one, two]) {
      backplane.history!.keep({ maxAge: 60_000, maxMessages: 5 });
    }
    const recorder = await Recorder.started(one.backplane, outside, "{orders", "orders");
    await Recorder.started(two.backplane);
    for (const topic of [inside, outside, "{orders", "}"]) {
      two.backplane.publish(topic, envelope(topic));
      await two.backplane.history!.append(topic, envelope(topic));
    }
    await one.backplane.publish("orders", envelope("end"));
    await recorder.messages.atLeast(1);
    await settled(() => recorder.messages.all.length);
    assert.deepEqual(recorder.texts, ["end"]);
    for (const topic of [inside, outside]) {
      const { messages } = await one.backplane.history!.read(topic, 1);
      assert.deepEqual(messages, []);
    }
  },

  "numbers never decrease, even when the broker loses all data": async (it) => {
    const { backplane } = await it.make();
    const history = backplane.history!;
    history.keep({ maxAge: 60_000, maxMessages: 5 });
    const recorder = await Recorder.started(backplane, "t");
    for (let i = 0; i < 5; i++) await history.append("t", Uint8Array.of(i));
    const { last } = await history.read("t");
    await it.broker.kill();
    await recorder.waitForState("down");
    await assert.rejects(() => history.append("t", Uint8Array.of(5)), "while the broker is down");
    await assert.rejects(() => history.read("t", last), "while the broker is down");
    it.broker.forget();
    await it.broker.restart();
    await recorder.isUp();
    const page = await history.read("t", last);
    assert.ok(page.last > last);
    assert.deepEqual([page.complete, page.messages], [false, []]);
    await history.append("t", Uint8Array.of(6));
    const [received] = (await recorder.messages.atLeast(6)).slice(5);
    assert.ok(received.number! > page.last);
    assert.equal((await history.read("t", page.last)).messages[0].number, received.number);
  },
};

async function testHistory(
  one: BackplaneHistory,
  two: BackplaneHistory,
  topic: string,
  recorder: Recorder,
): Promise<void> {
  const { last: base, complete, messages } = await two.read(topic);
  assert.deepEqual([complete, messages], [true, []]);
  assert.ok(Number.isSafeInteger(base) && base > 0);
  assert.deepEqual(relativePage(await two.read(topic, base), base), [0, true]);

  for (let i = 1; i <= 7; i++) await one.append(topic, Uint8Array.of(0xff, i));
  const received = await recorder.messages.atLeast(7);
  assert.deepEqual(received.map(({ message }) => message.at(-1)), [1, 2, 3, 4, 5, 6, 7]);
  const numbers = received.map(({ number }) => number!);
  for (const [i, { number, previous }] of received.entries()) {
    assert.ok(number! > (i === 0 ? base : numbers[i - 1]));
    if (i === 0) assert.ok(previous === 0 || previous === base);
    else assert.equal(previous, numbers[i - 1]);
  }
  const steps = numbers.map((number) => number - base);
  const expected = (from: number): string[] =>
    steps.slice(from).map((step, i) => `${step} ${from + i + 1}`);
  const read = async (after: number): Promise<unknown[]> =>
    relativePage(await two.read(topic, after), base);
  assert.deepEqual(await read(numbers[6]), [steps[6], true]);
  assert.deepEqual(await read(numbers[4]), [steps[6], true, ...expected(5)]);
  assert.deepEqual(await read(numbers[1]), [steps[6], true, ...expected(2)]);
  assert.deepEqual(await read(numbers[0]), [steps[6], false, ...expected(2)]);
  assert.deepEqual(await read(base), [steps[6], false, ...expected(2)]);
  assert.deepEqual(await read(3), [steps[6], false, ...expected(2)], "an expired number");
  assert.deepEqual(
    await read(numbers[6] + 5),
    [steps[6], false],
    "a number that was never assigned",
  );
}

/** Runs a case with all clients of the runtime concurrently. */
async function onEach(
  context: Context,
  run: (it: Setting) => Promise<void>,
): Promise<void> {
  // Start all brokers first, because starting one on a busy machine can look like an outage of
  // another.
  const kinds = clientKinds(context.runtime);
  const settings = await Promise.all(kinds.map((kind) => setting(context, kind)));
  await Promise.all(
    kinds.map(async (kind, index) => {
      try {
        await run(settings[index]!);
      } catch (error) {
        if (error instanceof Error) error.message = `with ${kind.name}: ${error.message}`;
        throw error;
      }
    }),
  );
}

export const cases: Cases = {
  ...Object.fromEntries(
    Object.entries(perClient).map(([name, run]) => [
      name,
      (context: Context) => onEach(context, run),
    ]),
  ),

  "clients of every kind interoperate on one Redis": async (context) => {
    const broker = await Broker.start("redis");
    context.after(() => broker[Symbol.asyncDispose]());
    const all: Backplane[] = [];
    const recorders: Recorder[] = [];
    for (const kind of redisKinds(context.runtime)) {
      const { backplane } = await make(context, kind, broker.url);
      backplane.history!.keep({ maxAge: 60_000, maxMessages: 100 });
      recorders.push(await Recorder.started(backplane, "t"));
      all.push(backplane);
    }
    for (const backplane of all) {
      for (const message of MESSAGES) {
        await backplane.publish("t", message);
        await backplane.history!.append("t", message);
      }
    }
    const expected = all.flatMap(() => MESSAGES.flatMap((message) => [message, message]));
    for (const recorder of recorders) {
      const received = await recorder.messages.atLeast(expected.length);
      assert.deepEqual(received.map(({ message }) => message), expected);
      assert.deepEqual(received, recorders[0].messages.all, "including the numbers");
    }
    const pages = [];
    const [first] = recorders[0].messages.all.filter(({ number }) => number !== undefined);
    for (const backplane of all) pages.push(await backplane.history!.read("t", first.number));
    for (const page of pages) assert.deepEqual(page, pages[0]);
    assert.equal(pages[0].messages.length, expected.length / 2 - 1);
  },

  "an unavailable Redis is reported as down, then as up": async (context) => {
    for (const kind of redisKinds(context.runtime)) {
      const broker = await Broker.prepare("redis");
      context.after(() => broker[Symbol.asyncDispose]());
      const { backplane } = await make(context, kind, broker.url);
      const recorder = new Recorder(backplane, "t");
      backplane.start(recorder);
      await recorder.waitForState("down");
      await broker.restart();
      await recorder.isUp();
      await backplane.publish("t", envelope("first"));
      await recorder.messages.atLeast(1);
    }
  },

  "a server with invalid replies stays down": async (context) => {
    const rubbish = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", () => socket.write("\x00\xff!?*-9\r\n+\r\n$99999999999\r\n"));
    });
    await new Promise<void>((resolve) => rubbish.listen(0, "127.0.0.1", resolve));
    context.after(() => void rubbish.close());
    const { port } = rubbish.address() as AddressInfo;
    for (const kind of redisKinds(context.runtime)) {
      const { backplane } = await make(context, kind, `redis://127.0.0.1:${port}`);
      const recorder = new Recorder(backplane);
      backplane.start(recorder);
      await recorder.waitForState("down");
      await backplane.close();
      assert.deepEqual(recorder.states.all, ["down"]);
    }
  },

  "reports a NATS stream with other subjects and does not modify it": async (context) => {
    const [kind] = clientKinds(context.runtime).filter(({ broker }) => broker === "nats");
    const it = await setting(context, kind);
    const one = await it.make({ prefix: "a.b.", stream: "shared" });
    const two = await it.make({ prefix: "a_b.", stream: "shared" });
    const taken = { name: "JetStreamError", message: /The stream shared stores .*"stream"/ };
    one.backplane.history!.keep({ maxAge: 60_000, maxMessages: 5 });
    await Recorder.started(one.backplane);
    await one.backplane.history!.append("t", envelope("1"));
    two.backplane.history!.keep({ maxAge: 60_000, maxMessages: 5 });
    await Recorder.started(two.backplane);
    await assert.rejects(() => two.backplane.history!.append("t", envelope("2")), taken);
    await one.backplane.history!.append("t", envelope("3"));
    // By default each prefix has a separate stream.
    for (const prefix of ["a.b.", "a_b."]) {
      const { backplane } = await it.make({ prefix });
      backplane.history!.keep({ maxAge: 60_000, maxMessages: 5 });
      await Recorder.started(backplane);
      if (prefix === "a_b.") await backplane.history!.append("t", envelope("4"));
    }
  },

  "recreates a NATS stream that was deleted": async (context) => {
    const [kind] = clientKinds(context.runtime).filter(({ broker }) => broker === "nats");
    const it = await setting(context, kind);
    const { backplane } = await it.make();
    backplane.history!.keep({ maxAge: 60_000, maxMessages: 5 });
    const recorder = await Recorder.started(backplane, "t");
    const first = await backplane.history!.append("t", envelope("1")) as number;
    const admin = await connectNats({ servers: it.broker.url.replace("nats://", "") });
    context.after(() => admin.close());
    await admin.request("$JS.API.STREAM.DELETE.quickws");
    await assert.rejects(() => backplane.history!.append("t", envelope("2")));
    await recorder.states.atLeast(3);
    assert.deepEqual(recorder.states.all, ["up", "down", "up"]);
    const second = await backplane.history!.append("t", envelope("2")) as number;
    assert.ok(second > first);
    assert.equal((await recorder.messages.atLeast(2))[1].number, second);
  },

  "reports a NATS server without JetStream and still delivers messages": async (context) => {
    const [kind] = clientKinds(context.runtime).filter(({ broker }) => broker === "nats");
    const it = await setting(context, kind, { jetStream: false });
    const { backplane } = await it.make();
    backplane.history!.keep({ maxAge: 1000, maxMessages: 5 });
    const recorder = await Recorder.started(backplane, "t");
    const refused = { name: "JetStreamError", message: /JetStream does not answer/ };
    await assert.rejects(() => backplane.history!.append("t", envelope("1")), refused);
    await assert.rejects(() => backplane.history!.read("t"), refused);
    backplane.publish("t", envelope("2"));
    await recorder.messages.atLeast(1);
    assert.deepEqual(recorder.states.all, ["up"]);
  },
};
