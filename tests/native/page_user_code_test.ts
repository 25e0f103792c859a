// Errors of user code on a connection of the browser entry: each is reported once, and no message
// is lost.

import assert from "node:assert/strict";
import { connect } from "../../src/browser.ts";
import { serve } from "../../mod.ts";
import { block } from "../support/block.ts";
import { Deferred, Queue } from "../support/live_harness.ts";

Deno.test("reports errors of cork and written to onError once each, and the connection stays open", async () => {
  await using server = await serve({ message: () => {} });
  const errors: unknown[] = [];
  const conn = await connect(server.url, { onError: (error) => void errors.push(error) });
  const causes = [new Error("cork"), new Error("written"), new Error("written rejects")];
  conn.cork(() => Promise.reject(causes[0]) as unknown as void);
  const done = new Deferred<Error | undefined>();
  conn.send("one", {
    written: () => {
      throw causes[1];
    },
  });
  conn.send("two", { written: () => Promise.reject(causes[2]) as unknown as void });
  conn.send("three", { written: done.resolve });
  assert.equal(await done.promise, undefined);
  assert.deepEqual(errors, causes);
  assert.equal(conn.readyState, "open");
  assert.throws(() => conn.cork(5 as unknown as () => void), {
    name: "TypeError",
    message: /takes a function/,
  });
  conn.close();
  const late = new Deferred<Error | undefined>();
  assert.equal(conn.send("late", { written: late.resolve }), false);
  assert.equal((await late.promise as { code?: string }).code, "NOT_OPEN");
  assert.equal((await conn.closed).clean, true);
});

Deno.test("onLimit of the browser entry receives a message that maxQueue drops", async () => {
  await using server = await serve({ message: (conn) => conn.terminate() });
  const limits = new Queue<unknown>();
  await using conn = await connect(server.url, {
    reconnect: { maxQueue: 100, retry: () => 1000 },
    onLimit: ({ limit, max, value, connection }) => limits.push([limit, max, value, connection]),
    reconnecting: (conn) => void conn.send("x".repeat(101)),
  });
  conn.send("cut");
  assert.deepEqual(await limits.next(), ["reconnect.maxQueue", 100, 133, conn]);
});

Deno.test("close of the browser entry rejects invalid arguments and names them", async () => {
  await using server = await serve({ message: () => {} });
  const conn = await connect(server.url);
  const wrong: [code: unknown, reason: unknown, name: string, message: RegExp][] = [
    ["1000", "", "TypeError", /1000 or 3000-4999.*"1000"/],
    [1000.5, "", "TypeError", /1000 or 3000-4999.*1000\.5/],
    [1000, 5, "TypeError", /reason.*got \[1000,5\]/],
    [1001, "", "RangeError", /1000 or 3000-4999.*1001/],
    [1000, "x".repeat(124), "RangeError", /at most 123 bytes/],
  ];
  for (const [code, reason, name, message] of wrong) {
    assert.throws(() => conn.close(code as number, reason as string), { name, message });
  }
  assert.equal(conn.readyState, "open");
  conn.close();
  assert.equal((await conn.closed).clean, true);
});

Deno.test("sends a view of shared memory", async () => {
  const got = new Deferred<unknown>();
  await using server = await serve({ message: (_, data) => got.resolve(data) });
  const conn = await connect(server.url);
  conn.send(new Uint8Array(new SharedArrayBuffer(6), 1, 3).fill(7) as never);
  assert.deepEqual(await got.promise, Uint8Array.of(7, 7, 7));
  conn.close();
  assert.equal((await conn.closed).clean, true);
});

Deno.test("a blocked event loop in the page does not cause a timeout", async () => {
  await using server = await serve({ message: () => {} });
  const connecting = connect(server.url, { handshakeTimeout: 100, closeTimeout: 100 });
  block(300);
  const conn = await connecting;
  conn.close();
  block(300);
  const { code, clean, error } = await conn.closed;
  assert.deepEqual([code, clean], [1000, true], String(error));
});
