// Tests reconnection: when it happens, what the new connection resumes, and how it ends.

import assert from "node:assert/strict";
import { ConnectionError, HandshakeError, WebSocketError } from "../../src/errors.ts";
import type { CloseInfo } from "../../src/session/end.ts";
import type { Connection } from "../../src/connection/connection.ts";
import type { ReconnectingConnection } from "../../src/reconnect/connection.ts";
import type { ConnectionLoss, ReconnectOptions } from "../../src/reconnect/options.ts";
import type { ServeOptions } from "../../src/server/serve_options.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import { TOPICS_SUBPROTOCOL } from "../../src/pubsub/protocol.ts";
import { ConsoleWatch } from "../support/console.ts";
import { Deferred, Queue } from "../support/live_harness.ts";
import { nextMacrotask, socketTest } from "../support/socket_harness.ts";

/** Short delays for tests. */
const QUICK: ReconnectOptions = { minDelay: 1, maxDelay: 4, restartDelay: [1, 2] };
/** A delay longer than any test. */
const HOUR = 3_600_000;
const SLOW: ReconnectOptions = { retry: () => HOUR };

/** A server that obeys the commands `close 4000` and `cut`, and echoes other messages. */
const OBEDIENT: ServeOptions = {
  message(conn, data) {
    const [verb, code] = String(data).split(" ");
    if (verb === "close") conn.close(Number(code));
    else if (verb === "cut") conn.terminate();
    else conn.send(data);
  },
};

/** Records a client's handler calls in order. */
function log(): { seen: Queue<string>; handlers: Record<string, unknown> } {
  const seen = new Queue<string>();
  return {
    seen,
    handlers: {
      open: () => seen.push("open"),
      message: (_: unknown, data: unknown) => seen.push(`message ${data}`),
      reconnecting: (_: unknown, { info, error, attempt }: ConnectionLoss) => {
        seen.push(`lost ${info?.code ?? (error as WebSocketError).code} ${attempt}`);
      },
      close: (_: unknown, { code }: CloseInfo) => seen.push(`close ${code}`),
    },
  };
}

socketTest("reconnects after a disconnect", async (t) => {
  const { seen, handlers } = log();
  const server = await t.serve(OBEDIENT);
  const conn = await t.connectReconnecting(server.url, { reconnect: QUICK, ...handlers });
  await seen.next();
  for (const order of ["cut", "close 1001", "close 1011", "close 1012", "close 1014"]) {
    conn.send(order);
    while ((await seen.next()) !== "open");
  }
  conn.send("close 4000");
  assert.equal((await conn.closed).code, 4000);
  assert.deepEqual(seen.all, [
    ...["open", "lost 1006 1", "open", "lost 1001 2", "open", "lost 1011 3", "open"],
    ...["lost 1012 4", "open", "lost 1014 5", "open", "close 4000"],
  ]);
  assert.equal(conn.readyState, "closed");
  assert.equal(conn.send("late"), false);
});

socketTest("a stable connection resets the failure count", async (t) => {
  const { seen, handlers } = log();
  const server = await t.serve(OBEDIENT);
  const reconnect = { ...QUICK, minUptime: 0, maxAttempts: 2 };
  const conn = await t.connectReconnecting(server.url, { reconnect, ...handlers });
  for (let round = 0; round < 4; round++) {
    conn.send("cut");
    await seen.atLeast(2 * round + 3);
  }
  conn.close();
  await conn.closed;
  assert.equal(seen.all.filter((entry) => entry === "lost 1006 1").length, 4);
});

socketTest("gives up with the last error after maxAttempts consecutive failures", async (t) => {
  const { seen, handlers } = log();
  const server = await t.serve({ open: (conn) => conn.close(1011, "no good") });
  const reconnect = { ...QUICK, maxAttempts: 3 };
  const conn = await t.connectReconnecting(server.url, { reconnect, ...handlers });
  const { code, reason, clean } = await conn.closed;
  assert.deepEqual([code, reason, clean], [1011, "no good", true]);
  assert.deepEqual(
    seen.all,
    ["open", "lost 1011 1", "open", "lost 1011 2", "open", "close 1011"],
  );
});

socketTest(
  "applies the same rules to the first connection, and rejects after the last attempt",
  async (t) => {
    const { seen, handlers } = log();
    let asked = 0;
    const server = await t.serve({ upgrade: () => ({ status: ++asked < 3 ? 503 : 403 }) });
    await assert.rejects(
      t.connectReconnecting(server.url, { reconnect: QUICK, ...handlers }),
      (error) => error instanceof HandshakeError && error.status === 403,
    );
    assert.deepEqual(seen.all, ["lost STATUS_UNEXPECTED 1", "lost STATUS_UNEXPECTED 2"]);
    await server.shutdown();
    await assert.rejects(
      t.connectReconnecting(server.url, { reconnect: { ...QUICK, maxAttempts: 3 }, ...handlers }),
      ConnectionError,
    );
    assert.equal(seen.all.length, 4);
  },
);

socketTest("does not retry after an error in user code", async (t) => {
  const failure = new TypeError("no proxy today");
  let asked = 0;
  const proxy = (): never => {
    asked++;
    throw failure;
  };
  await assert.rejects(
    t.connectReconnecting("ws://a.example/", { reconnect: QUICK, proxy }),
    (error) => error === failure || (error as Error).cause === failure,
  );
  assert.equal(asked, 1);
});

socketTest("the reconnecting handler receives the close info and the delay", async (t) => {
  const losses: ConnectionLoss[] = [];
  const server = await t.serve(OBEDIENT);
  const lost = new Deferred<void>();
  const conn: ReconnectingConnection<undefined> = await t.connectReconnecting(server.url, {
    reconnect: { retry: ({ attempt }) => attempt === 1 ? HOUR : undefined },
    message() {},
    reconnecting(reconnecting, loss) {
      assert.equal(reconnecting, conn);
      assert.equal(reconnecting.readyState, "reconnecting");
      losses.push(loss);
      lost.resolve();
    },
  });
  conn.send("close 1001");
  await lost.promise;
  assert.equal(losses[0].info?.code, 1001);
  assert.deepEqual({ ...losses[0], info: 0 }, {
    info: 0,
    error: undefined,
    attempt: 1,
    wait: HOUR,
  });
  assert.equal(conn.protocol, "");
  assert.equal(conn.handshake?.status, 101, "handshake belongs to the last connection");
  assert.equal(conn.ping(), false);
});

socketTest("reconnectNow ends the delay", async (t) => {
  const { seen, handlers } = log();
  const server = await t.serve(OBEDIENT);
  const conn = await t.connectReconnecting(server.url, { reconnect: SLOW, ...handlers });
  conn.send("cut");
  await seen.atLeast(2);
  await nextMacrotask();
  assert.equal(conn.reconnectNow(), true);
  assert.equal(conn.reconnectNow(), false);
  await seen.atLeast(3);
  assert.equal(seen.all.at(-1), "open");
});

socketTest("the hook decides; a failing hook ends reconnection", async (t) => {
  const server = await t.serve(OBEDIENT);
  const asked: number[] = [];
  const willing = await t.connectReconnecting(server.url, {
    reconnect: {
      retry({ info, attempt }) {
        asked.push(info!.code);
        return attempt < 3 ? 1 : false;
      },
    },
    open: (conn) => void conn.send("close 1000"),
    message() {},
  });
  assert.equal((await willing.closed).code, 1000);
  assert.deepEqual(asked, [1000, 1000, 1000]);

  const cause = new Error("the hook");
  const failing = await t.connectReconnecting(server.url, {
    reconnect: {
      retry() {
        throw cause;
      },
    },
    message() {},
  });
  failing.send("cut");
  const { error } = await failing.closed;
  assert.ok(error instanceof WebSocketError && error.code === "HANDLER_FAILED");
  assert.equal(error.cause, cause);
});

socketTest("a handler that throws ends reconnection, unless the hook retries", async (t) => {
  const server = await t.serve(OBEDIENT);
  const cause = new Error("in message");
  const message = (): never => {
    throw cause;
  };
  const closed: unknown[] = [];
  const conn = await t.connectReconnecting(server.url, {
    reconnect: QUICK,
    message,
    close: (_, { error }) => void closed.push(error?.cause),
  });
  conn.send("echo");
  assert.equal((await conn.closed).code, 1011);
  assert.deepEqual(closed, [cause]);

  const { seen, handlers } = log();
  const reconnect = { retry: ({ error }: ConnectionLoss) => error?.cause === cause ? 1 : false };
  const stubborn = await t.connectReconnecting(server.url, { reconnect, ...handlers, message });
  stubborn.send("echo");
  await seen.atLeast(3);
  assert.deepEqual(seen.all, ["open", "lost 1011 1", "open"]);
});

socketTest(
  "only writes errors of the reconnecting and close handlers to the console",
  async (t) => {
    const server = await t.serve(OBEDIENT);
    const watch = new ConsoleWatch();
    const errors = [1, 2, 3].map((n) => new Error(`handler ${n}`));
    try {
      const opened = new Queue<void>();
      let losses = 0;
      const conn = await t.connectReconnecting(server.url, {
        reconnect: QUICK,
        open: () => opened.push(),
        message() {},
        reconnecting() {
          if (losses++ === 0) throw errors[0];
          return Promise.reject(errors[1]);
        },
        close() {
          throw errors[2];
        },
      });
      await opened.next();
      for (let round = 0; round < 2; round++) {
        conn.send("cut");
        await opened.next();
      }
      conn.close();
      await conn.closed;
    } finally {
      watch.end();
    }
    assert.deepEqual(watch.logged, errors.map((error) => [error]));
  },
);

socketTest(
  "calls open first, then sends queued messages in order, up to the queue limit",
  async (t) => {
    const got = new Queue<string>();
    const server = await t.serve({
      message(conn, data) {
        if (data === "cut") conn.terminate();
        else got.push(String(data));
      },
    });
    const lost = new Deferred<void>();
    const conn = await t.connectReconnecting(server.url, {
      reconnect: { ...SLOW, maxQueue: 2 * (32 + 5) },
      open: (conn) => void conn.send("hello"),
      message() {},
      reconnecting: () => lost.resolve(),
    });
    await got.next();
    conn.send("cut");
    await lost.promise;
    assert.deepEqual(
      ["one", "far too long for it", "two", "three", ""].map((text) => conn.send(text)),
      [true, false, true, false, false],
    );
    assert.equal(conn.bufferedAmount, 2 * 32 + 6);
    let drained = false;
    const waiting = conn.drained().then(() => drained = true);
    await nextMacrotask();
    assert.equal(drained, false);
    conn.reconnectNow();
    await got.atLeast(4);
    await waiting;
    assert.deepEqual(got.all, ["hello", "hello", "one", "two"]);
    assert.equal(conn.bufferedAmount, 0);
  },
);

socketTest("never sends a message twice", async (t) => {
  const got: string[] = [];
  const server = await t.serve({
    message(conn, data) {
      got.push(String(data));
      if (data === "b") conn.terminate();
    },
  });
  const opened = new Queue<void>();
  const conn = await t.connectReconnecting(server.url, {
    reconnect: QUICK,
    open: () => opened.push(),
    message() {},
  });
  for (const text of ["a", "b", "c"]) conn.send(text);
  await opened.atLeast(2);
  conn.send("d");
  await nextMacrotask();
  assert.deepEqual(got, ["a", "b", "d"]);
});

socketTest("iteration and its backpressure continue across connections", async (t) => {
  const clients = new Queue<Connection<undefined>>();
  const server = await t.serve({ message() {}, open: (conn) => clients.push(conn) });
  const conn = await t.connectReconnecting(server.url, { reconnect: QUICK });
  const messages = conn[Symbol.asyncIterator]();
  const first = await clients.next();
  const count = 300;
  for (let n = 0; n < count; n++) first.send(String(n));
  // The iterator has not caught up, so later input is not read.
  first.close(1001);
  await nextMacrotask();
  assert.equal(conn.readyState, "open");
  for (let n = 0; n < count; n++) assert.equal((await messages.next()).value, String(n));
  const second = await clients.next();
  for (let n = 0; n < count; n++) second.send(String(n));
  await nextMacrotask();
  second.terminate();
  // Received messages survive the disconnect. Messages of the next connection are queued after
  // them.
  const third = await clients.next();
  third.send("third");
  await nextMacrotask();
  for (let n = 0; n < count; n++) assert.equal((await messages.next()).value, String(n));
  assert.equal((await messages.next()).value, "third");
  const next = messages.next();
  third.terminate();
  (await clients.next()).send("fourth");
  assert.equal((await next).value, "fourth");
  const end = messages.next();
  conn.close();
  assert.deepEqual(await end, { done: true, value: undefined });
});

socketTest("iteration throws the final error, once", async (t) => {
  const server = await t.serve(OBEDIENT);
  const conn = await t.connectReconnecting(server.url, { reconnect: { ...QUICK, maxAttempts: 1 } });
  conn.send("cut");
  await assert.rejects(conn[Symbol.asyncIterator]().next(), ConnectionError);
  assert.equal((await conn[Symbol.asyncIterator]().next()).done, true);
});

socketTest("close ends reconnection in every state", async (t) => {
  const { seen, handlers } = log();
  const server = await t.serve(OBEDIENT);
  // While the connection is open.
  const open = await t.connectReconnecting(server.url, { reconnect: QUICK, ...handlers });
  open.close(4001, "bye");
  open.close(4002);
  assert.equal(open.readyState, "closing");
  assert.equal(open.send("x"), false);
  assert.equal((await open.closed).code, 4001);
  // During the delay.
  const waiting = await t.connectReconnecting(server.url, { reconnect: SLOW, ...handlers });
  waiting.send("cut");
  await seen.atLeast(4);
  waiting.close(1000, "enough");
  assert.deepEqual(await waiting.closed, {
    code: 1000,
    reason: "enough",
    clean: true,
    initiator: "local",
  });
  assert.equal(waiting.bufferedAmount, 0);
  await waiting.drained();
  // Inside the `reconnecting` handler.
  const within = await t.connectReconnecting(server.url, {
    ...handlers,
    reconnect: QUICK,
    reconnecting: (conn) => conn.close(),
  });
  within.send("cut");
  await within.closed;
  assert.deepEqual(seen.all, [
    ...["open", "close 4001", "open", "lost 1006 1", "close 1000", "open", "close 1000"],
  ]);
  assert.equal(timers.size, 0);
});

socketTest("a close that drops queued messages is not clean", async (t) => {
  const { seen, handlers } = log();
  const server = await t.serve(OBEDIENT);
  const conn = await t.connectReconnecting(server.url, { reconnect: SLOW, ...handlers });
  conn.send("cut");
  await seen.atLeast(2);
  conn.send("one");
  conn.send("two");
  conn.close();
  const { code, clean, error } = await conn.closed;
  assert.deepEqual([code, clean], [1000, false]);
  assert.equal((error as WebSocketError).code, "NOT_DELIVERED");
  assert.match(error!.message, /^2 accepted messages/);
});

socketTest(
  "delivers messages received during a pause in order, after resume",
  async (t) => {
    const clients = new Queue<Connection<undefined>>();
    const lost = new Queue<void>();
    const got: unknown[] = [];
    const server = await t.serve({ message() {}, open: (conn) => clients.push(conn) });
    const conn = await t.connectReconnecting(server.url, {
      reconnect: QUICK,
      message: (_, data) => void got.push(data),
      reconnecting: () => lost.push(),
    });
    const first = await clients.next();
    conn.pause();
    conn.pause();
    for (let n = 0; n < 100; n++) first.send(`first ${n}`);
    await nextMacrotask();
    first.terminate();
    await lost.next();
    const second = await clients.next();
    second.send("second");
    await nextMacrotask();
    assert.deepEqual(got, []);
    conn.resume();
    await nextMacrotask();
    assert.deepEqual(got, [...Array.from({ length: 100 }, (_, n) => `first ${n}`), "second"]);
    conn.close();
    await conn.closed;
  },
);

socketTest(
  "a handler that throws after a pause ends reconnection, and its error is reported",
  async (t) => {
    const errors: unknown[] = [];
    const clients = new Queue<Connection<undefined>>();
    const server = await t.serve({ message() {}, open: (conn) => clients.push(conn) });
    for (
      const fail of [() => Promise.reject(new Error("late")), (): never => {
        throw new Error("late");
      }]
    ) {
      const conn = await t.connectReconnecting(server.url, {
        reconnect: QUICK,
        message: fail,
        onError: (error) => void errors.push(error),
      });
      conn.pause();
      const client = await clients.next();
      client.send("x");
      await nextMacrotask();
      client.terminate();
      await clients.next();
      conn.resume();
      const { error } = await conn.closed;
      assert.equal((error as WebSocketError).code, "HANDLER_FAILED");
      assert.equal((error!.cause as Error).message, "late");
    }
    assert.equal(errors.length, 2);
  },
);

socketTest("calls reconnected after open for each connection except the first", async (t) => {
  const seen = new Queue<string>();
  const server = await t.serve(OBEDIENT);
  const conn = await t.connectReconnecting(server.url, {
    reconnect: QUICK,
    message() {},
    open: () => seen.push("open"),
    reconnecting: () => seen.push("reconnecting"),
    reconnected(conn) {
      assert.equal(conn.readyState, "open");
      seen.push("reconnected");
    },
    close: () => seen.push("close"),
  });
  for (let round = 1; round <= 2; round++) {
    conn.send("cut");
    await seen.atLeast(1 + 3 * round);
  }
  conn.close();
  await conn.closed;
  const again = ["reconnecting", "open", "reconnected"];
  assert.deepEqual(seen.all, ["open", ...again, ...again, "close"]);
});

socketTest("terminate ends reconnection in every state", async (t) => {
  const server = await t.serve(OBEDIENT);
  const open = await t.connectReconnecting(server.url, { reconnect: QUICK, message() {} });
  open.terminate();
  const lost = new Deferred<void>();
  const options = { reconnect: SLOW, message() {}, reconnecting: () => lost.resolve() };
  const waiting = await t.connectReconnecting(server.url, options);
  waiting.send("cut");
  await lost.promise;
  waiting.terminate();
  waiting.terminate();
  for (const conn of [open, waiting]) {
    const { code, error } = await conn.closed;
    assert.equal(code, 1006);
    assert.ok(error instanceof WebSocketError && error.code === "TERMINATED");
  }
});

socketTest(
  "if closed before the first connection is open, connect rejects and does not call close",
  async (t) => {
    const { seen, handlers } = log();
    let reconnecting: ReconnectingConnection<undefined> | undefined;
    await assert.rejects(
      t.connectReconnecting("ws://a.example/", {
        reconnect: SLOW,
        ...handlers,
        reconnecting(conn) {
          reconnecting = conn;
          assert.equal(conn.handshake, undefined);
          assert.equal(conn.protocol + conn.extensions, "");
          conn.close();
        },
      }),
      ConnectionError,
    );
    assert.equal(reconnecting!.readyState, "closed");
    assert.equal((await reconnecting!.closed).code, 1000);
    assert.deepEqual(seen.all, []);
  },
);

socketTest(
  "reconnect.signal ends reconnection before connecting, during a delay and when open",
  async (t) => {
    const reason = new Error("enough");
    const aborted = AbortSignal.abort(reason);
    const early = { reconnect: { signal: aborted } };
    await assert.rejects(t.connectReconnecting("ws://a.example/", early), reason);

    const first = new AbortController();
    const lost = (): void => first.abort(reason);
    const wait = { reconnect: { ...SLOW, signal: first.signal }, reconnecting: lost };
    await assert.rejects(t.connectReconnecting("ws://a.example/", wait), reason);

    const dialing = new AbortController();
    const dialed = t.connectReconnecting("ws://a.example/", {
      reconnect: { signal: dialing.signal },
      dial: () => new Promise(() => {}),
    });
    dialing.abort(reason);
    await assert.rejects(dialed, reason);

    const server = await t.serve(OBEDIENT);
    for (const isOpen of [true, false]) {
      const controller = new AbortController();
      const gone = new Deferred<void>();
      const conn = await t.connectReconnecting(server.url, {
        reconnect: { ...SLOW, signal: controller.signal },
        message() {},
        reconnecting: () => gone.resolve(),
      });
      if (!isOpen) {
        conn.send("cut");
        await gone.promise;
      }
      controller.abort(reason);
      assert.equal((await conn.closed).code, 1000);
    }
    assert.equal(timers.size, 0);
  },
);

socketTest("the signal option applies to the first connection only", async (t) => {
  const reason = new Error("too slow");
  const controller = new AbortController();
  const lost = (): void => controller.abort(reason);
  const { signal } = controller;
  await assert.rejects(
    t.connectReconnecting("ws://a.example/", { reconnect: SLOW, signal, reconnecting: lost }),
    reason,
  );
  const server = await t.serve(OBEDIENT);
  const later = new AbortController();
  const conn = await t.connectReconnecting(server.url, { reconnect: QUICK, signal: later.signal });
  later.abort(reason);
  assert.equal(conn.readyState, "open");
  conn.send("echo");
  assert.equal((await conn[Symbol.asyncIterator]().next()).value, "echo");
});

/** A server with the topics subprotocol whose answers the test controls. */
function topicServer(message: ServeOptions["message"]): ServeOptions {
  return { subprotocols: [TOPICS_SUBPROTOCOL], message };
}

socketTest(
  "subscribes to topics on every connection, after open and before queued messages",
  async (t) => {
    const got = new Queue<string>();
    let last = 0;
    const server = await t.serve(topicServer((conn, data) => {
      got.push(String(data));
      if (data === "\ncut") return conn.terminate();
      const { subscribe } = String(data).startsWith("{") ? JSON.parse(String(data)) : {};
      if (subscribe === undefined) return;
      conn.send(`{"subscribed":"${subscribe}","number":${last}}\n`);
      conn.send(`{"topic":"${subscribe}","number":${++last}}\n news`);
    }));
    const news = new Queue<unknown>();
    const conn = await t.connectReconnecting(server.url, {
      reconnect: { ...QUICK, topics: true },
      open: (conn) => void conn.send("login"),
      message() {},
      reconnecting: (conn) => void conn.send("waited"),
    });
    const subscribed = conn.subscribe("a", {
      message: (data, { number }) => news.push([data, number]),
    });
    assert.deepEqual(conn.topics, ["a"]);
    await subscribed;
    await news.atLeast(1);
    conn.send("cut");
    await news.atLeast(2);
    await got.atLeast(6);
    assert.deepEqual(got.all, [
      ...["\nlogin", '{"subscribe":"a"}\n', "\ncut"],
      ...["\nlogin", '{"subscribe":"a","after":1}\n', "\nwaited"],
    ]);
    assert.deepEqual(news.all, [[" news", 1], [" news", 2]]);
    assert.equal(conn.unsubscribe("a"), true);
    await got.atLeast(7);
    assert.equal(got.all.at(-1), '{"unsubscribe":"a"}\n');
  },
);

socketTest("requests a topic subscribed in open once", async (t) => {
  const got = new Queue<string>();
  const server = await t.serve(topicServer((_, data) => got.push(String(data))));
  const conn = await t.connectReconnecting(server.url, {
    reconnect: { topics: true },
    open: (conn) => void conn.subscribe("a", { message() {} }),
    message() {},
  });
  conn.send("end");
  await got.atLeast(2);
  assert.deepEqual(got.all, ['{"subscribe":"a"}\n', "\nend"]);
});

socketTest(
  "topicMessage receives messages of topics that the server subscribed, the iterator all others",
  async (t) => {
    const seen: unknown[] = [];
    const server = await t.serve({
      ...topicServer(() => {}),
      open(conn) {
        conn.send('{"topic":"own"}\nfor you');
        conn.send("\nplain");
      },
    });
    const conn = await t.connectReconnecting(server.url, {
      reconnect: { topics: true },
      topicMessage: (_, topic, data) => void seen.push(topic, data),
    });
    assert.equal((await conn[Symbol.asyncIterator]().next()).value, "plain");
    assert.deepEqual(seen, ["own", "for you"]);
  },
);

for (const text of ["string", "bytes"] as const) {
  socketTest(
    `closes with 1007 on a malformed line and reconnects, with text as ${text}`,
    async (t) => {
      const closes = new Queue<number>();
      const server = await t.serve({
        ...topicServer(() => {}),
        open: (conn) => void conn.send("rubbish"),
        close: (_, { code }) => closes.push(code),
      });
      const losses: (string | undefined)[] = [];
      const conn = await t.connectReconnecting(server.url, {
        reconnect: { ...QUICK, maxAttempts: 3, topics: true },
        text,
        message() {},
        reconnecting: (_, { error }) => void losses.push((error as WebSocketError).code),
      });
      const { code, clean, error } = await conn.closed;
      assert.deepEqual([code, clean], [1007, false]);
      assert.ok(error instanceof WebSocketError && error.code === "TOPIC_LINE_INVALID");
      assert.deepEqual(losses, ["TOPIC_LINE_INVALID", "TOPIC_LINE_INVALID"]);
      await closes.atLeast(3);
      assert.deepEqual(closes.all, [1007, 1007, 1007]);
    },
  );
}

socketTest("rejects immediately if the server does not support the subprotocol", async (t) => {
  const { seen, handlers } = log();
  const server = await t.serve({ message() {} });
  await assert.rejects(
    t.connectReconnecting(server.url, { reconnect: { ...QUICK, topics: true }, ...handlers }),
    (error) => error instanceof WebSocketError && error.code === "TOPICS_UNSUPPORTED",
  );
  assert.deepEqual(seen.all, []);
});

socketTest("the end settles pending subscriptions and late iterators", async (t) => {
  const server = await t.serve(topicServer(() => {}));
  const conn = await t.connectReconnecting(server.url, { reconnect: { topics: true } });
  const waiting = conn.subscribe("a", { message() {} });
  conn.terminate();
  await assert.rejects(waiting, (error) => (error as WebSocketError).code === "NOT_OPEN");
  await assert.rejects(
    conn.subscribe("b", { message() {} }),
    (error) => (error as WebSocketError).code === "NOT_OPEN",
  );
  assert.deepEqual(conn.topics, []);
  await assert.rejects(conn[Symbol.asyncIterator]().next(), WebSocketError);
});

socketTest("calls the ping, pong and drain handlers", async (t) => {
  const seen = new Queue<string>();
  const server = await t.serve({ message: (conn) => void conn.ping("p") });
  const conn = await t.connectReconnecting(server.url, {
    reconnect: true,
    highWaterMark: 10,
    message() {},
    ping: (_, payload) => seen.push(`ping ${payload.length}`),
    pong: (_, payload) => seen.push(`pong ${payload.length}`),
    drain: () => seen.push("drain"),
  });
  t.network.accepted[0].peer.blocked = true;
  assert.equal(conn.send("0123456789"), false);
  t.network.accepted[0].peer.unblock();
  conn.ping("abc");
  await seen.atLeast(3);
  assert.deepEqual(seen.all.toSorted(), ["drain", "ping 1", "pong 3"]);
});
