// Defects in frames, messages, and the end of a connection.

import assert from "node:assert/strict";
import type { CloseInfo, Message, WebSocketError } from "../../../mod.ts";
import { compressed, RSV1 } from "../../support/deflated.ts";
import {
  type CommonOptions,
  liveCases,
  type LiveSide,
  Queue,
  withEachSide,
} from "../../support/live_harness.ts";
import {
  BINARY,
  CLOSE,
  closePayload,
  CONTINUATION,
  type FrameParts,
  MASK_KEY,
  PING,
  PONG,
  TEXT,
  utf8,
  type WireFrame,
} from "../../support/vectors.ts";
import type { Cases } from "../harness.ts";

/** Returns the next Close frame, and skips other frames. */
async function closeFrame({ peer }: LiveSide): Promise<WireFrame> {
  let frame = await peer.frame();
  while (frame !== undefined && frame.opcode !== CLOSE) frame = await peer.frame();
  assert.ok(frame !== undefined, "no Close frame");
  return frame;
}

/** Sends this as the peer. Asserts that it receives this close code, and `close` is called once. */
async function assertFailed(
  side: LiveSide,
  ends: Queue<CloseInfo>,
  code: number,
  ...parts: Array<Uint8Array | FrameParts>
): Promise<void> {
  side.peer.send(...parts);
  assert.deepEqual((await closeFrame(side)).payload.subarray(0, 2), closePayload(code));
  side.peer.end();
  const info = await ends.next();
  assert.deepEqual([info.code, info.clean, info.initiator], [code, false, "local"]);
  assert.equal((info.error as WebSocketError).closeCode, code);
}

/** Returns options that record the arguments of `close`. */
function recordCloses(
  options: CommonOptions = {},
): { ends: Queue<CloseInfo>; options: CommonOptions } {
  const ends = new Queue<CloseInfo>();
  return { ends, options: { message() {}, ...options, close: (_, info) => ends.push(info) } };
}

const framing = liveCases({
  "D30: a huge length, or one with its top bit set, fails only that connection": async (t) => {
    for (const maxMessageSize of [undefined, 1000, 0x7fffffff]) {
      for (const length of [1n << 63n, (1n << 64n) - 1n, (1n << 63n) - 1n, 1n << 53n, 1n << 32n]) {
        const code = length >> 63n === 1n ? 1002 : 1009;
        const { ends, options } = recordCloses({ maxMessageSize });
        await withEachSide(t, options, async (side) => {
          await assertFailed(side, ends, code, { opcode: BINARY, lengthBits: 64, length });
        });
      }
    }
    const { near } = await t.pair({ message: (conn, data) => void conn.send(data) });
    near.send("still running");
    assert.equal((await near[Symbol.asyncIterator]().next()).value, "still running");
  },

  "D32: maxMessageSize applies to the message, not to individual frames": async (t) => {
    const messages = new Queue<Message>();
    const { ends, options } = recordCloses({
      maxMessageSize: 16,
      message: (_, data) => messages.push(data),
    });
    await withEachSide(t, options, async (side) => {
      const fragment = { opcode: CONTINUATION, fin: false, payload: "12345678" };
      const first = { ...fragment, opcode: TEXT };
      await assertFailed(side, ends, 1009, first, fragment, fragment);
    });
    assert.deepEqual(messages.all, []);
  },

  "D33: closes with 1009 on a message that is too big": async (t) => {
    const { ends, options } = recordCloses({ maxMessageSize: 100 });
    await withEachSide(t, options, async (side) => {
      await assertFailed(side, ends, 1009, { opcode: TEXT, payload: "x".repeat(101) });
    });
  },

  "D34: a client must mask, a server must not": async (t) => {
    const { ends, options } = recordCloses();
    const client = await t.accept(options);
    await assertFailed(client, ends, 1002, { opcode: TEXT, payload: "bare", mask: undefined });
    const server = await t.openClient(options);
    await assertFailed(server, ends, 1002, { opcode: TEXT, payload: "masked", mask: MASK_KEY });
  },

  "D35: rejects RSV1 on continuations and on control frames, even within a compressed message":
    async (t) => {
      const payload = compressed("hello hello hello");
      const first = { opcode: TEXT, rsv: RSV1, fin: false, payload: payload.subarray(0, 4) };
      const line = "Sec-WebSocket-Extensions: permessage-deflate";
      for (const opcode of [CONTINUATION, PING, PONG, CLOSE]) {
        const { ends, options } = recordCloses();
        const server = await t.serve({ ...options, compression: true });
        const peer = await t.rawClient(server);
        const { headers } = await peer.upgrade([line]);
        assert.ok(headers.has("sec-websocket-extensions"));
        const side = { conn: [...server.clients()][0], peer };
        await assertFailed(side, ends, 1002, first, { opcode, rsv: RSV1 });
      }
    },

  "D40: closes with 1007 on text that is not UTF-8, whole or in fragments": async (t) => {
    const payload = Uint8Array.of(0x68, 0xc3, 0x28);
    const { ends, options } = recordCloses();
    await withEachSide(
      t,
      options,
      (side) => assertFailed(side, ends, 1007, { opcode: TEXT, payload }),
    );
    await withEachSide(t, options, (side) => {
      const head = { opcode: TEXT, fin: false, payload: payload.subarray(0, 2) };
      const tail = { opcode: CONTINUATION, payload: payload.subarray(2) };
      return assertFailed(side, ends, 1007, head, tail);
    });
  },
});

const controls = liveCases({
  "D42: answers pings with their payload, and calls the handlers": async (t) => {
    const events = new Queue<[string, string]>();
    const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);
    const options: CommonOptions = {
      ping: (_, payload) => events.push(["ping", text(payload)]),
      pong: (_, payload) => events.push(["pong", text(payload)]),
    };
    await withEachSide(t, options, async ({ peer }) => {
      peer.send({ opcode: PING, payload: "one" }, { opcode: PONG, payload: "two" });
      const pong = await peer.frame();
      assert.deepEqual([pong!.opcode, text(pong!.payload)], [PONG, "one"]);
      assert.deepEqual(await events.next(), ["ping", "one"]);
      assert.deepEqual(await events.next(), ["pong", "two"]);
    });
  },

  "D43: answers an empty Close with one, reports 1005, and ends delivery": async (
    t,
  ) => {
    const calls = new Queue<unknown>();
    const options: CommonOptions = {
      message: (_, data) => calls.push(data),
      close: (_, { code, reason, clean }) => calls.push([code, reason, clean]),
    };
    await withEachSide(t, options, async (side) => {
      side.peer.send(
        { opcode: TEXT, payload: "before" },
        { opcode: CLOSE },
        { opcode: TEXT, payload: "behind" },
      );
      assert.equal((await closeFrame(side)).payload.length, 0);
      side.peer.end();
      assert.equal(await calls.next(), "before");
      assert.deepEqual(await calls.next(), [1005, "", true]);
      await side.peer.until(() => side.peer.ended || side.peer.isClosed);
    });
    assert.equal(calls.all.length, 4);
  },

  "D44: delivers the complete close reason": async (t) => {
    const { ends, options } = recordCloses();
    await withEachSide(t, options, async ({ peer }) => {
      peer.send({ opcode: CLOSE, payload: closePayload(1000, "good bye") });
      peer.end();
      const { code, reason } = await ends.next();
      assert.deepEqual([code, reason], [1000, "good bye"]);
    });
  },

  "D45: answers corrupt compressed data with a Close and calls close": async (t) => {
    const line = "Sec-WebSocket-Extensions: permessage-deflate";
    const frame = { opcode: TEXT, rsv: RSV1, payload: Uint8Array.of(0xff, 0xff) };
    const { ends, options } = recordCloses();
    const server = await t.serve({ ...options, compression: true });
    const peer = await t.rawClient(server);
    await peer.upgrade([line]);
    await assertFailed({ conn: [...server.clients()][0], peer }, ends, 1007, frame);
    // Without compression the RSV1 bit is the violation.
    await withEachSide(t, options, (side) => assertFailed(side, ends, 1002, frame));
  },

  "D47: answers a reason that is not UTF-8 with 1007": async (t) => {
    const { ends, options } = recordCloses();
    const reason = Uint8Array.of(0x68, 0xff);
    await withEachSide(t, options, async (side) => {
      await assertFailed(side, ends, 1007, { opcode: CLOSE, payload: closePayload(1000, reason) });
    });
  },

  "D62: sends a delayed message in time after the timer ran without output": async (t) => {
    const options: CommonOptions = { delayedWrite: { maxMessages: 10, maxDelay: 10 } };
    await withEachSide(t, options, async ({ conn, peer }) => {
      for (let i = 0; i < 2; i++) {
        conn.sendDelayed(`delayed ${i}`);
        // Consumes the delayed message, so that the timer has no output left.
        conn.send(`at once ${i}`);
        const [delayed, atOnce] = await peer.frames(2);
        assert.deepEqual(delayed.payload, utf8(`delayed ${i}`));
        assert.deepEqual(atOnce.payload, utf8(`at once ${i}`));
        const later = await t.accept({ delayedWrite: { maxDelay: 30 } });
        later.conn.sendDelayed("sent by a later timer");
        await later.peer.frame();
        conn.sendDelayed("alone");
        assert.deepEqual((await peer.frame())!.payload, utf8("alone"));
      }
    });
  },
});

/** Defects on an open connection. */
export const sessionCases: Cases = { ...framing, ...controls };
