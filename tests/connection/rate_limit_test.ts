import assert from "node:assert/strict";
import type { WebSocketError } from "../../src/errors.ts";
import { RateLimiter, rateLimitRules } from "../../src/connection/rate_limit.ts";
import type { LimitReport } from "../../src/connection/handlers.ts";
import { nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { BINARY, PING, TEXT } from "../support/vectors.ts";

Deno.test("a bucket drains per message and refills over time up to its burst", () => {
  const rate = new RateLimiter(rateLimitRules({ messages: 10, burst: 2 })!, 0);
  for (let i = 0; i < 20; i++) rate.takeMessage();
  assert.equal(rate.wait(0), 0, "the burst is within the limit");
  rate.takeMessage();
  assert.equal(rate.wait(0), 100);
  assert.equal(rate.isExceeded, true);
  assert.equal(rate.wait(100), 0);
  assert.equal(rate.wait(1_000_000), 0);
  for (let i = 0; i < 21; i++) rate.takeMessage();
  assert.equal(rate.wait(1_000_000), 100, "unused capacity accumulates only up to the burst");
});

Deno.test("bytes have a separate bucket", () => {
  const rate = new RateLimiter(rateLimitRules({ bytes: 1000, interval: 100 })!, 0);
  rate.takeBytes(1500);
  rate.takeMessage();
  assert.equal(rate.wait(0), 50);
});

Deno.test("rejects invalid options and shows the allowed ones", () => {
  for (
    const options of [{}, { messages: 0 }, { bytes: 1.5 }, { messages: 1, onExceed: "wait" }, {
      message: 1,
    }]
  ) {
    assert.throws(
      () => rateLimitRules(options as Parameters<typeof rateLimitRules>[0]),
      /rateLimit/,
    );
  }
});

socketTest('"pause" applies backpressure without loss and calls onLimit once', async (t) => {
  const got: unknown[] = [];
  const limits: LimitReport[] = [];
  const all = Promise.withResolvers<void>();
  const { conn, peer } = await t.accept({
    rateLimit: { messages: 10, interval: 200 },
    onLimit: (report) => limits.push(report),
    message: (_, data) => {
      got.push(data);
      if (got.length === 35) all.resolve();
    },
  });
  peer.send(...Array.from({ length: 35 }, (_, i) => ({ opcode: TEXT, payload: String(i) })));
  await nextMacrotask();
  assert.ok(
    got.length >= 11 && got.length < 35,
    `${got.length} messages were delivered immediately`,
  );
  await all.promise;
  assert.deepEqual(got, Array.from({ length: 35 }, (_, i) => String(i)));
  assert.equal(conn.readyState, "open");
  assert.equal(limits[0].limit, "rateLimit");
});

socketTest('"close" closes with 1008, even for pings and bytes', async (t) => {
  for (
    const [rateLimit, frames] of [
      [{ messages: 3 }, Array(4).fill({ opcode: PING })],
      [{ bytes: 1000 }, [{ opcode: BINARY, payload: new Uint8Array(2000) }]],
    ] as const
  ) {
    const options = { rateLimit: { ...rateLimit, onExceed: "close" as const }, message: () => {} };
    const { conn, peer } = await t.accept(options);
    peer.send(...frames);
    await nextMacrotask();
    peer.transport.end();
    const { code, error } = await conn.closed;
    assert.deepEqual([code, (error as WebSocketError).code], [1008, "RATE_LIMITED"]);
  }
});

socketTest(
  '"report" only calls onLimit, once until the rate is below the limit again',
  async (t) => {
    const limits: LimitReport[] = [];
    let count = 0;
    const { peer } = await t.accept({
      rateLimit: { messages: 3, onExceed: "report" },
      onLimit: (report) => limits.push(report),
      message: () => void count++,
    });
    peer.send(...Array(10).fill({ opcode: TEXT }));
    await nextMacrotask();
    assert.deepEqual([count, limits.length], [10, 1]);
  },
);
