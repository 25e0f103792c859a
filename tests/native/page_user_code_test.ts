// User code that fails on connections of the browser entry. Each error is reported once, and no
// message is lost.

import assert from "node:assert/strict";
import { connect } from "../../src/browser.ts";
import { serve } from "../../mod.ts";
import { block } from "../support/block.ts";
import { Deferred, Queue } from "../support/live_harness.ts";

Deno.test("reports each error of cork and written to onError once, and the connection stays open", async () => {
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

Deno.test("onLimit of the browser entry receives messages that maxQueue drops", async () => {
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

Deno.test("the URL may be a function in the browser entry, called for each attempt", async () => {
  const urls = new Queue<string>();
  await using server = await serve({
    upgrade: ({ url }) => urls.push(url),
    message: (conn) => conn.terminate(),
  });
  const losses: unknown[] = [];
  let calls = 0;
  await using conn = await connect(
    () => {
      if (++calls === 2) throw new Error("no ticket");
      return Promise.resolve(`${server.url}?ticket=${calls}`);
    },
    {
      reconnect: { retry: () => 1 },
      message: () => {},
      reconnecting: (_, { error }) => losses.push(error?.message),
    },
  );
  assert.equal(await urls.next(), `${server.url}?ticket=1`);
  assert.equal(conn.url, `${server.url}?ticket=1`);
  conn.send("cut");
  assert.equal(await urls.next(), `${server.url}?ticket=3`);
  assert.match(String(losses[1]), /the function "url" has failed: Error: no ticket$/);
});

Deno.test("onError of the browser entry receives handler errors on a reconnecting connection", async () => {
  await using server = await serve({ open: (conn) => void conn.send("x"), message: () => {} });
  const errors: unknown[] = [];
  const cause = new Error("in the handler");
  const conn = await connect(server.url, {
    reconnect: true,
    message: () => {
      throw cause;
    },
    onError: (error) => void errors.push(error),
  });
  assert.equal((await conn.closed).error?.cause, cause);
  assert.deepEqual(errors, [cause]);
});

Deno.test("heartbeats of the browser entry repeat, even without pongTimeout", async () => {
  for (const pongTimeout of [0, 5]) {
    const pings = new Queue<unknown>();
    await using server = await serve({
      subprotocols: ["quickws.topics.1"],
      message(conn, data) {
        pings.push(data);
        conn.send('{"pong":0}\n');
      },
    });
    await using _ = await connect(server.url, {
      reconnect: { topics: true },
      pingInterval: 10,
      pongTimeout,
    });
    assert.deepEqual(await pings.atLeast(3), Array(3).fill('{"ping":0}\n'));
  }
});

Deno.test("sendStream of the browser entry sends the bytes of any view", async () => {
  const got = new Deferred<unknown>();
  await using server = await serve({ message: (_, data) => got.resolve(data) });
  await using conn = await connect(server.url);
  async function* source(): AsyncGenerator<DataView | Uint16Array> {
    yield new DataView(Uint8Array.of(1, 2, 3).buffer, 1);
    yield Uint16Array.of(0x0404);
    await Promise.resolve();
  }
  assert.equal(await conn.sendStream(source()), true);
  assert.deepEqual(await got.promise, Uint8Array.of(2, 3, 4, 4));
  async function* wrong(): AsyncGenerator<never> {
    yield 5 as never;
    await Promise.resolve();
  }
  await assert.rejects(conn.sendStream(wrong()), TypeError);
});

Deno.test("close of the browser entry rejects invalid arguments, and the error names them", async () => {
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

Deno.test("conn.url of the browser entry omits user and password, as on other runtimes", async () => {
  await using server = await serve({ port: 0 });
  const { host } = new URL(server.url);
  const expected = `ws://${host}/@a/b?at=c@d`;
  for (const reconnect of [false, true]) {
    const conn = await connect(`http://ann:se%2Fcret@${host}/@a/b?at=c@d`, {
      reconnect: reconnect as true,
    });
    assert.equal(conn.url, expected);
    assert.equal(conn.handshake!.url, expected);
    conn.close();
    await conn.closed;
    assert.equal(conn.url, expected);
  }
});

Deno.test("errors and an unopened reconnecting connection do not show user and password", async () => {
  const secret = "ws://ann:secret@127.0.0.1:1/@a";
  const plain = "ws://127.0.0.1:1/@a";
  const stop = new AbortController();
  const shown = new Deferred<string>();
  const connecting = connect(secret, {
    reconnect: true,
    signal: stop.signal,
    reconnecting: (conn) => shown.resolve(conn.url),
  });
  const rejected = assert.rejects(connecting);
  assert.equal(await shown.promise, plain);
  stop.abort();
  await rejected;
  for (const url of [secret, "ftp://ann:secret@127.0.0.1:1/@a"]) {
    await assert.rejects(connect(url), ({ message }: Error) => {
      assert.doesNotMatch(message, /secret/);
      return true;
    });
  }
});
