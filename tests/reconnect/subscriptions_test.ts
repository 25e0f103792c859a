// Tests the client side of the topics subprotocol.

import assert from "node:assert/strict";
import { WebSocketError } from "../../src/errors.ts";
import type { TopicRequest } from "../../src/pubsub/protocol.ts";
import {
  Subscriptions,
  type SubscriptionsOwner,
  type TopicHandlers,
} from "../../src/reconnect/subscriptions.ts";
import { Opcode } from "../../src/wire/opcode.ts";

const encoder = new TextEncoder();

/** Subscriptions without a connection. It records the calls. */
class Harness implements SubscriptionsOwner {
  call(handler: () => unknown): unknown {
    return handler();
  }

  readonly requests: TopicRequest[] = [];
  readonly log: unknown[] = [];
  readonly topics: Subscriptions = new Subscriptions(this);

  request(request: TopicRequest): void {
    this.requests.push(request);
  }

  deliver(data: unknown, opcode: unknown): unknown {
    this.log.push(["plain", data, opcode]);
    return "plain";
  }

  deliverOther(topic: string, data: unknown, about: unknown): unknown {
    this.log.push(["other", topic, data, about]);
    return "other";
  }

  malformed(): void {
    this.log.push("malformed");
  }

  /** Creates handlers that record their calls. */
  handlers(name: string): TopicHandlers {
    return {
      message: (data, { number }) => void this.log.push([name, data, number]),
      missed: () => void this.log.push([name, "missed"]),
      refused: (reason) => void this.log.push([name, "refused", reason]),
    };
  }

  /** Simulates a text message from the server. */
  receive(line: unknown, rest = ""): unknown {
    return this.topics.receive(`${JSON.stringify(line)}\n${rest}`, Opcode.Text);
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof WebSocketError ? error.code : error;
}

Deno.test("requests topics that were subscribed while disconnected when a connection opens", async () => {
  const harness = new Harness();
  const first = harness.topics.subscribe("a", harness.handlers("a"));
  harness.topics.subscribe("b", harness.handlers("b"));
  assert.deepEqual(harness.requests, []);
  harness.topics.connected();
  const third = harness.topics.subscribe("c", harness.handlers("c"));
  assert.deepEqual(harness.requests, [{ subscribe: "a" }, { subscribe: "b" }, { subscribe: "c" }]);
  assert.deepEqual(harness.topics.names, ["a", "b", "c"]);
  harness.receive({ subscribed: "a" });
  harness.receive({ subscribed: "c", number: 4 });
  await first;
  await third;
  assert.deepEqual(harness.log, []);
});

Deno.test("delivers each number once and in order, and the next connection resumes after the last one", () => {
  const harness = new Harness();
  harness.topics.subscribe("a", harness.handlers("a"));
  harness.topics.connected();
  harness.receive({ subscribed: "a", number: 6 });
  for (const number of [5, 6, 8, 8, 7, 11]) harness.receive({ topic: "a", number }, `m${number}`);
  harness.receive({ passed: "a", number: 12 });
  harness.receive({ passed: "a", number: 3 });
  harness.receive({ topic: "a", number: 12 }, "its own");
  harness.topics.disconnected();
  harness.topics.connected();
  assert.deepEqual(harness.requests, [{ subscribe: "a" }, { subscribe: "a", after: 12 }]);
  harness.receive({ subscribed: "a", number: 12 });
  harness.receive({ topic: "a", number: 13 }, "m13");
  assert.deepEqual(harness.log, [["a", "m8", 8], ["a", "m11", 11], ["a", "m13", 13]]);
});

Deno.test("number 0 is valid", () => {
  const harness = new Harness();
  harness.topics.subscribe("a", harness.handlers("a"));
  harness.topics.connected();
  harness.receive({ subscribed: "a", number: 0 });
  harness.topics.disconnected();
  harness.topics.connected();
  assert.deepEqual(harness.requests.at(-1), { subscribe: "a", after: 0 });
});

Deno.test("calls missed, and accepts lower numbers after a restart", () => {
  const harness = new Harness();
  harness.topics.subscribe("a", harness.handlers("a"));
  harness.topics.connected();
  harness.receive({ subscribed: "a", number: 100 });
  harness.topics.disconnected();
  harness.topics.connected();
  harness.receive({ subscribed: "a", number: 2 });
  harness.receive({ missed: "a" });
  harness.receive({ topic: "a", number: 3 }, "new");
  assert.deepEqual(harness.log, [["a", "missed"], ["a", "new", 3]]);
});

Deno.test("without numbers, delivers every message and calls missed for the gap between connections", () => {
  const harness = new Harness();
  harness.topics.subscribe("a", harness.handlers("a"));
  harness.topics.subscribe("never confirmed", harness.handlers("b"));
  harness.topics.connected();
  harness.receive({ subscribed: "a" });
  harness.receive({ subscribed: "a" });
  harness.receive({ topic: "a" }, "one");
  harness.receive({ topic: "a" }, "one");
  // The second connection closes before any confirmation.
  for (let connection = 0; connection < 2; connection++) {
    harness.topics.disconnected();
    harness.topics.connected();
  }
  harness.receive({ subscribed: "a" });
  harness.receive({ subscribed: "a" });
  harness.receive({ subscribed: "never confirmed" });
  assert.deepEqual(harness.log, [["a", "one", undefined], ["a", "one", undefined], [
    "a",
    "missed",
  ]]);
});

Deno.test("detects a server that has lost its history by a missing number", () => {
  const harness = new Harness();
  harness.topics.subscribe("a", harness.handlers("a"));
  harness.topics.connected();
  harness.receive({ subscribed: "a", number: 7 });
  harness.topics.disconnected();
  harness.topics.connected();
  harness.receive({ subscribed: "a" });
  harness.receive({ topic: "a" }, "new");
  assert.deepEqual(harness.log, [["a", "missed"], ["a", "new", undefined]]);
});

Deno.test("a refusal rejects the promise and calls the handler, and the topic is not requested again", async () => {
  const harness = new Harness();
  const refused = harness.topics.subscribe("a", harness.handlers("a"));
  harness.topics.connected();
  harness.receive({ refused: "a", reason: "not you" });
  await assert.rejects(refused, (error: Error) => {
    assert.equal(codeOf(error), "TOPIC_REFUSED");
    assert.match(error.message, /"a": not you$/);
    return true;
  });
  assert.deepEqual(harness.log, [["a", "refused", "not you"]]);
  assert.deepEqual(harness.topics.names, []);
  // A later refusal has the same effect.
  const confirmed = harness.topics.subscribe("b", harness.handlers("b"));
  harness.receive({ subscribed: "b" });
  await confirmed;
  harness.receive({ refused: "b", reason: "" });
  assert.deepEqual(harness.topics.names, []);
});

Deno.test("unsubscribe settles the promise, notifies the server, and allows a new subscription", async () => {
  const harness = new Harness();
  const unconfirmed = harness.topics.subscribe("a", harness.handlers("a"));
  harness.topics.connected();
  assert.equal(harness.topics.unsubscribe("a"), true);
  assert.equal(harness.topics.unsubscribe("a"), false);
  await assert.rejects(unconfirmed, (error) => codeOf(error) === "NOT_OPEN");
  harness.topics.subscribe("a", harness.handlers("a"));
  assert.deepEqual(harness.requests, [{ subscribe: "a" }, { unsubscribe: "a" }, {
    subscribe: "a",
  }]);
  harness.topics.disconnected();
  assert.equal(harness.topics.unsubscribe("a"), true);
  harness.topics.connected();
  assert.equal(harness.requests.length, 3);
});

Deno.test("the close settles every promise, including later ones", async () => {
  const harness = new Harness();
  const waiting = harness.topics.subscribe("a", harness.handlers("a"));
  harness.topics.connected();
  harness.topics.end();
  const late = harness.topics.subscribe("b", harness.handlers("b"));
  for (const promise of [waiting, late]) {
    await assert.rejects(promise, (error) => codeOf(error) === "NOT_OPEN");
  }
  assert.deepEqual(harness.topics.names, []);
});

Deno.test("a rejected subscription that is not awaited causes no unhandled rejection", async () => {
  const harness = new Harness();
  harness.topics.subscribe("a", { message() {} });
  harness.topics.connected();
  harness.receive({ refused: "a", reason: "" });
  await new Promise((resolve) => setTimeout(resolve, 0));
});

Deno.test("removes the header line from other messages of any type", () => {
  const harness = new Harness();
  const bytes = Uint8Array.of(0x0a, 1, 2);
  assert.equal(harness.topics.receive("\nhello\nyou", Opcode.Text), "plain");
  assert.equal(harness.topics.receive("\n", Opcode.Text), "plain");
  assert.equal(harness.topics.receive(bytes, Opcode.Binary), "plain");
  assert.equal(harness.topics.receive(encoder.encode("\nhi"), Opcode.Text), "plain");
  assert.deepEqual(harness.log, [
    ["plain", "hello\nyou", Opcode.Text],
    ["plain", "", Opcode.Text],
    ["plain", Uint8Array.of(1, 2), Opcode.Binary],
    ["plain", encoder.encode("hi"), Opcode.Text],
  ]);
});

Deno.test("delivers topic messages as strings, binary, and text as bytes", () => {
  const harness = new Harness();
  const seen: unknown[] = [];
  harness.topics.subscribe("a", { message: (data, about) => void seen.push(data, about) });
  harness.topics.connected();
  const line = encoder.encode('{"topic":"a","number":1}\n\x00\x01');
  harness.topics.receive(line, Opcode.Binary);
  harness.topics.receive(encoder.encode('{"topic":"a"}\n'), Opcode.Text);
  assert.deepEqual(seen, [
    Uint8Array.of(0, 1),
    { number: 1, opcode: Opcode.Binary },
    new Uint8Array(0),
    { number: undefined, opcode: Opcode.Text },
  ]);
});

Deno.test("returns messages of topics that the server subscribed, and ignores its notices", () => {
  const harness = new Harness();
  harness.receive({ subscribed: "x" });
  harness.receive({ missed: "x" });
  harness.receive({ passed: "x", number: 1 });
  harness.receive({ refused: "x", reason: "" });
  assert.equal(harness.receive({ topic: "x", number: 2 }, "data"), "other");
  assert.deepEqual(harness.log, [["other", "x", "data", { number: 2, opcode: Opcode.Text }]]);
});

for (
  const bad of [
    "",
    "no line",
    "{}\n",
    "[]\n",
    "null\n",
    "7\n",
    "{\n",
    '{"topic":7}\n',
    '{"topic":"a","number":-1}\n',
    '{"topic":"a","number":1.5}\n',
    '{"topic":"a","number":"1"}\n',
    '{"passed":"a"}\n',
    '{"subscribe":"a"}\n',
    '{"subscribed":"a"}\nmore',
    '{"refused":"a"}\nmore',
    `{"topic":"${"a".repeat(9000)}"}\n`,
  ]
) {
  Deno.test(`${JSON.stringify(bad.slice(0, 40))} is malformed, as text and as bytes`, () => {
    const harness = new Harness();
    harness.topics.subscribe("a", harness.handlers("a"));
    harness.topics.connected();
    harness.topics.receive(bad, Opcode.Text);
    harness.topics.receive(encoder.encode(bad), Opcode.Binary);
    assert.deepEqual(harness.log, ["malformed", "malformed"]);
  });
}

Deno.test("a line that is not UTF-8 is malformed", () => {
  const harness = new Harness();
  const line = encoder.encode('{"topic":"a"}\n');
  line[10] = 0xff;
  harness.topics.receive(line, Opcode.Binary);
  assert.deepEqual(harness.log, ["malformed"]);
});

Deno.test("invalid handlers and a repeated topic throw synchronously without effect", () => {
  const harness = new Harness();
  harness.topics.subscribe("a", { message() {} });
  for (
    const handlers of [
      undefined,
      null,
      () => {},
      {},
      { message: 1 },
      { message() {}, missed: 1 },
      { message() {}, refused: "no" },
      { message() {}, open() {} },
    ]
  ) {
    assert.throws(() => void harness.topics.subscribe("b", handlers as never), TypeError);
  }
  assert.throws(
    () => void harness.topics.subscribe("a", { message() {} }),
    /already subscribed to "a"/,
  );
  assert.deepEqual(harness.topics.names, ["a"]);
});
