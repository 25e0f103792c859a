// Flow control: peers that do not read, paused readers, and bounded memory.

import assert from "node:assert/strict";
import process from "node:process";
import { type CloseInfo, type Connection, type Message, WebSocketError } from "../../mod.ts";
import {
  type CommonOptions,
  type Live,
  liveCases,
  type LiveSide,
  onBothSides,
  Queue,
  settled,
} from "../support/live_harness.ts";
import type { RawSocket } from "../support/raw_socket.ts";
import { BINARY, CLOSE, closePayload, PING, PONG, TEXT } from "../support/vectors.ts";
import type { Cases } from "./harness.ts";

const MIB = 1 << 20;

/** More bytes than the kernel buffers for two loopback sockets. */
const BLOCKING_SIZE = 32 * MIB;

/** The header size of a client's frame of at least 64 KiB. */
const HEADER = 14;

/** The allowed memory growth under load, including uncollected garbage. */
const FLAT = 96 * MIB;

/** Returns whether this is the client side, which masks frames. */
function isClient(conn: Connection<undefined>): boolean {
  return conn.handshake.headers.has("sec-websocket-accept");
}

/** Sends a large message to a peer that does not read, and waits until output is blocked. */
async function blockOutput({ conn, peer }: LiveSide): Promise<void> {
  peer.discards = true;
  peer.pause();
  assert.equal(conn.send(new Uint8Array(BLOCKING_SIZE)), false);
  assert.ok(await settled(() => conn.bufferedAmount) > 0, "the kernel buffers everything");
}

/** Sends up to `count` messages of 1 MiB as fast as the connection accepts them. */
async function sendMany(peer: RawSocket, count: number): Promise<void> {
  const message = peer.encode({ opcode: BINARY, payload: new Uint8Array(MIB) });
  for (let i = 0; i < count && !peer.isClosed; i++) {
    if (peer.send(message)) continue;
    await peer.until(() => peer.socket.writableLength === 0 || peer.isClosed);
  }
}

/** Yields numbered chunks, to detect losses and duplicates. */
async function* numberedChunks(
  count: number,
  size: number,
  pulled: number[],
): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) {
    await Promise.resolve();
    pulled.push(size);
    yield new Uint8Array(size).fill(i);
  }
}

const outCases = liveCases({
  "send returns false above highWaterMark; drain and drained() report when to continue": (t) =>
    onBothSides(t, async (open) => {
      const drains = new Queue<number>();
      const side = await open({
        highWaterMark: 64 * 1024,
        drain: (conn) => drains.push(conn.bufferedAmount),
      });
      const { conn, peer } = side;
      const start = peer.received;
      assert.equal(conn.send(new Uint8Array(1024)), true);
      await blockOutput(side);
      assert.ok(conn.bufferedAmount > 64 * 1024);
      assert.ok(conn.bufferedAmount < BLOCKING_SIZE, "some output was sent");
      assert.equal(conn.send("accepted nevertheless"), false);
      let drained = false;
      const draining = conn.drained().then(() => drained = true);
      assert.equal(drained, false);
      assert.deepEqual(drains.all, []);

      peer.resume();
      await draining;
      assert.ok(await drains.next() <= 64 * 1024);
      assert.equal(conn.send("continues"), true);
      const messages = [1024 + 4, BLOCKING_SIZE + 10, 21 + 2, 9 + 2];
      const keys = isClient(conn) ? 4 * messages.length : 0;
      const size = messages.reduce((sum, message) => sum + message, keys);
      await peer.until(() => peer.received - start >= size);
      assert.equal(peer.received - start, size);
      assert.equal(await settled(() => conn.bufferedAmount), 0);
      assert.equal(drains.all.length, 1, "once");
    }),

  "highWaterMark defaults to 1 MiB and maxBufferedAmount to 64 MiB": async (t) => {
    let stuck = false;
    let kept = 0;
    const { conn } = await t.reachOver((transport) => {
      const write = transport.write.bind(transport);
      transport.write = (bytes, length) => {
        if (!stuck) return write(bytes, length);
        kept += length;
        return false;
      };
      return Object.defineProperty(transport, "bufferedAmount", { get: () => kept });
    });
    stuck = true;
    assert.equal(conn.send(new Uint8Array(MIB - HEADER)), true);
    assert.equal(conn.bufferedAmount, MIB);
    assert.equal(conn.ping(), false);
    conn.send(new Uint8Array(63 * MIB - HEADER - 6));
    assert.equal(conn.bufferedAmount, 64 * MIB);
    assert.equal(conn.readyState, "open");
    conn.ping();
    assert.equal(((await conn.closed).error as WebSocketError).code, "SLOW_CONSUMER");
  },

  "maxBufferedAmount disconnects only the slow peer, with SLOW_CONSUMER": async (
    t,
  ) => {
    const ends = new Queue<CloseInfo>();
    const options: CommonOptions = {
      highWaterMark: 64 * 1024,
      maxBufferedAmount: 40 * MIB,
      close: (_, info) => ends.push(info),
    };
    const { server, conn, peer } = await t.accept(options);
    const others = await Promise.all([t.connect(server.url), t.connect(server.url)]);
    await blockOutput({ conn, peer });
    assert.equal(server.broadcast("to everyone"), 3);
    const readers = others.map((other) => other[Symbol.asyncIterator]());
    for (const reader of readers) assert.equal((await reader.next()).value, "to everyone");
    assert.equal(conn.readyState, "open", "a slow peer below the limit stays connected");

    assert.equal(conn.send(new Uint8Array(40 * MIB)), false);
    const { code, clean, initiator, error } = await ends.next();
    assert.deepEqual([code, clean, initiator], [1006, false, "local"]);
    assert.ok(error instanceof WebSocketError);
    assert.equal(error.code, "SLOW_CONSUMER");
    assert.equal(conn.readyState, "closed");
    assert.equal(conn.bufferedAmount, 0);
    assert.equal(server.broadcast("to the others"), 2);
    for (const reader of readers) {
      assert.equal((await reader.next()).value, "to the others");
    }
  },

  "sendStream reads its source no faster than the peer reads": (t) =>
    onBothSides(t, async (open) => {
      const side = await open({ highWaterMark: 64 * 1024 });
      const { conn, peer } = side;
      peer.discards = true;
      peer.pause();
      const pulled: number[] = [];
      const start = peer.received;
      const sending = conn.sendStream(numberedChunks(64, MIB, pulled));
      assert.ok(
        await settled(() => pulled.length) < BLOCKING_SIZE / MIB,
        `${pulled.length} MiB were pulled`,
      );
      peer.resume();
      assert.equal(await sending, true);
      await peer.until(() => peer.received - start > 64 * MIB);
      assert.equal(pulled.length, 64);
    }),

  "sendStream cancels its source when the connection ends": (t) =>
    onBothSides(t, async (open) => {
      const { conn, peer } = await open({ highWaterMark: 64 * 1024 });
      peer.pause();
      let returned = false;
      async function* source(): AsyncGenerator<Uint8Array, void> {
        try {
          for (;;) {
            await Promise.resolve();
            yield new Uint8Array(MIB);
          }
        } finally {
          returned = true;
        }
      }
      const sending = conn.sendStream(source());
      await settled(() => conn.bufferedAmount);
      conn.terminate();
      assert.equal(await sending, false);
      assert.equal(returned, true);
    }),

  "writable applies backpressure, including to a pipe": async (t) => {
    const { conn, peer } = await t.accept({ highWaterMark: 64 * 1024 });
    peer.discards = true;
    peer.pause();
    const pulled: number[] = [];
    const source = numberedChunks(64, MIB, pulled);
    const piping = new ReadableStream<string | Uint8Array>({
      async pull(controller) {
        const { done, value } = await source.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    }).pipeTo(conn.writable, { preventClose: true });
    assert.ok(
      await settled(() => pulled.length) < BLOCKING_SIZE / MIB,
      `${pulled.length} MiB were pulled`,
    );
    peer.resume();
    await piping;
    await peer.until(() => peer.received > 64 * MIB);
  },

  "a close waits for unread output": async (t) => {
    const side = await t.accept();
    const { conn, peer } = side;
    const start = peer.received;
    await blockOutput(side);
    conn.close(4000);
    assert.equal(conn.readyState, "closing");
    let tail: number[] = [];
    peer.socket.on("data", (chunk) => tail = [...tail, ...chunk.subarray(-4)].slice(-4));
    peer.resume();
    await peer.until(() => peer.received - start >= BLOCKING_SIZE + 10 + 4);
    assert.deepEqual(tail, [0x80 | CLOSE, 2, ...closePayload(4000)]);
    peer.send({ opcode: CLOSE, payload: closePayload(4000) });
    peer.end();
    assert.equal((await conn.closed).clean, true);
  },
});

/** Idle readers. Each returns a function that reads the next message. */
const readers: Record<string, (conn: Connection<undefined>) => () => Promise<Message>> = {
  "an iterator without a pending next()": (conn) => {
    const messages = conn[Symbol.asyncIterator]();
    return async () => (await messages.next()).value!;
  },
  "a readable without a reader": (conn) => {
    const reader = conn.readable.getReader();
    return async () => (await reader.read()).value!;
  },
};

const inCases = liveCases({
  ...Object.fromEntries(
    Object.entries(readers).map(([name, readerOf]) => [
      `${name} applies backpressure, and memory stays flat`,
      (t: Live) =>
        onBothSides(t, async (open) => {
          const { conn, peer } = await open({});
          const read = readerOf(conn);
          const before = process.memoryUsage().rss;
          const start = peer.flushed;
          const sending = sendMany(peer, 256);
          assert.equal((await read()).length, MIB);
          const sent = await settled(() => peer.flushed) - start;
          assert.ok(sent < 2 * BLOCKING_SIZE, `${sent} bytes were sent`);
          const grown = process.memoryUsage().rss - before;
          assert.ok(grown < FLAT, `memory has grown by ${grown} bytes`);
          for (let i = 0; i < 50; i++) assert.equal((await read()).length, MIB);
          assert.ok(
            peer.flushed - start > 50 * MIB,
            "the peer resumes sending when the reader reads",
          );
          conn.terminate();
          await sending;
        }),
    ]),
  ),

  "pause applies backpressure and stops delivery until resume": (t) =>
    onBothSides(t, async (open) => {
      let delivered = 0;
      const { conn, peer } = await open({ message: (_, data) => void (delivered += data.length) });
      conn.pause();
      const before = process.memoryUsage().rss;
      const start = peer.flushed;
      const sending = sendMany(peer, 256);
      const sent = await settled(() => peer.flushed) - start;
      assert.ok(sent < 2 * BLOCKING_SIZE, `${sent} bytes were sent`);
      assert.equal(delivered, 0);
      const grown = process.memoryUsage().rss - before;
      assert.ok(grown < FLAT, `memory has grown by ${grown} bytes`);
      conn.resume();
      await peer.until(() => peer.flushed - start > 100 * MIB);
      assert.ok(delivered > 0);
      conn.terminate();
      await sending;
    }),

  "a close completes while reading is paused": (t) =>
    onBothSides(t, async (open) => {
      const { conn, peer } = await open({ message: () => assert.fail("delivered") });
      conn.pause();
      peer.send({ opcode: TEXT, payload: "unread" });
      conn.close();
      assert.equal((await peer.frame())!.opcode, CLOSE);
      peer.send({ opcode: CLOSE, payload: closePayload(1000) });
      peer.end();
      assert.equal((await conn.closed).clean, true);
    }),

  "pause inside a handler also defers messages already received": (t) =>
    onBothSides(t, async (open) => {
      const messages = new Queue<Message>();
      const { conn, peer } = await open({
        message(self, data) {
          messages.push(data);
          self.pause();
        },
      });
      peer.send(...["one", "two", "three"].map((payload) => ({ opcode: TEXT, payload })));
      for (const [i, text] of ["one", "two", "three"].entries()) {
        assert.equal(await messages.next(), text);
        assert.equal(await settled(() => messages.all.length), i + 1);
        conn.resume();
      }
    }),

  "memory stays flat after 100,000 pings from a peer that does not read": (
    t,
  ) =>
    onBothSides(t, async (open) => {
      const count = 100_000;
      let pings = 0;
      const { conn, peer } = await open({ ping: () => void pings++ });
      peer.pause();
      const before = process.memoryUsage().rss;
      let most = 0;
      const payloads = Array.from({ length: 1000 }, (_, i) => `${i}`.padStart(125, "-"));
      const batch = payloads.map((payload) => peer.encode({ opcode: PING, payload }));
      for (let i = 0; i < count; i += batch.length) {
        if (!peer.send(...batch)) await peer.until(() => peer.socket.writableLength === 0);
        most = Math.max(most, conn.bufferedAmount);
      }
      peer.send({ opcode: PING, payload: "the last" });
      await settled(() => pings);
      assert.equal(pings, count + 1, "all pings were read");
      assert.ok(Math.max(most, conn.bufferedAmount) < MIB, `${most} bytes were buffered`);
      assert.equal(conn.readyState, "open");
      const grown = process.memoryUsage().rss - before;
      assert.ok(grown < FLAT, `memory has grown by ${grown} bytes`);

      peer.discards = false;
      peer.resume();
      let answered = await peer.frame();
      while (answered !== undefined && new TextDecoder().decode(answered.payload) !== "the last") {
        assert.equal(answered.opcode, PONG);
        answered = await peer.frame();
      }
      assert.equal(answered?.opcode, PONG);
    }),
});

export const cases: Cases = { ...outCases, ...inCases };
