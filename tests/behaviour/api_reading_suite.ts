// Properties of a connection, and reading without a message handler.

import assert from "node:assert/strict";
import { ConnectionError, type Message, WebSocketError } from "../../mod.ts";
import {
  Deferred,
  liveCases,
  type LiveSide,
  onBothSides,
  withEachSide,
} from "../support/live_harness.ts";
import {
  BINARY,
  CLOSE,
  closePayload,
  CONTINUATION,
  type FrameParts,
  TEXT,
  utf8,
} from "../support/vectors.ts";
import type { Cases } from "./harness.ts";

export const cases: Cases = liveCases({
  "both sides have url, protocol, extensions, remoteAddress, handshake and data": async (
    t,
  ) => {
    const opened = new Deferred<LiveSide["conn"]>();
    const { near } = await t.pair(
      { subprotocols: ["chat"], open: (conn) => opened.resolve(conn) },
      { subprotocols: ["chat"], headers: { "X-Test": "yes" } },
    );
    const far = await opened.promise;
    for (const conn of [near, far]) {
      assert.equal(conn.url, near.url);
      assert.equal(conn.protocol, "chat");
      assert.equal(conn.extensions, "");
      assert.equal(conn.remoteAddress, "127.0.0.1");
      assert.equal(conn.readyState, "open");
      assert.equal(conn.data, undefined);
      assert.equal(conn.bufferedAmount, 0);
      assert.equal(conn.handshake.status, 101);
    }
    assert.equal(far.handshake.headers.get("x-test"), "yes");
  },

  "queues messages for the iterator, which ends with the connection": (
    t,
  ) =>
    withEachSide(t, {}, async ({ conn, peer }) => {
      peer.send(
        { opcode: TEXT, payload: "one" },
        { opcode: BINARY, payload: "two" },
        { opcode: TEXT, fin: false, payload: "thr" },
        { opcode: CONTINUATION, payload: "ee" },
        { opcode: CLOSE, payload: closePayload(1000) },
      );
      peer.end();
      await conn.closed;
      const received: Message[] = [];
      for await (const data of conn) received.push(data);
      assert.deepEqual(received, ["one", utf8("two"), "three"]);
    }),

  "the iterator throws after an unclean close": (t) =>
    withEachSide(t, {}, async ({ conn, peer }) => {
      peer.send({ opcode: TEXT, payload: "one" });
      const messages = conn[Symbol.asyncIterator]();
      assert.deepEqual(await messages.next(), { value: "one", done: false });
      const waiting = messages.next();
      peer.destroy();
      await assert.rejects(waiting, ConnectionError);
    }),

  "breaking out of a loop loses no message: the next loop continues": (t) =>
    withEachSide(t, {}, async ({ conn, peer }) => {
      peer.send(...["one", "two", "three"].map((payload) => ({ opcode: TEXT, payload })));
      for (const expected of ["one", "two", "three"]) {
        for await (const data of conn) {
          assert.equal(data, expected);
          break;
        }
      }
      assert.equal(conn.readyState, "open");
    }),

  "rejects iteration on a connection with a message handler with a TypeError": async (t) => {
    for (const open of [() => t.accept({ message() {} }), () => t.openClient({ message() {} })]) {
      const { conn } = await open();
      assert.throws(() => conn[Symbol.asyncIterator](), TypeError);
      assert.throws(() => conn.readable, TypeError);
    }
  },

  "readable streams the messages; canceling it closes with 1000": (t) =>
    withEachSide(t, {}, async ({ conn, peer }) => {
      peer.send({ opcode: TEXT, payload: "one" }, { opcode: BINARY, payload: "two" });
      assert.equal(conn.readable, conn.readable);
      const reader = conn.readable.getReader();
      assert.deepEqual(await reader.read(), { value: "one", done: false });
      assert.deepEqual(await reader.read(), { value: utf8("two"), done: false });
      const canceled = reader.cancel();
      assert.deepEqual((await peer.frame())!.payload, closePayload(1000));
      await canceled;
    }),

  "readable ends with a clean close, and fails with any other": async (t) => {
    for (const clean of [true, false]) {
      await withEachSide(t, {}, async ({ conn, peer }) => {
        const reader = conn.readable.getReader();
        if (clean) peer.send({ opcode: CLOSE, payload: closePayload(1000) });
        peer.end();
        if (clean) assert.equal((await reader.read()).done, true);
        else await assert.rejects(reader.read(), ConnectionError);
      });
    }
  },

  "writable sends each chunk as a message; closing it closes with 1000": (t) =>
    withEachSide(t, {}, async ({ conn, peer }) => {
      assert.equal(conn.writable, conn.writable);
      const writer = conn.writable.getWriter();
      await writer.write("one");
      await writer.write(utf8("two"));
      const closing = writer.close();
      const [one, two, close] = await peer.frames(3);
      assert.deepEqual([one.opcode, one.payload], [TEXT, utf8("one")]);
      assert.deepEqual([two.opcode, two.payload], [BINARY, utf8("two")]);
      assert.deepEqual(close.payload, closePayload(1000));
      peer.send({ opcode: CLOSE, payload: closePayload(1000) });
      peer.end();
      await closing;
      assert.equal((await conn.closed).clean, true);
    }),

  "aborting writable closes with 1011; writing to a closed connection rejects": (t) =>
    withEachSide(t, {}, async ({ conn, peer }) => {
      const writer = conn.writable.getWriter();
      await writer.abort(new Error("no more"));
      assert.deepEqual((await peer.frame())!.payload.subarray(0, 2), closePayload(1011));
      peer.end();
      await conn.closed;
      const other = await t.accept();
      other.conn.terminate();
      await other.conn.closed;
      await assert.rejects(
        other.conn.writable.getWriter().write("x"),
        (error) => error instanceof WebSocketError && error.code === "NOT_OPEN",
      );
    }),

  "the streams of two connections can be piped together": async (t) => {
    const { server, near } = await t.pair();
    const [far] = server.clients();
    const echoing = far.readable.pipeTo(far.writable);
    near.send("through the pipe");
    assert.equal((await near[Symbol.asyncIterator]().next()).value, "through the pipe");
    near.close();
    await Promise.allSettled([echoing]);
    assert.equal((await near.closed).clean, true);
  },

  "reads a Close frame beyond the read-ahead limit: with the messages, or after unreadTimeout": (
    t,
  ) =>
    onBothSides(t, async (open) => {
      const count = 3000;
      const frames = Array.from({ length: count }, (): FrameParts => ({
        opcode: BINARY,
        payload: new Uint8Array(100),
      }));
      const close: FrameParts = { opcode: CLOSE, payload: closePayload(3000, "done") };
      for (const isRead of [true, false]) {
        const { conn, peer } = await open({ unreadTimeout: isRead ? 60_000 : 100 });
        peer.send(...frames, close);
        let read = 0;
        const readAll = async (): Promise<void> => {
          for await (const _ of conn) read++;
        };
        const reading = isRead ? readAll() : undefined;
        await peer.until(() => peer.ended || peer.bytes.length > 0);
        peer.end();
        const { code, reason, clean } = await conn.closed;
        await reading;
        assert.deepEqual([code, reason, clean, read], [3000, "done", true, isRead ? count : 0]);
      }
    }),
});
