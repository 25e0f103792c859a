import assert from "node:assert/strict";
import { redisBackplane, type RedisClient } from "../src/redis.ts";

const method = (): never => assert.fail("not called before it starts");

const CLIENTS: Record<string, unknown> = {
  "of redis": { isReady: false, duplicate: method, sendCommand: method, destroy: method },
  "of ioredis": { status: "wait", duplicate: method, call: method, disconnect: method },
  "of Bun": { connected: false, duplicate: method, send: method, close: method },
};

for (const [what, client] of Object.entries(CLIENTS)) {
  Deno.test(`does not call methods of a client ${what} before start`, () => {
    const backplane = redisBackplane(client as RedisClient, { prefix: "" });
    assert.equal(typeof backplane.publish, "function");
    assert.ok(backplane.history);
  });
}

const WRONG: [what: string, client: unknown][] = [
  ["undefined", undefined],
  ["null", null],
  ["an address", "redis://localhost"],
  ["a function", () => {}],
  ["another object", {}],
  ["an incomplete client", { isReady: true, duplicate: method }],
  ["an object with client properties of the wrong type", {
    isReady: true,
    duplicate: 1,
    sendCommand: 2,
    destroy: 3,
  }],
];

for (const [what, client] of WRONG) {
  Deno.test(`rejects ${what} as a client`, () => {
    assert.throws(() => redisBackplane(client as RedisClient), {
      name: "TypeError",
      message: /redis \(5 or newer\) or ioredis, or a RedisClient of Bun/,
    });
  });
}

Deno.test("rejects a prefix that is not a string or contains braces", () => {
  for (const prefix of [5, null, "{a}", "a}", "{"]) {
    assert.throws(
      () => redisBackplane(CLIENTS["of redis"] as RedisClient, { prefix: prefix as string }),
      { name: "TypeError", message: /^Option "prefix" must be/ },
    );
  }
});

Deno.test("rejects calls before start has resolved", async () => {
  const backplane = redisBackplane(CLIENTS["of redis"] as RedisClient);
  assert.throws(() => backplane.publish("t", new Uint8Array(1)), /unavailable/);
  await assert.rejects(async () => await backplane.subscribe("t"), /unavailable/);
  await assert.rejects(() => backplane.history!.append("t", new Uint8Array(1)), /not configured/);
  backplane.history!.keep({ maxAge: 1, maxMessages: 1 });
  await assert.rejects(() => backplane.history!.append("t", new Uint8Array(1)), /unavailable/);
  await assert.rejects(() => backplane.history!.read("t"), /unavailable/);
  await backplane.close();
});

Deno.test("the redis client does not drop commands after a long delay", async () => {
  const changes = new Promise((resolve) => {
    const client = {
      isReady: false,
      duplicate(...given: unknown[]): unknown {
        resolve(given);
        return { ...client, on: () => {}, connect: () => new Promise(() => {}) };
      },
      sendCommand: () => {},
      destroy: () => {},
    };
    const backplane = redisBackplane(client as never);
    backplane.start({ message: () => {}, up: () => {}, down: () => {} });
    backplane.close();
  });
  assert.deepEqual(await changes, [{ commandOptions: { timeout: 0 } }]);
});
