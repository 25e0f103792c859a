// The option `compression` (RFC 7692) over real sockets. The other side compresses and inflates
// with the runtime's own zlib.

import assert from "node:assert/strict";
import {
  InvalidPayloadError,
  type Message,
  MessageTooBigError,
  prepareMessage,
  type WebSocketError,
} from "../../mod.ts";
import { compressed, compressedWithTakeover, inflated, RSV1 } from "../support/deflated.ts";
import {
  type CommonOptions,
  type Live,
  liveCases,
  type LiveSide,
  Queue,
} from "../support/live_harness.ts";
import type { RawSocket } from "../support/raw_socket.ts";
import { upgradeRequest } from "../support/raw_peer.ts";
import { closePayload, concat, TEXT, utf8 } from "../support/vectors.ts";
import type { Cases } from "./harness.ts";

/** Half a KiB of text that compresses well. */
const LONG = "All work and no play makes Jack a dull boy. ".repeat(12);

type Compression = NonNullable<CommonOptions["compression"]>;

/** Opens the server side of a connection for this client offer. Also returns the response. */
async function offered(
  t: Live,
  compression: Compression,
  offer: string,
  options: CommonOptions = {},
): Promise<LiveSide & { answer: string | null }> {
  const server = await t.serve({ ...options, compression });
  const peer = await t.rawClient(server);
  peer.send(upgradeRequest([`Sec-WebSocket-Extensions: ${offer}`]));
  const { headers } = await peer.answer();
  const [conn] = server.clients();
  return { conn, peer, answer: headers.get("sec-websocket-extensions") };
}

/** Opens the client side of a connection with this server response. Also returns the offer. */
async function answered(
  t: Live,
  compression: Compression,
  answer: string,
  options: CommonOptions = {},
): Promise<LiveSide & { offer: string }> {
  const server = await t.rawServer();
  const connecting = t.connect(server.url, { ...options, compression });
  const peer = await server.accept();
  const head = await peer.acceptUpgrade([`Sec-WebSocket-Extensions: ${answer}`]);
  const offer = /\r\nSec-WebSocket-Extensions: (.*)\r\n/.exec(head)![1];
  return { conn: await connecting, peer, offer };
}

const ALONE = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/** Runs a test on both sides of connections with compression and without takeover. */
async function onceAgreed(
  t: Live,
  compression: Compression,
  options: CommonOptions,
  test: (side: LiveSide) => Promise<void>,
): Promise<void> {
  await test(await offered(t, compression, ALONE, options));
  await test(await answered(t, compression, ALONE, options));
}

async function* each(...chunks: string[]): AsyncGenerator<string, void> {
  yield* chunks;
}

async function assertClosedWith(peer: RawSocket, code: number): Promise<void> {
  assert.deepEqual((await peer.frame())!.payload.subarray(0, 2), closePayload(code));
  peer.end();
}

const peerCases = liveCases({
  'the error for a client that ignores client_no_context_takeover suggests "compatible"': async (
    t,
  ) => {
    const errors = new Queue<Error | undefined>();
    const { peer, answer } = await offered(t, true, "permessage-deflate", {
      message() {},
      close: (_, { error }) => errors.push(error),
    });
    assert.match(answer!, /client_no_context_takeover/);
    const payloads = await compressedWithTakeover(LONG, LONG);
    peer.send(...payloads.map((payload) => ({ opcode: TEXT, rsv: RSV1, payload })));
    await assertClosedWith(peer, 1007);
    const error = await errors.next();
    assert.ok(error instanceof InvalidPayloadError);
    assert.match(error.message, /Jetty, Netty and Tornado do: .*compression: "compatible"$/);
  },

  '"compatible" accepts an offer without parameters, and reads messages with context takeover':
    async (
      t,
    ) => {
      const got = new Queue<Message>();
      const { conn, peer, answer } = await offered(t, "compatible", "permessage-deflate", {
        message: (_, data) => got.push(data),
      });
      assert.equal(answer, "permessage-deflate");
      const payloads = await compressedWithTakeover(LONG, LONG, "short");
      peer.send(...payloads.map((payload) => ({ opcode: TEXT, rsv: RSV1, payload })));
      assert.deepEqual(await got.atLeast(3), [LONG, LONG, "short"]);
      conn.send(LONG);
      assert.equal(inflated((await peer.frame())!), LONG);
    },

  "serves other connections while compressing a long message, and sends it before the Close frame":
    async (
      t,
    ) => {
      const part = Array.from({ length: 10_007 }, (_, i) => (i * 7919 % 10_007).toString(36))
        .join(" ");
      const long = `${part} `.repeat(180);
      const order: string[] = [];
      const started = new Queue<string>();
      const server = await t.serve({
        compression: true,
        message(conn, data) {
          if (data === "echo") {
            order.push("echo");
            conn.send(data);
            return;
          }
          conn.send(long, { written: () => void order.push("long") });
          conn.send("behind");
          conn.close(1000);
          started.push("started");
        },
      });
      const [peer, other] = [await t.rawClient(server), await t.rawClient(server)];
      for (const client of [peer, other]) {
        client.send(upgradeRequest([`Sec-WebSocket-Extensions: ${ALONE}`]));
        assert.equal((await client.answer()).status, 101);
      }
      peer.send({ opcode: TEXT, payload: "long" });
      await started.next();
      other.send({ opcode: TEXT, payload: "echo" });
      assert.ok(inflated((await peer.frame())!) === long);
      assert.equal(String((await peer.frame())!.payload), String(utf8("behind")));
      assert.deepEqual((await peer.frame())!.payload, closePayload(1000));
      await other.frame();
      assert.deepEqual(order, ["echo", "long"]);
    },

  '"compatible" honors the parameters that a client requests': async (t) => {
    const offer = "permessage-deflate; server_no_context_takeover; server_max_window_bits=10";
    assert.equal((await offered(t, "compatible", offer)).answer, offer);
  },

  '"compatible" offers takeover as a client': async (t) => {
    const { offer } = await answered(t, "compatible", "permessage-deflate");
    assert.equal(offer, "permessage-deflate; client_max_window_bits");
  },

  "a client accepts a server that ignores its offer": async (t) => {
    for (
      const [compression, answer] of [
        [true, "permessage-deflate"],
        [true, "permessage-deflate; client_no_context_takeover"],
        [{ serverMaxWindowBits: 9 }, "permessage-deflate; server_no_context_takeover"],
        [{ serverMaxWindowBits: 9 }, "permessage-deflate; server_max_window_bits=15"],
        [{ clientMaxWindowBits: 9 }, "permessage-deflate; client_max_window_bits=15"],
      ] as const
    ) {
      const got = new Queue<Message>();
      const { conn, peer } = await answered(t, compression, answer, {
        message: (_, data) => got.push(data),
      });
      const takesOver = !answer.includes("server_no_context_takeover");
      const payloads = takesOver
        ? await compressedWithTakeover(LONG, LONG)
        : [compressed(LONG), compressed(LONG)];
      peer.send(...payloads.map((payload) => ({ opcode: TEXT, rsv: RSV1, payload })));
      assert.deepEqual(await got.atLeast(2), [LONG, LONG], answer);
      conn.send(LONG);
      assert.equal(inflated((await peer.frame())!), LONG);
    }
  },
});

const optionCases = liveCases({
  "compression true compresses both ways between two sides of the library": async (t) => {
    const { near, far } = await t.pair(
      { compression: true, message: (conn, data) => void conn.send(data) },
      { compression: true },
    );
    for (const conn of [near, far]) assert.match(conn.extensions, /^permessage-deflate/);
    const messages = near[Symbol.asyncIterator]();
    const large = LONG.repeat(1000);
    for (const data of [LONG, "short", "", large, utf8(LONG)]) {
      near.send(data);
      assert.deepEqual((await messages.next()).value, data);
    }
  },

  "compression is off by default and needs both sides": async (t) => {
    const { near, far } = await t.pair({}, { compression: true });
    assert.deepEqual([near.extensions, far.extensions], ["", ""]);
    const other = await t.pair({ compression: true }, {});
    assert.deepEqual([other.near.extensions, other.far.extensions], ["", ""]);
  },

  "compresses outgoing messages and decompresses incoming ones": (t) =>
    onceAgreed(t, true, {}, async ({ conn, peer }) => {
      conn.send(LONG);
      const frame = (await peer.frame())!;
      assert.ok(frame.payload.length < LONG.length / 2);
      assert.equal(inflated(frame), LONG);
      const half = compressed(LONG).length >> 1;
      peer.send(
        { opcode: TEXT, rsv: RSV1, payload: compressed(LONG) },
        { opcode: TEXT, payload: "as it is" },
        { opcode: TEXT, rsv: RSV1, fin: false, payload: compressed(LONG).subarray(0, half) },
        { opcode: 0, payload: compressed(LONG).subarray(half) },
      );
      const messages = conn[Symbol.asyncIterator]();
      for (const text of [LONG, "as it is", LONG]) {
        assert.equal((await messages.next()).value, text);
      }
    }),

  "threshold: sends shorter messages uncompressed, by default below 256 bytes": async (
    t,
  ) => {
    for (const [compression, size] of [[true, 256], [{ threshold: 20 }, 20]] as const) {
      await onceAgreed(t, compression, {}, async ({ conn, peer }) => {
        conn.send("x".repeat(size - 1));
        conn.send("x".repeat(size));
        const [short, long] = await peer.frames(2);
        assert.equal(short.rsv, 0);
        assert.equal(inflated(long), "x".repeat(size));
      });
    }
  },

  "send with compress false sends uncompressed": (t) =>
    onceAgreed(t, true, {}, async ({ conn, peer }) => {
      conn.send(LONG, { compress: false });
      conn.send(LONG, { compress: true });
      const [plain, deflated] = await peer.frames(2);
      assert.equal(plain.rsv, 0);
      assert.equal(inflated(deflated), LONG);
    }),

  "level: the output of each level can be decompressed": async (t) => {
    for (const level of ["auto", "fast", "best"] as const) {
      await onceAgreed(t, { level }, {}, async ({ conn, peer }) => {
        conn.send(LONG.repeat(50));
        assert.equal(inflated((await peer.frame())!), LONG.repeat(50));
      });
    }
  },

  "sendPrepared, broadcast and sendDelayed also compress": async (t) => {
    const { conn, peer } = await offered(t, true, ALONE);
    conn.sendPrepared(prepareMessage(LONG));
    conn.sendDelayed(LONG);
    conn.sendUtf8(utf8(LONG));
    for (const frame of await peer.frames(3)) assert.equal(inflated(frame), LONG);
    const { server, near } = await t.pair({ compression: true }, { compression: true });
    server.broadcast(LONG);
    assert.equal((await near[Symbol.asyncIterator]().next()).value, LONG);
  },

  "sendStream compresses each fragment as it is produced, unless compress is false": (t) =>
    onceAgreed(t, true, {}, async ({ conn, peer }) => {
      await conn.sendStream(each(LONG, LONG));
      const fragments = await peer.frames(3);
      assert.deepEqual(fragments.map(({ opcode, rsv, fin }) => [opcode, rsv, fin]), [
        [TEXT, RSV1, false],
        [0, 0, false],
        [0, 0, true],
      ]);
      const payload = concat(...fragments.map(({ payload }) => payload));
      assert.ok(payload.length < LONG.length / 2);
      assert.equal(inflated({ ...fragments[0], payload }), LONG + LONG);
      await conn.sendStream(each(LONG), undefined, { compress: false });
      const [plain, end] = await peer.frames(2);
      assert.deepEqual([plain.rsv, plain.payload.length, end.fin], [0, LONG.length, true]);
    }),

  "compress false accepts compressed messages but sends none": (t) =>
    onceAgreed(t, { compress: false }, {}, async ({ conn, peer }) => {
      conn.send(LONG);
      assert.equal((await peer.frame())!.rsv, 0);
      peer.send({ opcode: TEXT, rsv: RSV1, payload: compressed(LONG) });
      assert.equal((await conn[Symbol.asyncIterator]().next()).value, LONG);
    }),

  "decompress false sends compressed messages, and closes with 1003 when it receives one": (t) =>
    onceAgreed(t, { decompress: false }, {}, async ({ conn, peer }) => {
      conn.send(LONG);
      assert.equal(inflated((await peer.frame())!), LONG);
      peer.send({ opcode: TEXT, rsv: RSV1, payload: compressed(LONG) });
      await assertClosedWith(peer, 1003);
      assert.equal(((await conn.closed).error as WebSocketError).code, "COMPRESSION_REFUSED");
    }),

  "context takeover: earlier messages shorten later ones, in both directions": async (t) => {
    const compression = { serverContextTakeover: true, clientContextTakeover: true };
    const { conn, peer, answer } = await offered(
      t,
      compression,
      "permessage-deflate; client_max_window_bits",
    );
    assert.doesNotMatch(answer!, /no_context_takeover/);
    conn.send(LONG);
    conn.send(LONG);
    const [first, second] = await peer.frames(2);
    assert.ok(second.payload.length < first.payload.length, "the second refers to the first");
    const [once, again] = await compressedWithTakeover(LONG, LONG);
    assert.throws(() => inflated({ ...first, payload: again }), "the second needs the first");
    peer.send(
      { opcode: TEXT, rsv: RSV1, payload: once },
      { opcode: TEXT, rsv: RSV1, payload: again },
    );
    const messages = conn[Symbol.asyncIterator]();
    assert.equal((await messages.next()).value, LONG);
    assert.equal((await messages.next()).value, LONG);

    const pair = await t.pair({ compression }, { compression });
    assert.doesNotMatch(pair.near.extensions, /no_context_takeover/);
    for (const [from, to] of [[pair.near, pair.far], [pair.far, pair.near]]) {
      const received = to[Symbol.asyncIterator]();
      for (let i = 0; i < 3; i++) {
        from.send(LONG + i);
        assert.equal((await received.next()).value, LONG + i);
      }
    }
  },

  "context takeover shortens small messages without repetitions": async (t) => {
    const compression = { serverContextTakeover: true };
    const { conn, peer } = await offered(t, compression, "permessage-deflate");
    const messages = [1, 2, 3].map((i) => `{"type":"tick","symbol":"ABC","price":17.${i}}`);
    for (const message of messages) conn.send(message);
    const [first, ...others] = await peer.frames(3);
    assert.equal(inflated(first), messages[0]);
    for (const { rsv, payload } of others) {
      assert.equal(rsv, RSV1);
      assert.ok(payload.length < messages[0].length / 4);
    }
  },

  "by default compresses each message separately, and offers no context takeover": async (
    t,
  ) => {
    const { answer } = await offered(t, true, "permessage-deflate");
    assert.match(answer!, /server_no_context_takeover/);
    assert.match(answer!, /client_no_context_takeover/);
    const { offer } = await answered(t, true, ALONE);
    assert.match(offer, /server_no_context_takeover/);
    assert.match(offer, /client_no_context_takeover/);
  },

  "window bits: a server limits both, a client offers both, and output respects them": async (
    t,
  ) => {
    const compression = { serverMaxWindowBits: 9, clientMaxWindowBits: 10 };
    const asked = await offered(t, compression, "permessage-deflate; client_max_window_bits");
    assert.match(asked.answer!, /server_max_window_bits=9/);
    assert.match(asked.answer!, /client_max_window_bits=10/);
    const { offer } = await answered(t, compression, `${ALONE}; server_max_window_bits=9`);
    assert.match(offer, /server_max_window_bits=9/);
    assert.match(offer, /client_max_window_bits=10/);
    const noise = Array.from({ length: 600 }, (_, i) => (i * 7919 % 97).toString(36)).join("");
    asked.conn.send(noise + LONG + noise);
    assert.equal(inflated((await asked.peer.frame())!, 9), noise + LONG + noise);
  },

  "maxMessageSize limits the decompressed size: a small bomb is closed with 1009": async (t) => {
    const bomb = compressed(new Uint8Array(64 << 20));
    assert.ok(bomb.length < 1 << 20);
    await onceAgreed(t, true, { maxMessageSize: 1 << 20 }, async ({ conn, peer }) => {
      peer.send({ opcode: TEXT, rsv: RSV1, payload: bomb });
      await assertClosedWith(peer, 1009);
      assert.ok((await conn.closed).error instanceof MessageTooBigError);
    });
  },

  "closes with 1007 on corrupt data and calls close": async (t) => {
    const ends = new Queue<unknown>();
    const messages = new Queue<Message>();
    const options: CommonOptions = {
      message: (_, data) => messages.push(data),
      close: (_, info) => ends.push(info.error),
    };
    await onceAgreed(t, true, options, async ({ peer }) => {
      peer.send({ opcode: TEXT, rsv: RSV1, payload: Uint8Array.of(0xff, 0xff, 0xff) });
      await assertClosedWith(peer, 1007);
      assert.ok(await ends.next() instanceof InvalidPayloadError);
    });
    assert.deepEqual(messages.all, []);
  },
});

export const cases: Cases = { ...optionCases, ...peerCases };
