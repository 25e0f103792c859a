// Handlers of both sides: their calls, arguments and errors, and the error class that `close`
// receives for each violation by the peer.

import assert from "node:assert/strict";
import {
  type CloseInfo,
  type Connection,
  ConnectionError,
  type Handlers,
  InvalidPayloadError,
  type Message,
  MessageTooBigError,
  Opcode,
  ProtocolError,
  WebSocketError,
} from "../../mod.ts";
import { ConsoleWatch } from "../support/console.ts";
import {
  type CommonOptions,
  type Live,
  liveCases,
  onBothSides,
  Queue,
} from "../support/live_harness.ts";
import {
  BINARY,
  CLOSE,
  closePayload,
  CONTINUATION,
  type FrameParts,
  PING,
  PONG,
  TEXT,
  utf8,
} from "../support/vectors.ts";
import type { Cases } from "./harness.ts";

/** Returns handlers that record the arguments of all calls in order. */
function recorded(): { queue: Queue<unknown[]>; handlers: Handlers<undefined> } {
  const queue = new Queue<unknown[]>();
  return {
    queue,
    handlers: {
      open: (conn) => queue.push(["open", conn.readyState]),
      message: (_, data, opcode) => queue.push(["message", data, opcode]),
      ping: (_, payload) => queue.push(["ping", payload]),
      pong: (_, payload) => queue.push(["pong", payload]),
      close: (conn, { code, reason, clean, initiator }) =>
        queue.push(["close", code, reason, clean, initiator, conn.readyState]),
    },
  };
}

/**
 * Sends these frames as the peer. Returns the end of the connection, and the close code that the
 * peer receives.
 */
async function endedBy(
  t: Live,
  options: CommonOptions,
  ...frames: FrameParts[]
): Promise<{ info: CloseInfo; sentCode: number }> {
  const { conn, peer } = await t.accept({ message: () => {}, ...options });
  peer.send(...frames);
  const close = await peer.frame();
  peer.end();
  const info = await conn.closed;
  assert.equal(close?.opcode, CLOSE);
  return { info, sentCode: close.payload[0] << 8 | close.payload[1] };
}

const callCases = liveCases({
  "calls open first, then the handlers in order, and close once and last": (t) =>
    onBothSides(t, async (open) => {
      const { queue, handlers } = recorded();
      const { peer } = await open(
        handlers,
        { opcode: TEXT, payload: "right behind" },
      );
      peer.send(
        { opcode: BINARY, payload: Uint8Array.of(1, 2) },
        { opcode: PING, payload: "ping" },
        { opcode: PONG, payload: "pong" },
        { opcode: TEXT, fin: false, payload: "in " },
        { opcode: PING },
        { opcode: CONTINUATION, payload: "two" },
        { opcode: CLOSE, payload: closePayload(4000, "done") },
      );
      peer.end();
      assert.deepEqual(await queue.atLeast(8), [
        ["open", "open"],
        ["message", "right behind", Opcode.Text],
        ["message", Uint8Array.of(1, 2), Opcode.Binary],
        ["ping", utf8("ping")],
        ["pong", utf8("pong")],
        ["ping", new Uint8Array(0)],
        ["message", "in two", Opcode.Text],
        ["close", 4000, "done", true, "remote", "closed"],
      ]);
      await peer.until(() => peer.isClosed);
      assert.equal(queue.all.length, 8);
    }),

  "calls open before connect resolves, and open can send": async (t) => {
    const order: string[] = [];
    const { conn, peer } = await t.openClient({
      open(opened) {
        order.push("open");
        opened.send("first");
      },
    });
    order.push("connected");
    conn.send("second");
    const sent = await peer.frames(2);
    assert.deepEqual(sent.map(({ payload }) => new TextDecoder().decode(payload)), [
      "first",
      "second",
    ]);
    assert.deepEqual(order, ["open", "connected"]);
  },

  "sends the pong before it calls the ping handler": (t) =>
    onBothSides(t, async (open) => {
      const { peer } = await open({ ping: (conn) => void conn.send("after the pong") });
      peer.send({ opcode: PING, payload: "1" });
      const [pong, message] = await peer.frames(2);
      assert.deepEqual([pong.opcode, message.opcode], [PONG, TEXT]);
      assert.deepEqual(pong.payload, utf8("1"));
    }),

  "autoPong false leaves pings to the ping handler": (t) =>
    onBothSides(t, async (open) => {
      const { peer } = await open({
        autoPong: false,
        ping: (conn, payload) => void conn.pong(`own ${new TextDecoder().decode(payload)}`),
      });
      peer.send({ opcode: PING, payload: "1" });
      const pong = await peer.frame();
      assert.deepEqual([pong!.opcode, pong!.payload], [PONG, utf8("own 1")]);
    }),

  "delivers no message after a close or terminate inside a handler": (t) =>
    onBothSides(t, async (open) => {
      for (const name of ["open", "message", "ping"] as const) {
        for (const end of ["close", "terminate"] as const) {
          // terminate() in the server's `open` also drops the response, so the peer cannot connect.
          if (name === "open" && end === "terminate") continue;
          const calls = new Queue<string>();
          const { peer } = await open(
            {
              message: () => calls.push("message"),
              ping: () => calls.push("ping"),
              close: (conn) => calls.push(`close ${conn.send("too late")}`),
              [name]: (conn: Connection<undefined>) => {
                calls.push(`${end} in ${name}`);
                conn[end]();
              },
            },
          );
          // Send these after the handshake, because a reset may overtake the response.
          peer.send(
            { opcode: PING },
            { opcode: TEXT, payload: "one" },
            { opcode: TEXT, payload: "two" },
            { opcode: CLOSE, payload: closePayload(1000) },
          );
          peer.end();
          const first = name === "message" ? ["ping"] : [];
          const expected = [...first, `${end} in ${name}`, "close false"];
          assert.deepEqual(await calls.atLeast(expected.length), expected);
          await peer.until(() => peer.isClosed);
          assert.equal(calls.all.length, expected.length);
        }
      }
    }),

  "reports a client's own close as local and clean": async (t) => {
    const { queue, handlers } = recorded();
    const { conn, peer } = await t.openClient(handlers);
    conn.close(4001, "enough");
    assert.deepEqual((await peer.frame())!.payload, closePayload(4001, "enough"));
    peer.send({ opcode: CLOSE, payload: closePayload(4001) });
    peer.end();
    assert.deepEqual((await queue.atLeast(2))[1], ["close", 4001, "", true, "local", "closed"]);
  },

  'text "bytes" delivers validated UTF-8, and utf8Check false skips validation': (t) =>
    onBothSides(t, async (open) => {
      for (const utf8Check of [true, false]) {
        const messages = new Queue<[Message, number]>();
        const { conn, peer } = await open({
          text: "bytes",
          utf8Check,
          message: (_, data, opcode) => messages.push([data, opcode]),
        });
        peer.send({ opcode: TEXT, payload: "h\u00e9" }, {
          opcode: TEXT,
          payload: Uint8Array.of(0xff),
        });
        assert.deepEqual(await messages.next(), [utf8("h\u00e9"), Opcode.Text]);
        if (!utf8Check) {
          assert.deepEqual(await messages.next(), [Uint8Array.of(0xff), Opcode.Text]);
          continue;
        }
        peer.end();
        assert.ok((await conn.closed).error instanceof InvalidPayloadError);
      }
    }),

  "does not overwrite the views of 10,000 retained messages": (t) =>
    onBothSides(t, async (open) => {
      const count = 10_000;
      const kept = new Queue<Uint8Array>();
      const { peer } = await open({ message: (_, data) => kept.push(data as Uint8Array) });
      // Sizes on both sides of every threshold, each message with its number.
      const content = (i: number): Uint8Array => {
        const bytes = new Uint8Array(4 + (i % 50 === 0 ? i % 5000 : i % 300)).fill(i * 7);
        new DataView(bytes.buffer).setUint32(0, i, true);
        return bytes;
      };
      for (let i = 0; i < count; i += 100) {
        const frames = Array.from({ length: 100 }, (_, at) => content(i + at))
          .flatMap((payload, at): FrameParts[] =>
            at % 10 > 0 ? [{ opcode: BINARY, payload }] : [
              { opcode: BINARY, fin: false, payload: payload.subarray(0, 3) },
              { opcode: PING, payload: "between" },
              { opcode: CONTINUATION, payload: payload.subarray(3) },
            ]
          );
        peer.send(...frames);
      }
      const views = await kept.atLeast(count);
      assert.equal(views.length, count);
      for (const [i, view] of views.entries()) {
        assert.equal(Object.getPrototypeOf(view), Uint8Array.prototype);
        assert.deepEqual(view, content(i), `message ${i}`);
      }
    }),
});

const NAMES = ["open", "message", "ping", "pong", "drain"] as const;

/** Returns options with a handler that throws or rejects. */
function failing(name: typeof NAMES[number], failure: Error, rejects: boolean): CommonOptions {
  return {
    message: () => {},
    highWaterMark: 0,
    [name]: () => {
      if (rejects) return Promise.reject(failure);
      throw failure;
    },
  };
}

const failureCases = liveCases({
  "closes with 1011 when a handler throws or rejects, and reports the error to close": (t) =>
    onBothSides(t, async (open) => {
      for (const name of NAMES) {
        for (const rejects of [false, true]) {
          const failure = new Error(`in ${name}`);
          const ends = new Queue<CloseInfo>();
          const { conn, peer } = await open({
            ...failing(name, failure, rejects),
            close: (_, info) => ends.push(info),
          });
          if (name === "drain") conn.send("x");
          peer.send({ opcode: TEXT }, { opcode: PING }, { opcode: PONG });
          let last = await peer.frame();
          while (last !== undefined && last.opcode !== CLOSE) last = await peer.frame();
          assert.deepEqual(last?.payload.subarray(0, 2), closePayload(1011), name);
          peer.end();
          const { code, clean, initiator, error } = await ends.next();
          assert.deepEqual([code, clean, initiator], [1011, false, "local"]);
          assert.ok(error instanceof WebSocketError);
          assert.equal(error.code, "HANDLER_FAILED");
          assert.equal(error.closeCode, 1011);
          assert.equal(error.cause, failure);
        }
      }
    }),

  "the server and its other connections continue when a handler fails": async (t) => {
    const { server, near } = await t.pair({
      message(conn, data) {
        if (data === "fail") throw new Error("as asked");
        conn.send(data);
      },
    });
    const other = await t.connect(server.url);
    near.send("fail");
    assert.equal((await near.closed).code, 1011);
    other.send("are you there?");
    assert.equal((await other[Symbol.asyncIterator]().next()).value, "are you there?");
    assert.equal(server.connections, 1);
  },

  "reports a failing close handler to onError, or on a client to the console": async (
    t,
  ) => {
    for (const rejects of [false, true]) {
      const failure = new Error("in close");
      const close = (): Promise<never> => {
        if (rejects) return Promise.reject(failure);
        throw failure;
      };
      const reported = new Queue<unknown>();
      const { conn, peer } = await t.accept({ close, onError: reported.push });
      peer.destroy();
      await conn.closed;
      assert.equal(await reported.next(), failure);

      const watch = new ConsoleWatch();
      t.context.after(() => watch.end());
      const client = await t.openClient({ close });
      client.conn.terminate();
      await client.conn.closed;
      // A rejection is reported one or two microtasks after the end.
      await new Promise((resolve) => setTimeout(resolve, 0));
      watch.end();
      assert.deepEqual(watch.logged, [[failure]]);
    }
  },

  "ignores an onError that throws": async (t) => {
    const watch = new ConsoleWatch();
    t.context.after(() => watch.end());
    const server = await t.serve({
      upgrade: () => Promise.reject(new Error("in upgrade")),
      onError: () => {
        throw new Error("in onError");
      },
    });
    const raw = await t.rawClient(server);
    assert.equal((await raw.upgrade()).status, 500);
    watch.end();
    assert.deepEqual(watch.logged.map(([error]) => (error as Error).message), ["in onError"]);
  },
});

const peerCases = liveCases({
  "a framing violation is a ProtocolError: 1002": async (t) => {
    const { info, sentCode } = await endedBy(t, {}, { opcode: TEXT, rsv: 2 });
    assert.ok(info.error instanceof ProtocolError);
    assert.deepEqual([info.code, sentCode, info.error.closeCode], [1002, 1002, 1002]);
    assert.equal(info.error.code, "RESERVED_BITS");
    assert.equal(info.clean, false);
  },

  "text that is not UTF-8 is an InvalidPayloadError: 1007": async (t) => {
    const { info, sentCode } = await endedBy(t, {}, { opcode: TEXT, payload: Uint8Array.of(0xc0) });
    assert.ok(info.error instanceof InvalidPayloadError);
    assert.deepEqual([info.code, sentCode, info.error.closeCode], [1007, 1007, 1007]);
    assert.equal(info.error.code, "INVALID_UTF8");
  },

  "maxMessageSize: a larger message, including all fragments, is a MessageTooBigError: 1009":
    async (
      t,
    ) => {
      const half = { payload: new Uint8Array(600), fin: false };
      const messages = new Queue<Message>();
      const options: CommonOptions = {
        maxMessageSize: 1000,
        message: (_, data) => messages.push(data),
      };
      const { info, sentCode } = await endedBy(
        t,
        options,
        { opcode: BINARY, payload: new Uint8Array(1000) },
        { opcode: BINARY, ...half },
        { opcode: CONTINUATION, ...half },
      );
      assert.ok(info.error instanceof MessageTooBigError);
      assert.deepEqual([info.code, sentCode, info.error.closeCode], [1009, 1009, 1009]);
      assert.deepEqual(messages.all.map(({ length }) => length), [1000]);
    },

  "maxFragments: closes with 1008, counting empty fragments": async (t) => {
    const first = { opcode: TEXT, fin: false };
    const middle = { opcode: CONTINUATION, fin: false };
    const last = { opcode: CONTINUATION };
    const messages = new Queue<Message>();
    const { info, sentCode } = await endedBy(
      t,
      { maxFragments: 3, message: (_, data) => messages.push(data) },
      ...[first, middle, last],
      ...[first, middle, middle, last],
    );
    assert.deepEqual([info.code, sentCode], [1008, 1008]);
    assert.equal((info.error as WebSocketError).code, "TOO_MANY_FRAGMENTS");
    assert.deepEqual(messages.all, [""]);
  },

  "a disconnect is a ConnectionError: 1006": (t) =>
    onBothSides(t, async (open) => {
      const { conn, peer } = await open({});
      peer.destroy();
      const { code, clean, error } = await conn.closed;
      assert.deepEqual([code, clean], [1006, false]);
      assert.ok(error instanceof ConnectionError);
      assert.equal(error.code, "CONNECTION_LOST");
    }),
});

export const cases: Cases = { ...callCases, ...failureCases, ...peerCases };
