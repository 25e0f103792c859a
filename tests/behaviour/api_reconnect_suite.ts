// Automatic reconnection over real sockets: conditions, options and limits.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  type CloseInfo,
  type Connection,
  type ConnectionLoss,
  HandshakeError,
  type LimitReport,
  Opcode,
  prepareMessage,
  type ReconnectingConnection,
  type ReconnectOptions,
  serve,
  type ServeOptions,
  TimeoutError,
  type UpgradeRequest,
  WebSocketError,
} from "../../mod.ts";
import { connect, Deferred, type Live, liveCases, Queue } from "../support/live_harness.ts";
import { freePort } from "../support/ports.ts";
import type { Cases } from "./harness.ts";

/** Short delays for tests. */
const QUICK: ReconnectOptions = {
  minDelay: 1,
  maxDelay: 8,
  restartDelay: [1, 2],
  overloadDelay: [1, 2],
};

/** A server that obeys the commands `close 4000` and `cut`, and echoes other messages. */
const commandServer: ServeOptions = {
  message(conn, data) {
    const [verb, code] = String(data).split(" ");
    if (verb === "close") conn.close(Number(code));
    else if (verb === "cut") conn.terminate();
    else conn.send(data);
  },
};

/** Returns the outcome of a client that sends a command on each of its connections. */
async function runCommands(
  t: Live,
  commands: readonly string[],
  reconnect: ReconnectOptions = {},
): Promise<{ lost: number[]; end: CloseInfo }> {
  const server = await t.serve(commandServer);
  const lost: number[] = [];
  let next = 0;
  const conn = await t.connectReconnecting(server.url, {
    reconnect: { ...QUICK, ...reconnect },
    open: (conn) => void conn.send(commands[next++]),
    message() {},
    reconnecting: (_, { info }) => void lost.push(info!.code),
  });
  return { lost, end: await conn.closed };
}

/** Returns the failures of a client whose attempts receive these responses in sequence. */
async function attemptFailures(
  t: Live,
  answers: readonly { status: number; headers?: Record<string, string> }[],
  reconnect: ReconnectOptions = QUICK,
): Promise<{ losses: ConnectionLoss[]; error: unknown }> {
  let next = 0;
  const losses: ConnectionLoss[] = [];
  const server = await t.serve({ upgrade: () => answers[next++] });
  const error = await t.connectReconnecting(server.url, {
    reconnect,
    reconnecting: (_, loss) => void losses.push(loss),
  }).then(() => undefined, (error: unknown) => error);
  return { losses, error };
}

const lossCases = liveCases({
  "reconnects after a disconnect or a temporary close code": async (t) => {
    const commands = ["cut", "close 1001", "close 1011", "close 1012", "close 1013", "close 3001"];
    const { lost, end } = await runCommands(t, [...commands, "close 1000"]);
    assert.deepEqual(lost, [1006, 1001, 1011, 1012, 1013, 3001]);
    assert.equal(end.code, 1000);
  },

  "does not reconnect after a final close code": async (t) => {
    for (const code of [1000, 1008, 3000, 4000]) {
      const { lost, end } = await runCommands(t, [`close ${code}`]);
      assert.deepEqual([lost, end.code], [[], code]);
    }
  },

  "1012 has its own delay, and 1013 can be final": async (t) => {
    const waits: number[] = [];
    const retry = ({ wait }: ConnectionLoss): number => {
      waits.push(wait);
      return 1;
    };
    await runCommands(t, ["close 1012", "close 1013", "close 1001", "close 1000"], {
      restartDelay: [700, 710],
      overloadDelay: [800, 810],
      retry: (loss) => loss.info?.code === 1000 ? undefined : retry(loss),
    });
    assert.ok(waits[0] >= 700 && waits[0] <= 710, String(waits));
    assert.ok(waits[1] >= 800 && waits[1] <= 810, String(waits));
    assert.ok(waits[2] <= 8, String(waits));
    const { lost, end } = await runCommands(t, ["close 1013"], { overloadDelay: false });
    assert.deepEqual([lost, end.code], [[], 1013]);
  },

  "retries 503 and 429 after Retry-After, in seconds or as a date": async (t) => {
    const date = new Date(Date.now() + 60_000).toUTCString();
    const answers = [
      { status: 503, headers: { "retry-after": "0" } },
      { status: 503, headers: { "retry-after": "7" } },
      { status: 429, headers: { "retry-after": date } },
      { status: 401 },
    ];
    const retry = ({ attempt }: ConnectionLoss): number | undefined => attempt < 4 ? 1 : undefined;
    const seen: number[] = [];
    const { losses, error } = await attemptFailures(t, answers, {
      ...QUICK,
      retry(loss) {
        seen.push(loss.wait);
        return retry(loss);
      },
    });
    assert.ok(error instanceof HandshakeError && error.status === 401);
    assert.deepEqual(losses.map(({ wait }) => wait), [1, 1, 1]);
    assert.ok(seen[0] <= 1, String(seen));
    assert.ok(seen[1] >= 7000 && seen[1] <= 7008, String(seen));
    assert.ok(seen[2] > 7008 && seen[2] <= 60_008, String(seen));
  },

  "waits for Retry-After": async (t) => {
    const began = performance.now();
    const answers = [{ status: 503, headers: { "retry-after": "1" } }, { status: 403 }];
    const { losses } = await attemptFailures(t, answers);
    assert.equal(losses.length, 1);
    assert.ok(performance.now() - began >= 999);
  },

  "does not retry after 401": async (t) => {
    const { losses, error } = await attemptFailures(t, [{ status: 401 }]);
    assert.ok(error instanceof HandshakeError && error.status === 401);
    assert.deepEqual(losses, []);
  },

  "reconnects to a server that restarts on the same port": async (t) => {
    const first = await t.serve({ ...commandServer, port: await freePort() });
    const seen = new Queue<string>();
    const conn = await t.connectReconnecting(first.url, {
      reconnect: QUICK,
      open: () => seen.push("open"),
      message: (_, data) => seen.push(String(data)),
      reconnecting: (_, { info, error }) => {
        seen.push(String(info?.code ?? (error as WebSocketError).code));
      },
    });
    await seen.next();
    await first.shutdown();
    assert.equal(await seen.next(), "1001");
    // Some attempts find no listener.
    assert.match(await seen.next(), /^(CONNECT_FAILED|CONNECTION_LOST)$/);
    assert.equal(conn.readyState, "reconnecting");
    const { port } = first;
    await t.serve({ ...commandServer, port });
    while ((await seen.next()) !== "open");
    conn.send("again");
    assert.equal(await seen.next(), "again");
  },

  "rejects after maxAttempts when there is no server": async (t) => {
    const server = await serve();
    await server.shutdown();
    let lost = 0;
    await assert.rejects(
      connect(server.url, {
        reconnect: { ...QUICK, maxAttempts: 3 },
        reconnecting: () => void lost++,
      }),
      (error) => error instanceof WebSocketError && error.code === "CONNECT_FAILED",
    );
    assert.equal(lost, 2);
    await assert.rejects(
      t.connectReconnecting("ws://127.0.0.1:1/", {
        reconnect: { signal: AbortSignal.abort("no") },
      }),
      (reason) => reason === "no",
    );
  },

  "detects a silent server": async (t) => {
    const server = await t.rawServer();
    const lost = new Deferred<ConnectionLoss>();
    const connecting = t.connectReconnecting(server.url, {
      reconnect: QUICK,
      pingInterval: 20,
      pongTimeout: 20,
      message() {},
      reconnecting: (_, loss) => lost.resolve(loss),
    });
    await (await server.accept()).acceptUpgrade([]);
    const conn = await connecting;
    const { error } = await lost.promise;
    assert.ok(error instanceof TimeoutError && error.code === "PONG_TIMEOUT");
    await (await server.accept()).acceptUpgrade([]);
    conn.terminate();
    await conn.closed;
  },

  "the signal ends the delay and the open connection": async (t) => {
    const server = await t.serve(commandServer);
    for (const isOpen of [true, false]) {
      const ended = new AbortController();
      const lost = new Deferred<void>();
      const conn = await t.connectReconnecting(server.url, {
        reconnect: { retry: () => 3_600_000, signal: ended.signal },
        message() {},
        reconnecting: () => lost.resolve(),
      });
      if (!isOpen) {
        conn.send("cut");
        await lost.promise;
      }
      ended.abort();
      assert.equal((await conn.closed).code, 1000);
    }
  },

  "shutdown with drainPeriod closes the connections one by one": async (t) => {
    const first = await t.serve({ ...commandServer, port: await freePort() });
    const { port } = first;
    const homes = new Queue<string>();
    const codes = new Set<number>();
    const conns = await Promise.all([1, 2, 3, 4].map(() =>
      t.connectReconnecting(first.url, {
        reconnect: { ...QUICK, restartDelay: [0, 1] },
        message: (_, data) => homes.push(String(data)),
        reconnecting: (_, { info }) => void (info && codes.add(info.code)),
      })
    ));
    await first.shutdown({ drainPeriod: 100, code: 1012 });
    await t.serve({ ...commandServer, port, open: (conn) => void conn.send("new home") });
    await homes.atLeast(4);
    assert.deepEqual([...codes], [1012]);
    assert.deepEqual(new Set(conns.map(({ readyState }) => readyState)), new Set(["open"]));
  },
});

const streamCases = liveCases({
  "iteration continues across connections": async (t) => {
    let count = 0;
    const server = await t.serve({
      ...commandServer,
      open: (conn) => void conn.send(`welcome ${++count}`),
    });
    const conn = await t.connectReconnecting(server.url, { reconnect: QUICK });
    const seen: unknown[] = [];
    for await (const data of conn) {
      seen.push(data);
      if (seen.length < 3) conn.send("cut");
      else conn.close();
    }
    assert.deepEqual(seen, ["welcome 1", "welcome 2", "welcome 3"]);
  },

  "a slow reader gets all messages received before the disconnect": async (t) => {
    const count = 641;
    const server = await t.serve({
      async open(conn) {
        for (let n = 0; n < count; n++) conn.send(String(n));
        await conn.drained();
        // The connection ends in a separate turn.
        setTimeout(() => conn.terminate());
      },
    });
    // Expect as many messages as a plain connection delivers.
    const plain = await t.connect(server.url);
    await plain.closed;
    let expected = 0;
    await assert.rejects(async () => {
      for await (const _ of plain) expected++;
    }, { code: "CONNECTION_LOST" });
    const lost = new Queue<void>();
    const conn = await t.connectReconnecting(server.url, {
      reconnect: { ...QUICK, retry: () => 3_600_000 },
      reconnecting: () => lost.push(),
    });
    // The reader starts after the disconnect.
    await lost.next();
    const seen: unknown[] = [];
    for await (const data of conn) if (seen.push(data) === expected) break;
    assert.ok(expected > 256, `${expected} messages`);
    assert.deepEqual(seen, Array.from({ length: expected }, (_, n) => String(n)));
  },

  "has all send methods of a connection; streams continue across connections": async (t) => {
    const server = await t.serve(commandServer);
    const lost = new Queue<void>();
    const conn = await t.connectReconnecting(server.url, {
      reconnect: QUICK,
      reconnecting: () => lost.push(),
    });
    const reader = conn.readable.getReader();
    const read = async (): Promise<unknown> => (await reader.read()).value;
    const writer = conn.writable.getWriter();
    for (let round = 0; round < 2; round++) {
      await writer.write("written");
      assert.equal(await read(), "written");
      conn.cork(() => {
        conn.sendPrepared(prepareMessage("prepared"));
        conn.sendUtf8(new TextEncoder().encode("utf8"));
        conn.sendDelayed("delayed");
      });
      for (const text of ["prepared", "utf8", "delayed"]) assert.equal(await read(), text);
      assert.equal(await conn.sendStream(new Blob(["in ", "chunks"]).stream()), true);
      assert.equal(new TextDecoder().decode(await read() as Uint8Array), "in chunks");
      assert.equal(conn.sendFragment(Opcode.Text, "in "), true);
      assert.equal(conn.sendFragment(Opcode.Continuation, "fragments", { fin: true }), true);
      assert.equal(await read(), "in fragments");
      if (round > 0) break;
      conn.send("cut");
      await lost.next();
      // Both streams are queued for the next connection.
      const stream = conn.sendStream(new Blob(["later"]).stream());
      await writer.write("written");
      assert.equal(await stream, true);
      assert.equal(new TextDecoder().decode(await read() as Uint8Array), "later");
      assert.equal(await read(), "written");
    }
    await writer.close();
    assert.deepEqual(await reader.read(), { done: true, value: undefined });
    assert.equal((await conn.closed).code, 1000);
  },

  "URL and headers may be functions, called for each attempt; their error fails the attempt":
    async (t) => {
      const requests = new Queue<UpgradeRequest>();
      const server = await t.serve({
        ...commandServer,
        upgrade: (request) => void requests.push(request),
      });
      let urls = 0;
      let tokens = 0;
      const failures: unknown[] = [];
      const conn = await t.connectReconnecting(
        () => {
          if (++urls === 2) throw new Error("no URL");
          return Promise.resolve(`${server.url}${urls}`);
        },
        {
          reconnect: QUICK,
          headers: () => {
            if (++tokens === 2) return Promise.reject(new Error("no token"));
            return { Authorization: `Bearer ${tokens}` };
          },
          message() {},
          reconnecting: (_, { error }) => void failures.push(error?.message),
        },
      );
      const first = await requests.next();
      assert.equal(conn.url, `${server.url}1`);
      conn.send("cut");
      const second = await requests.next();
      const seen = [first, second].map(({ url, headers }) =>
        `${new URL(url).pathname} ${headers.get("authorization")}`
      );
      assert.deepEqual(seen, ["/1 Bearer 1", "/4 Bearer 3"]);
      assert.match(String(failures[1]), /the function "url" has failed: no URL$/);
      assert.match(String(failures[2]), /the function "headers" has failed: no token$/);
    },

  "sends headers from a single-use iterable with each attempt": async (t) => {
    const requests = new Queue<UpgradeRequest>();
    const server = await t.serve({
      ...commandServer,
      upgrade: (request) => void requests.push(request),
    });
    const conn = await t.connectReconnecting(server.url, {
      reconnect: QUICK,
      headers: new Map([["x-test", "yes"]]).entries(),
      message() {},
    });
    await requests.next();
    conn.send("cut");
    assert.equal((await requests.next()).headers.get("x-test"), "yes");
  },

  "retry may be asynchronous, and a close does not wait for it": async (t) => {
    const server = await t.serve(commandServer);
    const asked = new Queue<(answer: boolean) => void>();
    const opened = new Queue<void>();
    const conn = await t.connectReconnecting(server.url, {
      reconnect: { ...QUICK, retry: () => new Promise((resolve) => asked.push(resolve)) },
      message() {},
      open: () => opened.push(),
    });
    conn.send("cut");
    const answer = await asked.next();
    assert.equal(conn.readyState, "reconnecting");
    answer(true);
    await opened.atLeast(2);
    conn.send("cut");
    await asked.next();
    conn.close();
    assert.equal((await conn.closed).code, 1000);
  },

  "copies queued output from any kind of memory": async (t) => {
    const server = await t.serve(commandServer);
    const got = new Queue<unknown>();
    const conn = await t.connectReconnecting(server.url, {
      reconnect: QUICK,
      message: (_, data) => got.push(data),
      reconnecting(conn) {
        const memory = Buffer.from("first");
        conn.send(memory);
        conn.send(new DataView(memory.buffer, memory.byteOffset, 2) as unknown as ArrayBuffer);
        conn.send(memory.subarray(1, 3));
        memory.write("XXXXX");
      },
    });
    conn.send("cut");
    const texts = (await got.atLeast(3)).map((data) =>
      new TextDecoder().decode(data as Uint8Array)
    );
    assert.deepEqual(texts, ["first", "fi", "ir"]);
  },

  "queues output while disconnected, up to the limit": async (t) => {
    const server = await t.serve(commandServer);
    const got = new Queue<unknown>();
    const sent: boolean[] = [];
    const conn = await t.connectReconnecting(server.url, {
      reconnect: { ...QUICK, maxQueue: 2 * 32 + 6 },
      message: (_, data) => got.push(data),
      reconnecting(conn) {
        for (const text of ["one", "too long", "two", "3"]) sent.push(conn.send(text));
      },
    });
    conn.send("cut");
    await got.atLeast(2);
    conn.send("end");
    await got.atLeast(3);
    assert.deepEqual(got.all, ["one", "two", "end"]);
    assert.deepEqual(sent, [true, false, true, false]);
  },

  "onLimit receives the limits of each connection, and maxQueue, with the reconnecting one": async (
    t,
  ) => {
    const server = await t.serve(commandServer);
    const reports = new Queue<LimitReport<ReconnectingConnection>>();
    const maxQueue = 2 * 32 + 6;
    const conn = await t.connectReconnecting(server.url, {
      reconnect: { ...QUICK, maxQueue },
      unreadTimeout: 50,
      rateLimit: { messages: 2, onExceed: "report" },
      onLimit: reports.push,
      reconnecting(conn) {
        for (const text of ["one", "too long", "two", "3"]) conn.send(text);
      },
    });
    for (let round = 0; round < 2; round++) {
      conn.send("cut");
      const { max, value, remoteAddress } = (await reports.atLeast(round + 1))[round];
      assert.deepEqual([max, value, remoteAddress], [maxQueue, 32 + 3 + 32 + 8, ""]);
      while (conn.readyState !== "open") await new Promise((resolve) => setTimeout(resolve, 1));
    }
    for (let i = 0; i < 3; i++) conn.send("echo");
    const all = await reports.atLeast(4);
    const shown = all.map(({ limit, max, enforced }) => `${limit} ${max} ${enforced}`);
    assert.deepEqual(
      shown.toSorted(),
      [
        ...Array(2).fill(`reconnect.maxQueue ${maxQueue} true`),
        "rateLimit 2 false",
        "unreadTimeout 50 true",
      ].toSorted(),
    );
    for (const { connection } of all) assert.equal(connection, conn);
    assert.equal(all.at(-1)!.remoteAddress, "127.0.0.1");
  },

  "pings and compression work as on any connection": async (t) => {
    const server = await t.serve({ ...commandServer, compression: true });
    const conn = await t.connectReconnecting(server.url, { reconnect: QUICK, compression: true });
    const text = "the same again and again, ".repeat(100);
    for (let round = 0; round < 2; round++) {
      assert.match(conn.extensions, /permessage-deflate/);
      conn.send(text);
      assert.equal((await conn[Symbol.asyncIterator]().next()).value, text);
      conn.send("cut");
      conn.send("dropped with the connection");
      while (conn.readyState === "open") await new Promise((resolve) => setTimeout(resolve, 1));
      await conn.drained();
    }
  },
});

/** A minimal server of the topics subprotocol, with one topic and a history. */
class TopicServer {
  readonly options: ServeOptions = {
    subprotocols: ["quickws.topics.1"],
    message: (conn, data) => this.#receive(conn, String(data)),
    close: (conn) => void this.#listening.delete(conn),
  };
  readonly requests: Queue<string> = new Queue();
  readonly #listening = new Set<Connection<undefined>>();
  /** The published messages. A message number is the position in this list, from 1. */
  readonly #history: string[] = [];
  /** Messages before this one are dropped from the history. */
  forgotten = 0;

  publish(text: string): void {
    const number = this.#history.push(text);
    for (const conn of this.#listening) conn.send(`{"topic":"news","number":${number}}\n${text}`);
  }

  /** Disconnects all subscribers. */
  cut(): void {
    for (const conn of this.#listening) conn.terminate();
  }

  #receive(conn: Connection<undefined>, text: string): void {
    if (text.startsWith("\n")) {
      conn.send(`\necho:${text.slice(1)}`);
      return;
    }
    this.requests.push(text);
    const { subscribe, unsubscribe, after } = JSON.parse(text);
    if (unsubscribe !== undefined) this.#listening.delete(conn);
    else if (subscribe === "news") this.#subscribe(conn, after);
    else conn.send(`{"refused":"${subscribe}","reason":"not this one"}\n`);
  }

  #subscribe(conn: Connection<undefined>, after = this.#history.length): void {
    conn.send(`{"subscribed":"news","number":${after}}\n`);
    if (after < this.forgotten) conn.send('{"missed":"news"}\n');
    for (let at = Math.max(after, this.forgotten); at < this.#history.length; at++) {
      conn.send(`{"topic":"news","number":${at + 1}}\n${this.#history[at]}`);
    }
    this.#listening.add(conn);
  }
}

const topicCases = liveCases({
  "topics continue across connections without duplicates or losses, in order": async (t) => {
    for (const text of ["string", "bytes"] as const) {
      const desk = new TopicServer();
      const server = await t.serve(desk.options);
      const lost = new Queue<void>();
      const plain = new Queue<string>();
      const conn = await t.connectReconnecting(server.url, {
        text,
        reconnect: { ...QUICK, topics: true },
        message: (_, data) => plain.push(textOf(data)),
        reconnecting: () => lost.push(),
      });
      assert.equal(conn.protocol, "quickws.topics.1");
      const news = new Queue<string>();
      desk.publish("before");
      await conn.subscribe("news", {
        message: (data, { number }) => news.push(`${number} ${textOf(data)}`),
        missed: () => news.push("missed"),
      });
      desk.publish("two");
      await news.atLeast(1);
      desk.cut();
      desk.publish("three");
      await lost.next();
      desk.publish("four");
      await news.atLeast(3);
      desk.forgotten = 5;
      desk.cut();
      desk.publish("five");
      desk.publish("six");
      await news.atLeast(5);
      assert.deepEqual(news.all, ["2 two", "3 three", "4 four", "missed", "6 six"]);
      conn.send("hello");
      assert.equal(await plain.next(), "echo:hello");
      assert.equal(conn.unsubscribe("news"), true);
      await desk.requests.atLeast(4);
      assert.deepEqual(desk.requests.all, [
        '{"subscribe":"news"}\n',
        '{"subscribe":"news","after":2}\n',
        '{"subscribe":"news","after":4}\n',
        '{"unsubscribe":"news"}\n',
      ]);
    }
  },

  "subscribes to topics of a server of the library": async (t) => {
    const server = await t.serve({
      ...commandServer,
      clientTopics: { allow: (_, topic) => topic !== "secrets" },
      open: (conn) => void conn.subscribe("own"),
    });
    const seen = new Queue<string>();
    const conn = await t.connectReconnecting(server.url, {
      reconnect: { ...QUICK, topics: true },
      open: () => seen.push("open"),
      message: (_, data) => seen.push(`plain ${data}`),
      topicMessage: (_, topic, data) => seen.push(`${topic} ${data}`),
    });
    await conn.subscribe("news", {
      message: (data) => seen.push(`news ${data}`),
      missed: () => seen.push("news missed"),
    });
    await assert.rejects(conn.subscribe("secrets", { message() {} }), WebSocketError);
    server.publish("news", "one");
    server.publish("own", "for you");
    conn.send("hello");
    await seen.atLeast(4);
    conn.send("cut");
    await seen.atLeast(6);
    server.publish("news", "two");
    await seen.atLeast(7);
    assert.equal(conn.unsubscribe("news"), true);
    conn.send("hello again");
    await seen.atLeast(8);
    assert.equal(server.subscribers("news"), 0);
    assert.deepEqual(seen.all, [
      ...["open", "news one", "own for you", "plain hello"],
      ...["open", "news missed", "news two", "plain hello again"],
    ]);
  },

  "a rejected topic rejects its promise, and the connection stays open": async (t) => {
    const server = await t.serve(new TopicServer().options);
    const conn = await t.connectReconnecting(server.url, { reconnect: { ...QUICK, topics: true } });
    const refusals: string[] = [];
    await assert.rejects(
      conn.subscribe("secrets", { message() {}, refused: (reason) => void refusals.push(reason) }),
      (error) => error instanceof WebSocketError && error.code === "TOPIC_REFUSED",
    );
    assert.deepEqual([refusals, conn.topics, conn.readyState], [["not this one"], [], "open"]);
    // A caller that ignores the promise causes no unhandled rejection.
    conn.subscribe("others", { message() {} });
    conn.send("x");
    assert.equal((await conn[Symbol.asyncIterator]().next()).value, "echo:x");
  },

  "rejects a server without the subprotocol": async (t) => {
    const server = await t.serve(commandServer);
    await assert.rejects(
      t.connectReconnecting(server.url, { reconnect: { ...QUICK, topics: true } }),
      (error) => error instanceof WebSocketError && error.code === "TOPICS_UNSUPPORTED",
    );
  },

  "closes with 1007 on malformed lines, and reconnects with growing delays": async (t) => {
    const codes = new Queue<number>();
    const server = await t.serve({
      subprotocols: ["quickws.topics.1"],
      open: (conn) => void conn.send("rubbish"),
      message() {},
      close: (_, { code }) => codes.push(code),
    });
    const attempts: number[] = [];
    const conn = await t.connectReconnecting(server.url, {
      reconnect: { ...QUICK, topics: true, maxAttempts: 3 },
      message() {},
      reconnecting: (_, { attempt }) => void attempts.push(attempt),
    });
    const { code, error } = await conn.closed;
    assert.equal(code, 1007);
    assert.ok(error instanceof WebSocketError && error.code === "TOPIC_LINE_INVALID");
    assert.deepEqual(attempts, [1, 2]);
    assert.deepEqual(await codes.atLeast(3), [1007, 1007, 1007]);
  },
});

function textOf(data: string | Uint8Array): string {
  return typeof data === "string" ? data : new TextDecoder().decode(data);
}

export const cases: Cases = { ...lossCases, ...streamCases, ...topicCases };
