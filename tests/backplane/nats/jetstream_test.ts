import assert from "node:assert/strict";
import type { NatsConnection } from "../../../src/backplane/nats/connection.ts";
import { NatsHistory } from "../../../src/backplane/nats/nats_backplane.ts";
import {
  JetStreamError,
  numberOf,
  objectOf,
  request,
  textOf,
} from "../../../src/backplane/nats/jetstream.ts";

/** Creates a connection whose server sends this reply to every request. */
function answering(answer: string | Uint8Array | Error): NatsConnection {
  const never = (): never => assert.fail("not called");
  return {
    publish: never,
    subscribe: never,
    requestMany: never,
    flush: never,
    status: never,
    closed: never,
    isClosed: never,
    request() {
      if (answer instanceof Error) return Promise.reject(answer);
      const data = typeof answer === "string" ? new TextEncoder().encode(answer) : answer;
      return Promise.resolve({ data });
    },
  };
}

const INVALID_REPLIES: [what: string, answer: string | Uint8Array | Error][] = [
  ["an empty reply", ""],
  ["invalid JSON", "-ERR"],
  ["a number", "7"],
  ["null", "null"],
  ["invalid UTF-8", Uint8Array.of(0xff)],
  ["an invalid error", '{"error":5}'],
  ["a server error", '{"error":{"code":500,"err_code":10000,"description":"no"}}'],
  ["a timeout", new Error("timeout")],
];

for (const [what, answer] of INVALID_REPLIES) {
  Deno.test(`rejects the request after ${what} from JetStream`, async () => {
    const connection = answering(answer);
    await assert.rejects(() => request(connection, "$JS.API.INFO", {}), JetStreamError);
    const options = { stream: "s", storage: "file", replicas: 1 } as const;
    const history = new NatsHistory(connection, "p.", options, () => {}, () => {});
    history.keep({ maxAge: 1000, maxMessages: 10 });
    for (let attempt = 0; attempt < 2; attempt++) {
      await assert.rejects(() => history.append("t", new Uint8Array(1)), JetStreamError);
      await assert.rejects(() => history.read("t", 5), JetStreamError);
    }
  });
}

Deno.test("rejects a stream whose replies are invalid", async () => {
  for (const answer of ["{}", '{"created":5}', '{"created":"x","config":7}']) {
    const options = { stream: "s", storage: "file", replicas: 1 } as const;
    const history = new NatsHistory(answering(answer), "p.", options, () => {}, () => {});
    history.keep({ maxAge: 1000, maxMessages: 10 });
    await assert.rejects(() => history.read("t"), JetStreamError, answer);
  }
});

Deno.test("exposes the number of a server error", async () => {
  const answer = '{"error":{"err_code":10059,"description":"stream not found"}}';
  await assert.rejects(() => request(answering(answer), "s", {}), {
    number: 10059,
    message: /stream not found/,
  });
});

Deno.test("validates the fields of replies", () => {
  assert.equal(numberOf(7, "n"), 7);
  assert.equal(textOf("t", "t"), "t");
  assert.deepEqual(objectOf({ a: 1 }, "o"), { a: 1 });
  for (const value of [undefined, null, -1, 1.5, "1", NaN, 2 ** 60]) {
    assert.throws(() => numberOf(value, "n"), JetStreamError);
  }
  for (const value of [undefined, 5, null]) assert.throws(() => textOf(value, "t"), JetStreamError);
  for (const value of [undefined, null, "o"]) {
    assert.throws(() => objectOf(value, "o"), JetStreamError);
  }
});
