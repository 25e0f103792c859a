// Handler calls: their arguments and order, and handlers that fail.

import assert from "node:assert/strict";
import { WebSocketError } from "../../src/errors.ts";
import { connectionRules } from "../../src/connection/connection_options.ts";
import { Driver } from "../../src/connection/driver.ts";
import type { Handlers } from "../../src/connection/handlers.ts";
import { CloseCode } from "../../src/wire/close.ts";
import { bothSides, nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { transportPair } from "../support/memory_network.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import { Random } from "../support/random.ts";
import {
  BINARY,
  CLOSE,
  closePayload,
  CONTINUATION,
  frame,
  hex,
  PING,
  PONG,
  TEXT,
  toHex,
  utf8,
} from "../support/vectors.ts";

const HANDSHAKE = {
  url: "ws://a.example/",
  status: 101,
  headers: new Headers(),
  protocol: "",
  extensions: "",
};

/** Handlers that record their calls. */
function recordingHandlers(log: string[]): Handlers<undefined> {
  const show = (data: string | Uint8Array): string => typeof data === "string" ? data : toHex(data);
  return {
    open: () => void log.push("open"),
    message: (_, data, opcode) => void log.push(`message ${opcode} ${show(data)}`),
    ping: (_, payload) => void log.push(`ping ${toHex(payload)}`),
    pong: (_, payload) => void log.push(`pong ${toHex(payload)}`),
    close: (_, info) => void log.push(`close ${info.code} ${info.reason}`),
  };
}

bothSides("handlers are called in the order of received frames, close last", async (t, open) => {
  const log: string[] = [];
  const { conn, peer } = await open(recordingHandlers(log));
  peer.send(
    { opcode: TEXT, payload: "one" },
    { opcode: PING, payload: hex("01") },
    { opcode: TEXT, fin: false, payload: "tw" },
    { opcode: PONG, payload: hex("02") },
    { opcode: CONTINUATION, payload: "o" },
    { opcode: BINARY, payload: hex("03 04") },
    { opcode: BINARY },
    { opcode: TEXT },
    { opcode: CLOSE, payload: closePayload(3000, "enough") },
    { opcode: TEXT, payload: "too late" },
  );
  peer.transport.end();
  await conn.closed;
  assert.deepEqual(log, [
    "open",
    "message 1 one",
    "ping 01",
    "pong 02",
    "message 1 two",
    "message 2 0304",
    "message 2 ",
    "message 1 ",
    "close 3000 enough",
  ]);
  await t.end();
  assert.equal(log.length, 9);
});

bothSides("handlers receive the connection", async (_, open) => {
  const seen: unknown[] = [];
  const see = (conn: unknown): void => void seen.push(conn);
  const { conn, peer } = await open({ open: see, message: see, ping: see, pong: see, close: see });
  peer.send({ opcode: TEXT }, { opcode: PING }, { opcode: PONG }, { opcode: CLOSE });
  peer.transport.end();
  await conn.closed;
  assert.equal(seen.length, 5);
  assert.ok(seen.every((one) => one === conn));
});

bothSides('text: "bytes" delivers text as UTF-8 bytes', async (_, open) => {
  const log: unknown[] = [];
  const { peer } = await open({
    text: "bytes",
    message: (_, data, opcode) => void log.push(opcode, data),
  });
  peer.send({ opcode: TEXT, payload: "\u20ac" });
  await nextMacrotask();
  assert.deepEqual(log, [TEXT, utf8("\u20ac")]);
});

socketTest("calls open before messages pipelined after the request", async (t) => {
  const log: string[] = [];
  const server = await t.serve(recordingHandlers(log));
  const client = t.rawClient(server);
  const behind = [{ opcode: TEXT, payload: "early" }, { opcode: PING, payload: hex("07") }];
  client.send(upgradeRequest(), ...behind);
  await client.answer();
  assert.deepEqual(log, ["open", "message 1 early", "ping 07"]);
});

socketTest("calls open before messages pipelined after the response", async (t) => {
  const log: string[] = [];
  await t.openClient(recordingHandlers(log), frame({ opcode: TEXT, payload: "early" }));
  assert.deepEqual(log, ["open", "message 1 early"]);
});

socketTest("handles a request, messages and the end of the stream in one chunk", async (t) => {
  const log: string[] = [];
  const server = await t.serve(recordingHandlers(log));
  const client = t.rawClient(server);
  client.send(upgradeRequest(), { opcode: TEXT, payload: "early" }, {
    opcode: CLOSE,
    payload: closePayload(1000, "bye"),
  });
  client.transport.end();
  await client.until(() => client.isClosed);
  assert.deepEqual(log, ["open", "message 1 early", "close 1000 bye"]);
});

socketTest("does not overwrite the views of 10,000 retained messages", async (t) => {
  const random = new Random(11);
  const sent: Uint8Array[] = [];
  const kept: Uint8Array[] = [];
  const { near } = await t.pair({ message: (_, data) => void kept.push(data as Uint8Array) });
  for (let i = 0; i < 10_000; i++) {
    sent.push(random.bytes(random.below(i % 100 === 0 ? 5000 : 40)));
    near.send(sent[i]);
    if (i % 500 === 0) await nextMacrotask();
  }
  // The connection's limit per event loop turn.
  while (kept.length < sent.length) await nextMacrotask();
  for (let i = 0; i < sent.length; i++) assert.deepEqual(toHex(kept[i]), toHex(sent[i]));
});

/** Each handler, with peer input that triggers it. */
const FAILING = {
  open: undefined,
  message: { opcode: TEXT, payload: "boom" },
  ping: { opcode: PING },
  pong: { opcode: PONG },
} as const;

const cause = new Error("the user's own");

/** Unusual thrown values, all of which the library must be able to report. */
const THROWN: readonly [what: string, value: unknown][] = [
  ["an Error", cause],
  ["a string", "broken"],
  ["undefined", undefined],
  ["a symbol", Symbol("s")],
  ["an object without a prototype", Object.create(null)],
  ["an object without a string form", {
    toString(): string {
      throw new Error("not shown");
    },
  }],
];

for (const [name, trigger] of Object.entries(FAILING)) {
  for (const [how, fail] of Object.entries({ throws: throwing, rejects: rejecting })) {
    bothSides(`a ${name} handler that ${how} closes its connection with 1011`, async (_, open) => {
      const { conn, peer } = await open({ [name]: fail(cause) });
      if (trigger !== undefined) peer.send(trigger);
      await peer.until(() => peer.ended);
      const close = peer.frames.at(-1)!;
      assert.equal(close.opcode, CLOSE);
      assert.deepEqual(close.payload.slice(0, 2), closePayload(CloseCode.InternalError));
      peer.transport.end();
      const { error, ...info } = await conn.closed;
      assert.equal(info.code, 1011);
      assert.equal(info.clean, false);
      assert.equal(info.initiator, "local");
      assert.ok(error instanceof WebSocketError);
      assert.equal(error.code, "HANDLER_FAILED");
      assert.equal(error.cause, cause);
      assert.match(error.message, new RegExp(`\\b${name} handler`));
    });
  }
}

for (const [how, fail] of Object.entries({ throws: throwing, rejects: rejecting })) {
  bothSides(`a drain handler that ${how} closes its connection with 1011`, async (_, open) => {
    const { conn, peer } = await open({ highWaterMark: 10, drain: fail(cause) });
    conn.send("more than ten bytes");
    await peer.until(() => peer.ended);
    peer.transport.end();
    const { code, error } = await conn.closed;
    assert.deepEqual([code, error!.cause], [1011, cause]);
    assert.match(error!.message, /drain handler/);
  });
}

for (const [how, fail] of Object.entries({ throws: throwing, rejects: rejecting })) {
  for (const [what, value] of THROWN) {
    bothSides(
      `a message handler that ${how} ${what} affects only its connection`,
      async (_, open) => {
        const { conn, peer } = await open({ message: fail(value) });
        peer.send({ opcode: TEXT });
        await peer.until(() => peer.ended);
        peer.transport.end();
        const { code, error } = await conn.closed;
        assert.equal(code, 1011);
        assert.equal((error as WebSocketError).code, "HANDLER_FAILED");
        assert.equal(error!.cause, value);
      },
    );
  }
}

bothSides("does not send a handler's error to the peer", async (_, open) => {
  const { peer } = await open({ message: throwing(new Error("password is 1234")) });
  peer.send({ opcode: TEXT });
  await peer.until(() => peer.ended);
  assert.doesNotMatch(new TextDecoder().decode(peer.frames.at(-1)!.payload), /1234/);
});

bothSides("does not deliver messages after a handler throws", async (_, open) => {
  const received: unknown[] = [];
  const { peer } = await open({
    message: (_, data) => {
      received.push(data);
      throw cause;
    },
  });
  peer.send({ opcode: TEXT, payload: "one" }, { opcode: TEXT, payload: "two" });
  await peer.until(() => peer.ended);
  peer.send({ opcode: TEXT, payload: "three" });
  await nextMacrotask();
  assert.deepEqual(received, ["one"]);
});

socketTest("a failing handler affects neither other connections nor the server", async (t) => {
  const errors: unknown[] = [];
  const options = { onError: (error: unknown) => void errors.push(error) };
  const { server, near: good } = await t.pair({
    ...options,
    message: (conn, data) => {
      if (data === "boom") throw cause;
      conn.send(data);
    },
  });
  const bad = await t.connect(server.url);
  bad.send("boom");
  assert.equal((await bad.closed).code, 1011);
  good.send("still there?");
  assert.equal((await good[Symbol.asyncIterator]().next()).value, "still there?");
  assert.equal((await t.connect(server.url)).readyState, "open");
  assert.deepEqual(errors, [cause]);
});

socketTest("does not report a handler that fails because its connection ended", async (t) => {
  const errors: unknown[] = [];
  const thrown: unknown[] = [];
  const { near } = await t.pair({
    onError: (error: unknown) => void errors.push(error),
    open: async (conn) => {
      try {
        for await (const _ of conn) { /* iteration throws when the connection is lost */ }
      } catch (error) {
        thrown.push(error);
        throw error;
      }
    },
  });
  near.terminate();
  await nextMacrotask();
  assert.equal((thrown[0] as { code?: string }).code, "CONNECTION_LOST");
  assert.deepEqual(errors, []);
});

socketTest(
  "reports a handler that fails for another reason after its connection ended",
  async (t) => {
    const errors: unknown[] = [];
    const other = new Error("another");
    const { near } = await t.pair({
      onError: (error: unknown) => void errors.push(error),
      open: async (conn) => {
        await conn.closed;
        throw other;
      },
    });
    near.terminate();
    await nextMacrotask();
    assert.deepEqual(errors, [other]);
  },
);

socketTest("does not wait for a handler's promise", async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const received: unknown[] = [];
  const { peer } = await t.accept({
    message: (_, data) => {
      received.push(data);
      return promise;
    },
  });
  peer.send({ opcode: TEXT, payload: "one" }, { opcode: TEXT, payload: "two" });
  await nextMacrotask();
  assert.deepEqual(received, ["one", "two"]);
  resolve();
});

socketTest("a handler's thenable that throws counts as a rejected promise", async (t) => {
  const thenable = {
    then(): void {
      throw cause;
    },
  };
  const { conn, peer } = await t.accept({ message: () => thenable });
  peer.send({ opcode: TEXT });
  await peer.until(() => peer.ended);
  peer.transport.end();
  assert.equal((await conn.closed).error?.cause, cause);
});

bothSides("keeps messages received before a reader attaches", async (_, open) => {
  const { conn, peer } = await open();
  peer.send({ opcode: TEXT, payload: "one" }, { opcode: BINARY, payload: hex("02") });
  peer.send({ opcode: CLOSE, payload: closePayload(1000) });
  peer.transport.end();
  await conn.closed;
  const read: unknown[] = [];
  for await (const data of conn) read.push(data);
  assert.deepEqual(read, ["one", hex("02")]);
});

bothSides("keeps messages received before the stream is reset", async (_, open) => {
  const { conn, peer } = await open();
  const sent = Array.from({ length: 1000 }, (_, i) => `message ${i}`);
  peer.send(...sent.map((payload) => ({ opcode: TEXT, payload })));
  await nextMacrotask();
  peer.transport.destroy();
  await conn.closed;
  const read: unknown[] = [];
  await assert.rejects(async () => {
    for await (const data of conn) read.push(data);
  }, { code: "CONNECTION_LOST" });
  assert.equal(read.length, sent.length);
  assert.deepEqual(read, sent);
});

bothSides(
  "rejects a second kind of reader on a connection with a message handler",
  async (_, open) => {
    const { conn } = await open({ message: () => {} });
    assert.throws(() => conn[Symbol.asyncIterator](), {
      name: "TypeError",
      message: /message handler/,
    });
    assert.throws(() => conn.readable, { name: "TypeError", message: /message handler/ });
    assert.equal(conn.readyState, "open");
  },
);

function throwing(value: unknown): () => never {
  return () => {
    throw value;
  };
}

function rejecting(value: unknown): () => Promise<never> {
  return () => Promise.reject(value);
}

for (const [copiesBelow, copied] of [[undefined, false], [8, false], [9, true]] as const) {
  socketTest(
    `a chunk of 8 bytes is ${copied ? "copied from" : "viewed"} below ${copiesBelow}`,
    async () => {
      const received: Uint8Array[] = [];
      const handlers = {
        message: (_: unknown, data: unknown) => void received.push(data as Uint8Array),
      };
      const context = {
        connectionRules: connectionRules({}, false),
        handlers,
        reportError: (error: unknown) => assert.fail(String(error)),
      };
      const [near] = transportPair();
      Object.defineProperty(near, "copiesBelow", { value: copiesBelow });
      const driver = new Driver(context, near, HANDSHAKE, undefined);
      driver.start({ rest: [], ended: false });
      const chunk = Uint8Array.of(0x82, 6, 1, 2, 3, 4, 5, 6);
      assert.equal(
        driver.data(chunk),
        copied,
        "data() returns whether the transport may reuse the memory",
      );
      const [data] = received;
      assert.equal(data.buffer === chunk.buffer, !copied);
      assert.deepEqual(data, Uint8Array.of(1, 2, 3, 4, 5, 6));
      driver.terminate();
      await driver.whenClosed();
    },
  );
}
