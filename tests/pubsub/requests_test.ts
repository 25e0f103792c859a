// Tests the requests of clients with the topics subprotocol. Other messages of these clients are
// delivered as usual.

import assert from "node:assert/strict";
import { InvalidPayloadError, MessageTooBigError } from "../../src/errors.ts";
import type { Backplane, BackplaneSink } from "../../src/backplane/backplane.ts";
import type { CloseInfo } from "../../src/session/end.ts";
import type { SessionEvents } from "../../src/session/session.ts";
import {
  type ClientTopicsOptions,
  clientTopicsRules,
  TopicRequests,
} from "../../src/pubsub/client_topics.ts";
import type { Connection } from "../../src/connection/connection.ts";
import type { ConnectionTopics, Message } from "../../src/connection/connection_driver.ts";
import { connectionRules } from "../../src/connection/connection_options.ts";
import type { LayeredDriver } from "../../src/connection/driver_context.ts";
import { Deferred } from "../support/live_harness.ts";
import { nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { topicSide } from "../support/topic_client.ts";
import {
  BINARY,
  CLOSE,
  concat,
  CONTINUATION,
  type FrameParts,
  hex,
  PING,
  PONG,
  TEXT,
  utf8,
} from "../support/vectors.ts";

const text = (payload: string): FrameParts => ({ opcode: TEXT, payload });

const subscribe = (topic: string, after?: number): FrameParts =>
  text(`${JSON.stringify({ subscribe: topic, after })}\n`);

const unsubscribe = (topic: string): FrameParts =>
  text(`${JSON.stringify({ unsubscribe: topic })}\n`);

const subscribed = (topic: string): string => `${JSON.stringify({ subscribed: topic })}\n`;

const refused = (topic: string, reason = "not allowed"): string =>
  `${JSON.stringify({ refused: topic, reason })}\n`;

/** An `allow` function whose decisions the test controls. */
class Decisions {
  /** The received requests, in order. */
  readonly asked: string[] = [];
  readonly #open = new Map<string, Deferred<boolean>>();

  readonly options: ClientTopicsOptions = {
    allow: (_, topic) => {
      this.asked.push(topic);
      assert.equal(
        this.#open.has(topic),
        false,
        "allow was called twice at the same time for one topic",
      );
      const decision = new Deferred<boolean>();
      this.#open.set(topic, decision);
      return decision.promise;
    },
  };

  async decide(topic: string, decision: boolean): Promise<void> {
    this.#take(topic).resolve(decision);
    await nextMacrotask();
  }

  async fail(topic: string, error: unknown): Promise<void> {
    this.#take(topic).reject(error);
    await nextMacrotask();
  }

  #take(topic: string): Deferred<boolean> {
    const decision = this.#open.get(topic)!;
    this.#open.delete(topic);
    return decision;
  }
}

for (const mode of ["string", "bytes"] as const) {
  socketTest(
    `a message handler receives messages without their lines (text: "${mode}")`,
    async (t) => {
      const got: [Message, number][] = [];
      const { peer } = await topicSide(t, {
        text: mode,
        message: (_, data, opcode) => void got.push([data, opcode]),
      });
      const long = "long ".repeat(40_000);
      peer.send(
        text("\ntext \u{1f600}"),
        text("\n"),
        text("\n\n{}\n"),
        { opcode: BINARY, payload: hex("0a 00 ff") },
        { opcode: BINARY, payload: hex("0a") },
        { opcode: TEXT, fin: false, payload: "" },
        { opcode: CONTINUATION, fin: false, payload: "\nin " },
        { opcode: PING, payload: "{}" },
        { opcode: CONTINUATION, payload: "parts" },
        text(`\n${long}`),
      );
      await nextMacrotask();
      const expected = ["text \u{1f600}", "", "\n{}\n", hex("00 ff"), hex(""), "in parts", long];
      assert.deepEqual(got.map(([, opcode]) => opcode), [1, 1, 1, 2, 2, 1, 1]);
      const decoder = new TextDecoder();
      assert.deepEqual(
        got.map(([data, opcode]) =>
          opcode === 1 && typeof data !== "string" ? decoder.decode(data) : data
        ),
        expected,
      );
      for (const [data, opcode] of got) {
        assert.equal(typeof data === "string", opcode === 1 && mode === "string");
      }
    },
  );
}

socketTest("pings and pongs have no header line", async (t) => {
  const got: string[] = [];
  const { peer } = await topicSide(t, {
    ping: (_, payload) => void got.push(`ping ${new TextDecoder().decode(payload)}`),
    pong: (_, payload) => void got.push(`pong ${new TextDecoder().decode(payload)}`),
  });
  peer.send({ opcode: PING, payload: "a" }, { opcode: PONG, payload: "b" });
  await nextMacrotask();
  assert.deepEqual(got, ["ping a", "pong b"]);
  assert.deepEqual(peer.payloads, ["a"]);
});

socketTest(
  "an iterator and a web stream receive messages without header lines, and no requests",
  async (t) => {
    const { conn, peer } = await topicSide(t);
    peer.send(
      text("\n1"),
      subscribe("news"),
      { opcode: BINARY, payload: hex("0a 02") },
      text("\n3"),
    );
    const messages = conn[Symbol.asyncIterator]();
    assert.deepEqual((await messages.next()).value, "1");
    assert.deepEqual((await messages.next()).value, hex("02"));
    await messages.return!();
    const reader = conn.readable.getReader();
    assert.deepEqual((await reader.read()).value, "3");
    assert.deepEqual(conn.topics, ["news"]);
  },
);

socketTest("a client subscribes, receives published messages, and unsubscribes", async (t) => {
  const { server, conn, peer } = await topicSide(t);
  peer.send(subscribe("news"), subscribe("__proto__"));
  await nextMacrotask();
  assert.deepEqual(conn.topics, ["news", "__proto__"]);
  assert.equal(server.publish("news", "1").sent, 1);
  peer.send(unsubscribe("news"), unsubscribe("never subscribed"));
  await nextMacrotask();
  assert.equal(server.publish("news", "2").sent, 0);
  assert.equal(server.publish("__proto__", "3").sent, 1);
  await nextMacrotask();
  assert.deepEqual(peer.payloads, [
    subscribed("news"),
    subscribed("__proto__"),
    '{"topic":"news"}\n1',
    '{"topic":"__proto__"}\n3',
  ]);
});

socketTest("a request may be binary and may name any well-formed topic", async (t) => {
  const topics = ["\0", "a\nb", '"', "\u{1f600}", "x".repeat(1024), "\0".repeat(1024), "toString"];
  const { conn, peer } = await topicSide(t);
  for (const topic of topics) {
    const line = `${JSON.stringify({ subscribe: topic })}\n`;
    peer.send({ opcode: BINARY, payload: line });
  }
  await nextMacrotask();
  assert.deepEqual(conn.topics, topics);
  assert.deepEqual(peer.payloads, topics.map(subscribed));
});

/** Malformed messages. */
const INVALID: readonly [what: string, frame: FrameParts][] = [
  ["an empty message", text("")],
  ["a message without a header line", text("hello")],
  ["a request without a line feed", text('{"subscribe":"news"}')],
  ["a line that is not JSON", text("subscribe news\n")],
  ["a line that is not an object", text('["subscribe","news"]\n')],
  ["an unknown request", text('{"publish":"news"}\n')],
  ["a notice", text('{"topic":"news"}\ntext')],
  ["a request followed by a message", text('{"subscribe":"news"}\ntext')],
  ["a request followed by a line feed", text('{"subscribe":"news"}\n\n')],
  ["a name that is not a string", text('{"subscribe":7}\n')],
  ["an empty name", text('{"subscribe":""}\n')],
  ["an empty name in unsubscribe", text('{"unsubscribe":""}\n')],
  ["a name that is too long", subscribe("x".repeat(1025))],
  ["a name that is too long in UTF-8", subscribe("\u{1f600}".repeat(257))],
  ["an extremely long name", subscribe("x".repeat(100_000))],
  ["a name with a lone high surrogate", text('{"subscribe":"\\ud800"}\n')],
  ["a name with a lone low surrogate", text('{"unsubscribe":"a\\udc00b"}\n')],
  ["a number below 0", subscribe("news", -1)],
  ["a number that is not an integer", subscribe("news", 0.5)],
  ["a number that is too large", subscribe("news", 2 ** 53)],
  ["a number of the wrong type", text('{"subscribe":"news","after":"7"}\n')],
  ["bytes without a line", { opcode: BINARY, payload: hex("00 0a") }],
  ["bytes that are not UTF-8", {
    opcode: BINARY,
    payload: concat(utf8('{"subscribe":"'), hex("ff"), utf8('"}\n')),
  }],
  ["an empty binary message", { opcode: BINARY }],
];

for (const mode of ["string", "bytes"] as const) {
  for (const [what, frame] of INVALID) {
    socketTest(`closes with 1007 on ${what} (text: "${mode}")`, async (t) => {
      const ends: CloseInfo[] = [];
      const got: unknown[] = [];
      const errors: unknown[] = [];
      const { server, peer } = await topicSide(t, {
        text: mode,
        message: (_, data) => void got.push(data),
        close: (_, info) => void ends.push(info),
        onError: (error) => void errors.push(error),
      });
      peer.send(frame, text("\ntoo late"), subscribe("news"));
      await nextMacrotask();
      const [close] = peer.frames;
      assert.deepEqual([close!.opcode, close!.payload[0]! << 8 | close!.payload[1]!], [
        CLOSE,
        1007,
      ]);
      peer.transport.end();
      await nextMacrotask();
      assert.equal(ends.length, 1);
      const { code, clean, error } = ends[0]!;
      assert.deepEqual([code, clean], [1007, false]);
      assert.ok(error instanceof InvalidPayloadError);
      assert.equal(error.code, "TOPIC_LINE_INVALID");
      assert.deepEqual([got, errors, server.subscribers("news")], [[], [], 0]);
    });
  }
}

socketTest(
  "allow receives the connection and the topic, and a rejected topic is not subscribed",
  async (t) => {
    const asked: [unknown, string][] = [];
    const { server, conn, peer } = await topicSide(t, {
      clientTopics: {
        allow(connection, topic) {
          asked.push([connection, topic]);
          return topic.startsWith("public/");
        },
      },
    });
    peer.send(subscribe("private/1"), subscribe("public/1"), subscribe("private/1"));
    await nextMacrotask();
    assert.deepEqual(asked.map(([, topic]) => topic), ["private/1", "public/1", "private/1"]);
    assert.ok(asked.every(([connection]) => connection === conn));
    assert.equal(server.subscribers("private/1"), 0);
    const no = refused("private/1");
    assert.deepEqual(peer.payloads, [no, subscribed("public/1"), no]);
  },
);

socketTest(
  "allow may be asynchronous; answers follow the order of decisions",
  async (t) => {
    const decisions = new Decisions();
    const { server, conn, peer } = await topicSide(t, { clientTopics: decisions.options });
    peer.send(subscribe("a"), subscribe("b"), subscribe("c"));
    await nextMacrotask();
    assert.deepEqual([conn.topics, peer.payloads], [[], []]);
    assert.equal(server.publish("b", "too early").sent, 0);
    await decisions.decide("b", true);
    server.publish("b", "1");
    await decisions.decide("a", false);
    await decisions.decide("c", true);
    assert.deepEqual(peer.payloads, [
      subscribed("b"),
      '{"topic":"b"}\n1',
      refused("a"),
      subscribed("c"),
    ]);
    assert.deepEqual(conn.topics, ["b", "c"]);
  },
);

const BROKEN = new Error("broken");

/** How `allow` can fail, and the error that `onError` receives. */
const FAILURES: readonly [what: string, allow: () => unknown, expected: RegExp][] = [
  ["throws", () => {
    throw BROKEN;
  }, /^Error: broken$/],
  ["rejects", () => Promise.reject(BROKEN), /^Error: broken$/],
  [
    "returns nothing",
    () => {},
    /^TypeError: clientTopics.allow must return a boolean, got undefined$/,
  ],
  ["returns a number", () => 1, /^TypeError: clientTopics.allow must return a boolean, got 1$/],
  ["resolves to a string", () => Promise.resolve("yes"), /^TypeError: .* a boolean, got "yes"$/],
  ["returns a thenable that throws", () => ({
    then(): void {
      throw BROKEN;
    },
  }), /^Error: broken$/],
];

for (const [what, allow, expected] of FAILURES) {
  socketTest(`rejects the topic and calls onError if allow ${what}`, async (t) => {
    const errors: unknown[] = [];
    const { conn, peer } = await topicSide(t, {
      clientTopics: { allow: allow as () => boolean },
      onError: (error) => void errors.push(error),
    });
    peer.send(subscribe("news"));
    await nextMacrotask();
    assert.deepEqual(peer.payloads, [refused("news", "internal server error")]);
    assert.equal(errors.length, 1);
    assert.match(String(errors[0]), expected);
    assert.deepEqual([conn.topics, conn.readyState], [[], "open"]);
  });
}

socketTest("a client has at most max topics, including pending ones", async (t) => {
  const decisions = new Decisions();
  const { conn, peer } = await topicSide(t, { clientTopics: { ...decisions.options, max: 3 } });
  conn.subscribe("by the server");
  peer.send(subscribe("a"), subscribe("b"), subscribe("c"), subscribe("a"));
  await nextMacrotask();
  const full = "a connection may have at most 3 topics";
  assert.deepEqual(peer.payloads, [subscribed("by the server"), refused("c", full)]);
  assert.deepEqual(decisions.asked, ["a", "b"]);
  await decisions.decide("a", true);
  await decisions.decide("b", false);
  peer.send(subscribe("c"), subscribe("d"));
  await nextMacrotask();
  await decisions.decide("c", true);
  peer.send(unsubscribe("a"), subscribe("d"));
  await nextMacrotask();
  assert.deepEqual(peer.payloads.slice(2), [
    subscribed("a"),
    refused("b"),
    refused("d", full),
    subscribed("c"),
  ]);
  assert.deepEqual(decisions.asked, ["a", "b", "c", "d"]);
  conn.subscribe("the server is not bound by it");
  assert.equal(conn.topics.length, 3);
});

socketTest("the default of max is 100", async (t) => {
  const { conn, peer } = await topicSide(t);
  peer.send(...Array.from({ length: 150 }, (_, i) => subscribe(`topic ${i}`)));
  await nextMacrotask();
  assert.equal(conn.topics.length, 100);
  const refusals = peer.payloads.filter((payload) => payload.startsWith('{"refused"'));
  assert.equal(refusals.length, 50);
});

socketTest("rapid changes of a subscription cause only one call of allow at a time", async (t) => {
  const decisions = new Decisions();
  const { server, conn, peer } = await topicSide(t, {
    clientTopics: { ...decisions.options, max: 1 },
  });
  for (let i = 0; i < 100; i++) peer.send(subscribe("a"), unsubscribe("a"));
  peer.send(subscribe("b"));
  await nextMacrotask();
  assert.deepEqual(decisions.asked, ["a"]);
  assert.deepEqual(peer.payloads, [refused("b", "a connection may have at most 1 topics")]);
  await decisions.decide("a", true);
  assert.deepEqual([conn.topics, server.subscribers("a")], [[], 0]);
  assert.equal(peer.payloads.length, 1, "there is no answer to a withdrawn request");

  peer.send(subscribe("a"), unsubscribe("a"), subscribe("a"));
  await nextMacrotask();
  await decisions.decide("a", true);
  assert.deepEqual(conn.topics, ["a"]);
  assert.deepEqual(peer.payloads.slice(1), [subscribed("a")]);
  assert.deepEqual(decisions.asked, ["a", "a"]);
});

socketTest("does not report a rejection of a topic that was unsubscribed", async (t) => {
  const decisions = new Decisions();
  const errors: unknown[] = [];
  const { peer } = await topicSide(t, {
    clientTopics: decisions.options,
    onError: (error) => void errors.push(error),
  });
  peer.send(subscribe("a"), subscribe("b"), unsubscribe("a"), unsubscribe("b"));
  await nextMacrotask();
  await decisions.decide("a", false);
  await decisions.fail("b", BROKEN);
  assert.deepEqual([peer.payloads, errors], [[], [BROKEN]]);
});

socketTest("a repeated subscription is confirmed again without calling allow", async (t) => {
  let asked = 0;
  const { server, peer } = await topicSide(t, { clientTopics: { allow: () => ++asked === 1 } });
  peer.send(subscribe("news"), subscribe("news"));
  await nextMacrotask();
  assert.deepEqual(peer.payloads, [subscribed("news"), subscribed("news")]);
  assert.equal(asked, 1);
  assert.equal(server.publish("news", "once").sent, 1);
});

socketTest("subscriptions by the server are announced without calling allow", async (t) => {
  const decisions = new Decisions();
  const { conn, peer } = await topicSide(t, { clientTopics: decisions.options });
  peer.send(subscribe("a"), subscribe("b"));
  await nextMacrotask();
  conn.subscribe("a");
  conn.subscribe("b");
  await decisions.decide("a", false);
  await decisions.decide("b", true);
  assert.deepEqual(conn.topics, ["a", "b"]);
  assert.deepEqual(peer.payloads, [subscribed("a"), subscribed("b"), subscribed("b")]);
  peer.send(subscribe("a"), unsubscribe("b"));
  await nextMacrotask();
  assert.deepEqual(conn.topics, ["a"]);
  assert.deepEqual(decisions.asked, ["a", "b"]);
});

socketTest("unsubscriptions by the server are announced if the topic was subscribed", async (t) => {
  const decisions = new Decisions();
  const { conn, peer } = await topicSide(t, { clientTopics: decisions.options });
  peer.send(subscribe("a"));
  await nextMacrotask();
  assert.equal(conn.unsubscribe("a"), false, "the request is still pending");
  await decisions.decide("a", true);
  assert.equal(conn.unsubscribe("a"), true);
  assert.equal(conn.unsubscribe("a"), false);
  peer.send(subscribe("a"));
  await nextMacrotask();
  await decisions.decide("a", true);
  peer.send(unsubscribe("a"));
  await nextMacrotask();
  assert.deepEqual(peer.payloads, [
    subscribed("a"),
    refused("a", "the server has unsubscribed it"),
    subscribed("a"),
  ]);
});

socketTest("a subscription is confirmed before the first message of its topic", async (t) => {
  const { server, peer } = await topicSide(t, {
    clientTopics: {
      allow: (conn, topic) => {
        // All calls happen while the request is being answered.
        server.publish(topic, "before");
        queueMicrotask(() => server.publish(topic, "after"));
        conn.send("from allow");
        return Promise.resolve(true);
      },
    },
  });
  peer.send(subscribe("news"));
  await nextMacrotask();
  server.publish("news", "later");
  await nextMacrotask();
  const at = peer.payloads.indexOf(subscribed("news"));
  assert.equal(peer.payloads[0], "\nfrom allow");
  assert.ok(peer.payloads.slice(0, at).every((payload) => !payload.startsWith('{"topic"')));
  assert.equal(peer.payloads.at(-1), '{"topic":"news"}\nlater');
});

socketTest(
  "a subscription is confirmed first even if the broker delivers during subscribe",
  async (t) => {
    let kept: Uint8Array | undefined;
    const backplane = (): Backplane => {
      let sink: BackplaneSink;
      return {
        start: (given) => (sink = given).up(),
        publish: (_, message) => void (kept = message),
        subscribe: (topic) => kept && sink.message(topic, kept),
        unsubscribe: () => {},
        close: () => {},
      };
    };
    const { server: elsewhere } = await topicSide(t, { backplane: backplane() });
    elsewhere.publish("news", "at once");
    const { peer } = await topicSide(t, { backplane: backplane() });
    peer.send(subscribe("news"));
    await nextMacrotask();
    assert.deepEqual(peer.payloads, [subscribed("news"), '{"topic":"news"}\nat once']);
  },
);

socketTest("a decision after the connection has closed has no effect", async (t) => {
  const decisions = new Decisions();
  const errors: unknown[] = [];
  const { server, conn, peer } = await topicSide(t, {
    clientTopics: decisions.options,
    onError: (error) => void errors.push(error),
  });
  peer.send(subscribe("a"), subscribe("b"), subscribe("c"));
  await nextMacrotask();
  conn.close();
  await decisions.decide("a", true);
  peer.transport.destroy();
  await conn.closed;
  await decisions.decide("b", true);
  await decisions.fail("c", BROKEN);
  assert.deepEqual(["a", "b", "c"].map((topic) => server.subscribers(topic)), [0, 0, 0]);
  assert.deepEqual(peer.frames.map(({ opcode }) => opcode), [CLOSE]);
  assert.deepEqual(errors, [BROKEN], "the error of allow is reported even after the close");
});

for (
  const [what, end] of [
    ["closes", (conn: Connection<undefined>) => conn.close()],
    ["terminates", (conn: Connection<undefined>) => conn.terminate()],
  ] as const
) {
  socketTest(`leaks no memory if allow ${what} the connection`, async (t) => {
    const { server, conn, peer } = await topicSide(t, {
      clientTopics: {
        allow(conn) {
          end(conn);
          return true;
        },
      },
    });
    peer.send(subscribe("a"), subscribe("b"), text("no line"));
    peer.transport.end();
    await conn.closed;
    assert.deepEqual([server.subscribers("a"), server.subscribers("b")], [0, 0]);
  });
}

socketTest(
  "the header line does not count toward maxMessageSize, and a request always fits",
  async (t) => {
    for (const size of [1, 10, 8190, 8191, 8192, 100_000]) {
      const got: number[] = [];
      const { conn, peer } = await topicSide(t, {
        maxMessageSize: size,
        message: (_, data) => void got.push(data.length),
      });
      peer.send(subscribe("\0".repeat(1024)));
      peer.send(text(`\n${"x".repeat(size)}`));
      peer.send({ opcode: BINARY, payload: new Uint8Array(size + 1).fill(0x0a) });
      await nextMacrotask();
      assert.deepEqual(got, [size, size]);
      peer.send({ opcode: BINARY, payload: new Uint8Array(size + 2).fill(0x0a) });
      peer.transport.end();
      const { code, error } = await conn.closed;
      assert.equal(code, 1009);
      assert.ok(error instanceof MessageTooBigError);
      assert.equal(got.length, 2);
    }
  },
);

socketTest("maxMessageSize counts bytes for every delivery type of text", async (t) => {
  for (const mode of ["string", "bytes"] as const) {
    for (const [payload, code] of [["\u20ac".repeat(3), undefined], ["\u20ac".repeat(4), 1009]]) {
      const got: unknown[] = [];
      const { conn, peer } = await topicSide(t, {
        text: mode,
        maxMessageSize: 11,
        message: (_, data) => void got.push(data),
      });
      peer.send(text(`\n${payload}`));
      await nextMacrotask();
      assert.equal(got.length, code === undefined ? 1 : 0);
      peer.transport.end();
      const { error } = await conn.closed;
      assert.equal(error instanceof MessageTooBigError, code === 1009);
    }
  }
});

Deno.test("passes the latest number that the client sent to the subscription", async () => {
  const calls: unknown[][] = [];
  const listening = new Set<string>();
  const topics = {
    subscribe(_: unknown, topic: string, after?: number): boolean {
      calls.push([topic, after]);
      listening.add(topic);
      return true;
    },
    unsubscribe: (_: unknown, topic: string) => listening.delete(topic),
    countOf: () => listening.size,
    isSubscribed: (_: unknown, topic: string) => listening.has(topic),
  } as unknown as ConnectionTopics;
  const decisions = new Decisions();
  const rules = clientTopicsRules(decisions.options, connectionRules({}, true))!;
  const requests = new TopicRequests(
    {} as unknown as LayeredDriver<undefined>,
    topics,
    {} as unknown as SessionEvents,
    rules,
  );
  const ask = (topic: string, after?: number): void =>
    requests.onText(`${JSON.stringify({ subscribe: topic, after })}\n`);
  ask("a", 7);
  ask("b", 7);
  ask("b", 9);
  ask("c", 7);
  ask("c");
  for (const topic of ["a", "b", "c"]) await decisions.decide(topic, true);
  ask("a", 12);
  ask("c");
  assert.deepEqual(calls, [["a", 7], ["b", 9], ["c", undefined], ["a", 12], ["c", undefined]]);
});

socketTest(
  "subscriptions above subscribeRate are delayed in order, and count toward max",
  async (t) => {
    const { conn, peer } = await topicSide(t, {
      clientTopics: { allow: () => true, max: 4, subscribeRate: 100 },
    });
    // Uses up the burst, with a new name each time.
    for (let i = 0; i < 100; i++) peer.send(subscribe(`name ${i}`), unsubscribe(`name ${i}`));
    await nextMacrotask();
    assert.equal(peer.payloads.length, 100);
    peer.send(subscribe("a"), subscribe("b"), subscribe("c"), subscribe("d"), subscribe("e"));
    peer.send(unsubscribe("c"), subscribe("a"));
    await nextMacrotask();
    const full = refused("e", "a connection may have at most 4 topics");
    assert.deepEqual(peer.payloads.slice(100).filter((text) => text === full), [full]);
    while (conn.topics.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    await nextMacrotask();
    assert.deepEqual(conn.topics, ["a", "b", "d"]);
  },
);

socketTest("rate-limits a client that toggles subscriptions", async (t) => {
  const asked: string[] = [];
  const { peer, conn } = await topicSide(t, {
    clientTopics: { allow: (_, topic) => asked.push(topic) > 0, max: 10, subscribeRate: 1 },
  });
  for (let i = 0; i < 1000; i++) peer.send(subscribe(`name ${i}`), unsubscribe(`name ${i}`));
  await nextMacrotask();
  assert.ok(asked.length <= 101, `${asked.length} names`);
  assert.deepEqual(conn.topics, []);
});

socketTest("subscribeRate: 0 disables the limit", async (t) => {
  const { peer } = await topicSide(t, {
    clientTopics: { allow: () => true, max: 10, subscribeRate: 0 },
  });
  for (let i = 0; i < 500; i++) peer.send(subscribe(`name ${i}`), unsubscribe(`name ${i}`));
  await nextMacrotask();
  assert.equal(peer.payloads.length, 500);
});
