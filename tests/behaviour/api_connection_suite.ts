// Send methods, output buffering and closing, on both sides over real sockets.

import assert from "node:assert/strict";
import {
  type CloseInfo,
  type Message,
  MessageTooBigError,
  Opcode,
  prepareMessage,
  WebSocketError,
} from "../../mod.ts";
import {
  connect,
  type Live,
  liveCases,
  type LiveSide,
  Queue,
  withEachSide,
} from "../support/live_harness.ts";
import { decodeText } from "../../src/message/utf8.ts";
import {
  CLOSE,
  closePayload,
  CONTINUATION,
  PING,
  PONG,
  TEXT,
  utf8,
  type WireFrame,
} from "../support/vectors.ts";
import type { Cases } from "./harness.ts";

/** Returns the opcode and payload of each frame. A minus marks fragments except the last. */
function seen(frames: readonly WireFrame[]): Array<[string, string]> {
  return frames.map(({ fin, opcode, payload }) => [
    `${fin ? "" : "-"}${opcode}`,
    new TextDecoder().decode(payload),
  ]);
}

/** Opens a client connection over a real socket and records its writes. */
async function counted(t: Live): Promise<LiveSide & { writes: number[] }> {
  const writes: number[] = [];
  const side = await t.reachOver((transport) => {
    const write = transport.write.bind(transport);
    transport.write = (bytes, length) => {
      writes.push(length);
      return write(bytes, length);
    };
    return transport;
  });
  writes.length = 0;
  return { ...side, writes };
}

async function* each<T>(...items: T[]): AsyncGenerator<T, void> {
  for (const item of items) {
    await Promise.resolve();
    yield item;
  }
}

const sendCases = liveCases({
  "send accepts strings, Uint8Array and ArrayBuffer, and copies bytes": (t) =>
    withEachSide(t, {}, async ({ conn, peer }) => {
      const bytes = utf8("bytes");
      assert.equal(conn.send("t\u00e9xt"), true);
      assert.equal(conn.send(bytes), true);
      assert.equal(conn.send(new Uint8Array(utf8("buffer")).buffer), true);
      assert.equal(conn.send(utf8("a view").subarray(2)), true);
      bytes.fill(0);
      assert.deepEqual(seen(await peer.frames(4)), [
        ["1", "t\u00e9xt"],
        ["2", "bytes"],
        ["2", "buffer"],
        ["2", "view"],
      ]);
      assert.throws(() => conn.send(1 as unknown as string), TypeError);
      assert.throws(() => conn.send({} as unknown as string), TypeError);
    }),

  "send to a disconnected peer returns false and does not throw": (t) =>
    withEachSide(t, {}, async ({ conn, peer }) => {
      peer.destroy();
      await conn.closed;
      assert.equal(conn.readyState, "closed");
      assert.equal(conn.send("x"), false);
      assert.equal(conn.sendUtf8(utf8("x")), false);
      assert.equal(conn.sendDelayed("x"), false);
      assert.equal(conn.sendPrepared(prepareMessage("x")), false);
      assert.equal(await conn.sendStream(each("x")), false);
      assert.equal(conn.ping(), false);
      assert.equal(conn.pong(), false);
      conn.close();
      conn.terminate();
      assert.equal(conn.bufferedAmount, 0);
    }),

  "sendUtf8 sends UTF-8 as a text message and validates it": (t) =>
    withEachSide(t, {}, async ({ conn, peer }) => {
      assert.equal(conn.sendUtf8(utf8("\u20ac")), true);
      assert.deepEqual(seen(await peer.frames(1)), [["1", "\u20ac"]]);
      assert.throws(() => conn.sendUtf8(Uint8Array.of(0xff)), TypeError);
      assert.throws(() => conn.sendUtf8("text" as unknown as Uint8Array), TypeError);
    }),

  "sendPrepared sends a message of prepareMessage on any number of connections": async (t) => {
    const text = prepareMessage("tick");
    const bytes = prepareMessage(utf8("tock"));
    await withEachSide(t, {}, async ({ conn, peer }) => {
      assert.equal(conn.sendPrepared(text), true);
      assert.equal(conn.sendPrepared(bytes), true);
      assert.deepEqual(seen(await peer.frames(2)), [["1", "tick"], ["2", "tock"]]);
      assert.throws(() => conn.sendPrepared("tick" as never), TypeError);
    });
    assert.throws(() => prepareMessage(1 as unknown as string), TypeError);
  },

  "sendStream sends one message in fragments and later messages after it": (t) =>
    withEachSide(t, {}, async ({ conn, peer }) => {
      const sending = conn.sendStream(each("one ", "two ", "three"));
      conn.send("behind");
      conn.ping("not behind");
      assert.equal(await sending, true);
      const frames = seen(await peer.frames(6));
      assert.deepEqual(frames.filter(([opcode]) => opcode !== "9"), [
        ["-1", "one "],
        ["-0", "two "],
        ["-0", "three"],
        ["0", ""],
        ["1", "behind"],
      ]);
    }),

  "sendStream accepts a ReadableStream and the opcode": (t) =>
    withEachSide(t, {}, async ({ conn, peer }) => {
      await conn.sendStream(new Blob(["a file"]).stream());
      await conn.sendStream(each<Message>(utf8("as text")), Opcode.Text);
      const frames = seen(await peer.frames(4));
      assert.deepEqual(frames, [["-2", "a file"], ["0", ""], ["-1", "as text"], ["0", ""]]);
    }),

  "sendStream rejects with its source's error and closes a partial message with 1011": (t) =>
    withEachSide(t, {}, async ({ conn, peer }) => {
      const failure = new Error("disk full");
      async function* source(): AsyncGenerator<string, void> {
        yield "half";
        await Promise.resolve();
        throw failure;
      }
      await assert.rejects(conn.sendStream(source()), failure);
      const [, close] = await peer.frames(2);
      assert.deepEqual(close.payload.subarray(0, 2), closePayload(1011));
      peer.end();
      const { error } = await conn.closed;
      assert.equal((error as WebSocketError).code, "SOURCE_FAILED");
      assert.equal(error!.cause, failure);
    }),

  "invalid messages, payloads, sources and functions throw a TypeError": (t) =>
    withEachSide(t, {}, async ({ conn, peer }) => {
      for (const wrong of [1, undefined, null, {}, [1]]) {
        const data = wrong as unknown as string;
        assert.throws(() => conn.send(data), TypeError);
        assert.throws(() => conn.sendDelayed(data), TypeError);
        assert.throws(() => conn.cork(data as never), TypeError);
        if (wrong !== undefined) assert.throws(() => conn.ping(data), TypeError);
        if (wrong !== undefined) assert.throws(() => conn.pong(data), TypeError);
        await assert.rejects(conn.sendStream(each(data)), TypeError);
      }
      for (const wrong of [1, undefined, null, {}]) {
        await assert.rejects(conn.sendStream(wrong as never), TypeError);
      }
      conn.send("none of it was sent");
      assert.deepEqual(seen(await peer.frames(1)), [["1", "none of it was sent"]]);
    }),

  "sends views of shared memory, and rejects shared and detached buffers": async (t) => {
    const got = new Queue<Message>();
    const { server, far } = await t.pair({}, { message: (_, data) => got.push(data) });
    far.subscribe("t");
    const shared = new Uint8Array(new SharedArrayBuffer(6), 1, 3).fill(7);
    const detached = new Uint8Array(4);
    structuredClone(detached, { transfer: [detached.buffer] });
    const sends: [name: string, send: (bytes: Uint8Array<ArrayBuffer>) => unknown][] = [
      ["send", (bytes) => far.send(bytes)],
      ["sendDelayed", (bytes) => far.sendDelayed(bytes)],
      ["sendPrepared", (bytes) => far.sendPrepared(prepareMessage(bytes))],
      ["sendFragment", (bytes) => far.sendFragment(Opcode.Binary, bytes, { fin: true })],
      ["broadcast", (bytes) => server.broadcast(bytes)],
      ["publish", (bytes) => server.publish("t", bytes)],
    ];
    for (const [index, [name, send]] of sends.entries()) {
      send(shared as unknown as Uint8Array<ArrayBuffer>);
      // The caller may modify the data immediately after the call.
      shared.fill(9);
      assert.deepEqual((await got.atLeast(index + 1))[index], Uint8Array.of(7, 7, 7), name);
      shared.fill(7);
      for (const wrong of [detached, detached.buffer, shared.buffer]) {
        assert.throws(() => send(wrong as Uint8Array<ArrayBuffer>), TypeError, name);
      }
    }
    assert.equal(far.readyState, "open");
    assert.equal(got.all.length, sends.length);
  },

  "text longer than the runtime's maximum string length closes with 1009": async (t) => {
    const { decode } = TextDecoder.prototype;
    t.context.after(() => void (TextDecoder.prototype.decode = decode));
    const longest = 100_000;
    TextDecoder.prototype.decode = function (bytes, options): string {
      // V8 and JavaScriptCore throw this error above 0.5 and 2 GiB.
      if (bytes !== undefined && bytes.byteLength > longest) throw new RangeError("Invalid length");
      return decode.call(this, bytes, options);
    };
    const got = new Queue<unknown>();
    const { conn, peer } = await t.accept({ message: (_, data) => got.push(data) });
    peer.send({ opcode: TEXT, payload: "x".repeat(longest) });
    assert.equal(await got.next(), "x".repeat(longest));
    peer.send(
      { opcode: TEXT, fin: false, payload: "x".repeat(longest) },
      { opcode: CONTINUATION, payload: "\u20ac" },
    );
    await peer.until(() => peer.ended);
    peer.end();
    const { sent, error } = await conn.closed;
    assert.equal(sent, 1009);
    assert.ok(error instanceof MessageTooBigError, String(error));
    assert.match(error.message, /100003 bytes is longer than a string can be on this runtime/);
    assert.equal(got.all.length, 1);
  },

  "text of 540,000,000 bytes is delivered or fails with MESSAGE_TOO_BIG": () => {
    const bytes = new Uint8Array(540_000_000).fill(0x61);
    // Strings are limited to 536,870,888 characters in V8, and to less than 2 GiB in
    // JavaScriptCore.
    try {
      assert.equal(decodeText(bytes, 0, bytes.length).length, bytes.length);
    } catch (error) {
      assert.ok(error instanceof MessageTooBigError, String(error));
      assert.equal(error.closeCode, 1009);
    }
    return Promise.resolve();
  },

  "ping and pong carry up to 125 bytes": (t) =>
    withEachSide(t, {}, async ({ conn, peer }) => {
      assert.equal(conn.ping("text"), true);
      assert.equal(conn.pong(utf8("bytes")), true);
      assert.equal(conn.ping(), true);
      assert.equal(conn.ping(new Uint8Array(125)), true);
      assert.deepEqual(seen(await peer.frames(4)), [
        [`${PING}`, "text"],
        [`${PONG}`, "bytes"],
        [`${PING}`, ""],
        [`${PING}`, "\0".repeat(125)],
      ]);
      assert.throws(() => conn.ping(new Uint8Array(126)), RangeError);
      assert.throws(() => conn.pong("\u20ac".repeat(42)), RangeError);
    }),
});

const gatherCases = liveCases({
  "cork sends the output of its function in one write": async (t) => {
    const { conn, peer, writes } = await counted(t);
    conn.cork(() => {
      for (let i = 0; i < 10; i++) conn.send(`${i}`);
      assert.deepEqual(writes, []);
    });
    assert.equal(writes.length, 1);
    assert.equal((await peer.frames(10)).length, 10);
    assert.throws(
      () =>
        conn.cork(() => {
          conn.send("sent anyway");
          throw new Error("in cork");
        }),
      /in cork/,
    );
    assert.deepEqual(seen(await peer.frames(1)), [["1", "sent anyway"]]);
  },

  "sends the output of one tick in one write": async (t) => {
    const { conn, peer, writes } = await counted(t);
    for (let i = 0; i < 10; i++) conn.send(`${i}`);
    assert.equal((await peer.frames(10)).length, 10);
    assert.equal(writes.length, 1);
  },

  "sendDelayed batches delayedWrite.maxMessages messages into one write": async (t) => {
    const delayedWrite = { maxMessages: 5, maxDelay: 60_000, bufferSize: 16 };
    for (const open of [() => t.accept({ delayedWrite }), () => t.openClient({ delayedWrite })]) {
      const { conn, peer } = await open();
      for (let i = 0; i < 4; i++) {
        assert.equal(conn.sendDelayed(`${i}`), true);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      assert.ok(conn.bufferedAmount > 0, "messages are buffered");
      assert.equal(peer.bytes.length, 0);
      conn.sendDelayed(utf8("4"));
      const frames = seen(await peer.frames(5));
      assert.deepEqual(frames, [["1", "0"], ["1", "1"], ["1", "2"], ["1", "3"], ["2", "4"]]);
    }
  },

  "sendDelayed waits at most delayedWrite.maxDelay, repeatedly": async (t) => {
    const { conn, peer } = await t.accept({ delayedWrite: { maxDelay: 20 } });
    for (let i = 0; i < 3; i++) {
      conn.sendDelayed(`${i}`);
      assert.deepEqual(seen(await peer.frames(1)), [["1", `${i}`]]);
    }
  },

  "later messages and a close do not overtake delayed messages": (t) =>
    withEachSide(t, {}, async ({ conn, peer }) => {
      conn.sendDelayed("1");
      conn.send("2");
      conn.sendDelayed("3");
      conn.ping("4");
      conn.sendDelayed("5");
      conn.close(1000, "6");
      const frames = await peer.frames(6);
      assert.deepEqual(frames.map(({ opcode }) => opcode), [TEXT, TEXT, TEXT, PING, TEXT, CLOSE]);
      const texts = frames.slice(0, 5).map(({ payload }) => new TextDecoder().decode(payload));
      assert.deepEqual(texts, ["1", "2", "3", "4", "5"]);
    }),
});

const endCases = liveCases({
  "close sends code and reason, 1000 by default, and stops sending and delivery": (t) =>
    withEachSide(t, {}, async ({ conn, peer }) => {
      conn.close();
      assert.equal(conn.readyState, "closing");
      assert.equal(conn.send("too late"), false);
      conn.close(4000, "too late");
      assert.deepEqual(seen([(await peer.frame())!]), [[
        `${CLOSE}`,
        new TextDecoder().decode(closePayload(1000)),
      ]]);
      peer.send({ opcode: TEXT, payload: "too late" }, {
        opcode: CLOSE,
        payload: closePayload(1000),
      });
      peer.end();
      const info = await conn.closed;
      assert.deepEqual([info.code, info.reason, info.clean], [1000, "", true]);
      assert.deepEqual([info.initiator, info.error], ["local", undefined]);
      assert.equal(conn.readyState, "closed");
      const messages = conn[Symbol.asyncIterator]();
      assert.deepEqual(await messages.next(), { value: undefined, done: true });
    }),

  "close rejects illegal codes and reasons, and the connection stays open": (t) =>
    withEachSide(t, {}, async ({ conn, peer }) => {
      for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000]) {
        assert.throws(() => conn.close(code), RangeError, `${code}`);
      }
      assert.throws(() => conn.close(1000.5), TypeError);
      assert.throws(() => conn.close("1000" as unknown as number), TypeError);
      assert.throws(() => conn.close(1000, 1 as unknown as string), TypeError);
      assert.throws(() => conn.close(1000, "x".repeat(124)), RangeError);
      assert.equal(conn.readyState, "open");
      conn.close(3000, "x".repeat(123));
      assert.deepEqual((await peer.frame())!.payload, closePayload(3000, "x".repeat(123)));
    }),

  "closeTimeout disconnects a peer that does not answer a close": async (t) => {
    const closeTimeout = 50;
    for (const open of [() => t.accept({ closeTimeout }), () => t.openClient({ closeTimeout })]) {
      const { conn, peer } = await open();
      conn.close(1001);
      const { code, clean, initiator, error } = await conn.closed;
      assert.deepEqual([code, clean, initiator], [1006, false, "local"]);
      assert.equal((error as WebSocketError).code, "CLOSE_TIMEOUT");
      await peer.until(() => peer.ended || peer.isClosed);
    }
  },

  "terminate destroys the socket immediately": (t) =>
    withEachSide(t, {}, async ({ conn, peer }) => {
      conn.terminate();
      const { code, clean, error } = await conn.closed;
      assert.deepEqual([code, clean], [1006, false]);
      assert.ok(error instanceof WebSocketError);
      assert.equal(error.code, "TERMINATED");
      await peer.until(() => peer.ended || peer.isClosed);
      assert.equal(peer.bytes.length, 0, "no Close frame");
    }),

  "closed resolves for all callers, before and after the close": (t) =>
    withEachSide(t, {}, async ({ conn, peer }) => {
      const [first, second] = [conn.closed, conn.closed];
      peer.send({ opcode: CLOSE, payload: closePayload(4000, "bye") });
      peer.end();
      const infos: CloseInfo[] = await Promise.all([first, second]);
      infos.push(await conn.closed);
      for (const { code, reason } of infos) assert.deepEqual([code, reason], [4000, "bye"]);
    }),

  "`await using` closes with 1000 and waits": async (t) => {
    const ends = new Queue<CloseInfo>();
    const server = await t.serve({ close: (_, info) => ends.push(info) });
    let closed: Promise<CloseInfo>;
    {
      await using conn = await connect(server.url);
      closed = conn.closed;
    }
    assert.equal((await closed).clean, true);
    assert.equal((await ends.next()).code, 1000);
  },
});

export const cases: Cases = { ...sendCases, ...gatherCases, ...endCases };
