// Invariants of the topics subprotocol for any input.

import assert from "node:assert/strict";
import fc from "fast-check";
import { InvalidPayloadError, type WebSocketError } from "../../src/errors.ts";
import {
  asNotice,
  asRequest,
  lineEnd,
  MAX_LINE,
  readLine,
  writeLine,
} from "../../src/pubsub/protocol.ts";
import type { SessionEvents } from "../../src/session/session.ts";
import { clientTopicsRules, TopicRequests } from "../../src/pubsub/client_topics.ts";
import type { ConnectionTopics } from "../../src/connection/connection_driver.ts";
import { connectionRules } from "../../src/connection/connection_options.ts";
import type { LayeredDriver } from "../../src/connection/driver_context.ts";
import { BINARY, utf8 } from "../support/vectors.ts";
import { mutated, mutations, payloads, shortBytes, texts } from "./bytes.ts";

const numbers = fc.oneof(
  fc.nat(),
  fc.constantFrom<unknown>(-1, 0.5, 2 ** 53, 1e300, null, "7", true, [7]),
);

const names = fc.oneof(
  { weight: 4, arbitrary: texts },
  fc.constantFrom<unknown>("", "__proto__", "\ud800", "a\udc00", "\0".repeat(1024), 7, null, {}),
  fc.constantFrom("x".repeat(1024), "x".repeat(1025), "\u20ac".repeat(341), "\u20ac".repeat(342)),
);

/** Objects similar to valid lines. */
const lines = fc.oneof(
  { weight: 4, arbitrary: fc.record({ subscribe: names, after: numbers }, { requiredKeys: [] }) },
  fc.record({ unsubscribe: names }),
  fc.record({
    topic: names,
    subscribed: names,
    refused: names,
    reason: names,
    missed: names,
    passed: names,
    number: numbers,
  }, { requiredKeys: [] }),
  fc.jsonValue(),
).map((value) => `${JSON.stringify(value)}\n`);

/** Messages of a client, text or binary. */
const messages = fc.record({
  line: fc.oneof({ weight: 6, arbitrary: lines }, fc.constant("\n"), texts),
  rest: fc.oneof({ weight: 2, arbitrary: fc.constant("") }, texts),
  what: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, mutations),
}).map(({ line, rest, what }) => mutated(utf8(line + rest), what));

const anything = fc.oneof({ weight: 4, arbitrary: messages }, shortBytes, payloads);

/**
 * A line is read or rejected, with the same result as text and as bytes, and ends within the
 * input.
 */
export const readings = fc.property(anything, (bytes) => {
  const end = lineEnd(bytes);
  assert.ok(end >= 0 && end <= Math.min(bytes.length, MAX_LINE));
  const line = readLine(bytes, end);
  if (line) {
    const request = asRequest(line);
    const notice = asNotice(line);
    if (request !== undefined) assert.deepEqual(asRequest(reread(request)), request);
    if (notice !== undefined) assert.deepEqual(asNotice(reread(notice)), notice);
  }
  const text = decoded(bytes);
  // The limit counts UTF-16 units for text. There are at most as many as bytes.
  if (text !== undefined && bytes.length <= MAX_LINE) {
    assert.deepEqual(readLine(text, lineEnd(text)), line);
  }
});

function reread(content: Parameters<typeof writeLine>[0]): Readonly<Record<string, unknown>> {
  const written = writeLine(content);
  assert.equal(written.indexOf("\n"), written.length - 1);
  return readLine(written, lineEnd(written))!;
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const MAX_TOPICS = 5;

/** Any client input is answered or delivered, or ends the connection, within the limits. */
export const requests = fc.property(
  fc.array(anything, { maxLength: 40 }),
  fc.func(fc.constantFrom<unknown>(true, false, "later", "throw", undefined)),
  fc.boolean(),
  (sent, decide, asText) => {
    const listening = new Set<string>();
    let errors: WebSocketError[] = [];
    let outcomes = 0;
    let undecided = 0;
    const topics = {
      subscribe(_: unknown, topic: string): boolean {
        outcomes++;
        listening.add(topic);
        return true;
      },
      unsubscribe: (_: unknown, topic: string) => listening.delete(topic),
      countOf: () => listening.size,
      isSubscribed: (_: unknown, topic: string) => listening.has(topic),
    } as unknown as ConnectionTopics;
    const owner = {
      topicListener: { refused: () => void outcomes++ },
      fail: (error: WebSocketError) => void errors.push(error),
      reportError: () => {},
    } as unknown as LayeredDriver<undefined>;
    const events = {
      onText: () => void outcomes++,
      onBytes(_: number, bytes: Uint8Array, start: number, end: number): void {
        assert.ok(bytes[start - 1] === 0x0a && end <= bytes.length);
        outcomes++;
      },
    } as unknown as SessionEvents;
    const allow = (_: unknown, topic: string): boolean | Promise<boolean> => {
      const decision = decide(topic);
      if (decision === "throw") throw new Error("broken");
      if (decision !== "later") return decision as boolean;
      undecided++;
      return new Promise(() => {});
    };
    const rules = clientTopicsRules({ allow, max: MAX_TOPICS }, connectionRules({}, true))!;
    const client = new TopicRequests(owner, topics, events, rules);
    for (const bytes of sent) {
      const text = asText ? decoded(bytes) : undefined;
      if (text !== undefined) client.onText(text);
      else client.onBytes(BINARY, bytes, 0, bytes.length);
      assert.ok(listening.size + undecided <= MAX_TOPICS);
      for (const topic of listening) {
        assert.ok(topic !== "" && topic.isWellFormed() && utf8(topic).length <= 1024);
      }
      if (errors.length > 0) {
        // A session would stop at the first error. Here the client continues with all lines.
        assert.deepEqual(errors.map((error) => error instanceof InvalidPayloadError), [true]);
        errors = [];
      }
    }
    assert.ok(outcomes <= sent.length);
  },
);
