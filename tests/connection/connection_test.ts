// Methods and properties of a connection, and the errors for invalid arguments.

import assert from "node:assert/strict";
import { prepareMessage } from "../../src/connection/arguments.ts";
import { bothSides, nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { UTF8_SAMPLES } from "../support/utf8_samples.ts";
import {
  BINARY,
  CLOSE,
  closePayload,
  hex,
  PING,
  PONG,
  TEXT,
  toHex,
  utf8,
} from "../support/vectors.ts";

const bytes = hex("01 02 03");

/** Valid messages, each with the expected opcode and payload. */
const SENDABLE: readonly [what: string, data: unknown, opcode: number, payload: Uint8Array][] = [
  ["a string", "caf\u00e9", TEXT, utf8("caf\u00e9")],
  ["an empty string", "", TEXT, new Uint8Array(0)],
  ["a Uint8Array", bytes, BINARY, bytes],
  ["part of a Uint8Array", bytes.subarray(1, 2), BINARY, hex("02")],
  ["an empty Uint8Array", new Uint8Array(0), BINARY, new Uint8Array(0)],
  ["an ArrayBuffer", bytes.buffer, BINARY, bytes],
  ["a DataView", new DataView(bytes.buffer, 1), BINARY, hex("02 03")],
  ["a large Uint8Array", new Uint8Array(70000).fill(7), BINARY, new Uint8Array(70000).fill(7)],
  ["a long string", "\u20ac".repeat(30000), TEXT, utf8("\u20ac".repeat(30000))],
];

for (const [what, data, opcode, payload] of SENDABLE) {
  bothSides(`send and sendDelayed accept ${what}`, async (_, open) => {
    const { conn, peer } = await open();
    assert.equal(conn.send(data as Uint8Array), true);
    assert.equal(conn.sendDelayed(data as Uint8Array), true);
    const frames = await peer.framesOf(2);
    for (const frame of frames) {
      assert.equal(frame.opcode, opcode);
      assert.deepEqual(frame.payload, payload);
    }
  });
}

bothSides("a client masks each frame with a new key, a server does not mask", async (
  _,
  open,
  side,
) => {
  const { conn, peer } = await open();
  for (let i = 0; i < 20; i++) conn.send("the same");
  const frames = await peer.framesOf(20);
  assert.ok(
    frames.every(({ masked, payload }) =>
      masked === (side === "client") && toHex(payload) === toHex(utf8("the same"))
    ),
  );
  const size = peer.bytes.length / 20;
  const encoded = frames.map((_, i) => toHex(peer.bytes.slice(i * size, (i + 1) * size)));
  assert.equal(new Set(encoded).size, side === "client" ? 20 : 1);
});

bothSides("send copies bytes, so the caller may reuse its memory", async (_, open) => {
  const { conn, peer } = await open();
  const data = hex("01 02 03");
  conn.send(data);
  conn.sendDelayed(data);
  conn.ping(data);
  data.fill(0xff);
  for (const { payload } of await peer.framesOf(3)) assert.equal(toHex(payload), "010203");
  assert.equal(toHex(data), "ffffff");
});

/** Invalid messages, and their description in the error. */
const UNSENDABLE: readonly [value: unknown, shown: string][] = [
  [undefined, "undefined"],
  [null, "null"],
  [7, "7"],
  [true, "true"],
  [1n, "1"],
  [Symbol("s"), "a symbol"],
  [[1, 2], "an array"],
  [{ length: 2 }, "an object"],
  [new Blob([]), "an object"],
  [() => {}, "a function"],
];

for (const [value, shown] of UNSENDABLE) {
  bothSides(
    `rejects ${shown} (${typeof value}) as a message with a TypeError that shows it`,
    async (_, open) => {
      const { conn, transport } = await open();
      const data = value as string;
      const expected = {
        name: "TypeError",
        message: new RegExp(`^Cannot send: .*, got ${shown}$`),
      };
      assert.throws(() => conn.send(data), expected);
      assert.throws(() => conn.sendDelayed(data), expected);
      assert.throws(() => conn.sendUtf8(value as Uint8Array), expected);
      assert.throws(() => conn.sendPrepared(value as never), expected);
      if (value !== undefined) assert.throws(() => conn.ping(data), expected);
      if (value !== undefined) assert.throws(() => conn.pong(data), expected);
      await nextMacrotask();
      assert.equal(transport.writes.length, 0);
      assert.equal(conn.readyState, "open");
    },
  );
}

socketTest(
  "sendUtf8 and sendPrepared reject a string with a TypeError that names the expected type",
  async (t) => {
    const { conn } = await t.accept();
    assert.throws(() => conn.sendUtf8("text" as never), {
      name: "TypeError",
      message: /sendUtf8 takes UTF-8 as bytes, got "text"; send\(\) takes strings$/,
    });
    assert.throws(() => conn.sendPrepared("text" as never), {
      name: "TypeError",
      message: /prepareMessage.*got "text"$/,
    });
  },
);

socketTest("sendUtf8 sends UTF-8 as text and throws on other bytes", async (t) => {
  const { conn, peer } = await t.accept();
  const good = UTF8_SAMPLES.filter(({ refusedAt }) => refusedAt === 0);
  for (const { name, bytes, refusedAt } of UTF8_SAMPLES) {
    if (refusedAt === 0) assert.equal(conn.sendUtf8(hex(bytes)), true, name);
    else assert.throws(() => conn.sendUtf8(hex(bytes)), { name: "TypeError", message: /UTF-8/ });
  }
  const frames = await peer.framesOf(good.length);
  assert.deepEqual(
    frames.map(({ opcode, payload }) => [opcode, toHex(payload)]),
    good.map(({ bytes }) => [TEXT, toHex(hex(bytes))]),
  );
});

bothSides("ping and pong accept a string or bytes of up to 125 bytes", async (_, open) => {
  const { conn, peer } = await open();
  for (const payload of ["", "hi", "\u20ac".repeat(41), "x".repeat(125), new Uint8Array(125)]) {
    assert.equal(conn.ping(payload), true);
    assert.equal(conn.pong(payload), true);
  }
  assert.equal(conn.ping(), true);
  assert.equal(conn.pong(), true);
  const frames = await peer.framesOf(12);
  assert.deepEqual(frames.map(({ opcode }) => opcode), Array(6).fill([PING, PONG]).flat());
  assert.deepEqual(
    frames.map(({ payload }) => payload.length),
    [0, 0, 2, 2, 123, 123, 125, 125, 125, 125, 0, 0],
  );
});

bothSides("ping and pong over 125 bytes throw a RangeError and send nothing", async (_, open) => {
  const { conn, transport } = await open();
  for (const payload of ["x".repeat(126), "\u20ac".repeat(42), new Uint8Array(126)]) {
    const expected = { name: "RangeError", message: /at most 125 bytes, got 126$/ };
    assert.throws(() => conn.ping(payload), expected);
    assert.throws(() => conn.pong(payload), expected);
  }
  await nextMacrotask();
  assert.equal(transport.writes.length, 0);
});

const CLOSES: readonly [args: unknown[], name: string, message: RegExp][] = [
  [[999], "RangeError", /1000-1003, 1007-1014 or 3000-4999, got 999$/],
  [[1004], "RangeError", /got 1004$/],
  [[1005], "RangeError", /got 1005$/],
  [[1006], "RangeError", /got 1006$/],
  [[1015], "RangeError", /got 1015$/],
  [[2999], "RangeError", /got 2999$/],
  [[5000], "RangeError", /got 5000$/],
  [[-1], "RangeError", /got -1$/],
  [[1000.5], "TypeError", /must be an integer of 1000-1003, 1007-1014 or 3000-4999, got 1000.5$/],
  [["1000"], "TypeError", /must be an integer of 1000-1003, 1007-1014 or 3000-4999, got "1000"$/],
  [[NaN], "TypeError", /must be an integer of 1000-1003, 1007-1014 or 3000-4999, got NaN$/],
  [[null], "TypeError", /must be an integer of 1000-1003, 1007-1014 or 3000-4999, got null$/],
  [[1000, 7], "TypeError", /reason must be a string/],
  [[1000, null], "TypeError", /reason must be a string/],
  [[1000, new Uint8Array(3)], "TypeError", /reason must be a string/],
  [[1000, "x".repeat(124)], "RangeError", /at most 123 bytes of UTF-8, got 124/],
  [[1000, "\u20ac".repeat(42)], "RangeError", /at most 123 bytes of UTF-8, got 126/],
];

for (const [args, name, message] of CLOSES) {
  bothSides(`close(${args.map((arg) => JSON.stringify(arg)).join(", ")}) throws`, async (
    _,
    open,
  ) => {
    const { conn, transport } = await open();
    assert.throws(() => conn.close(...args as [number, string]), { name, message });
    await nextMacrotask();
    assert.equal(conn.readyState, "open");
    assert.equal(transport.writes.length, 0);
  });
}

socketTest("rejects invalid arguments on a closed connection as well", async (t) => {
  const { conn } = await t.accept();
  conn.terminate();
  await conn.closed;
  assert.throws(() => conn.close(1), RangeError);
  assert.throws(() => conn.send(7 as never), TypeError);
  assert.throws(() => conn.ping("x".repeat(126)), RangeError);
});

bothSides("close without arguments sends 1000 without a reason", async (_, open) => {
  const { conn, peer } = await open();
  conn.close();
  const [{ opcode, payload }] = await peer.framesOf(1);
  assert.deepEqual([opcode, toHex(payload)], [CLOSE, toHex(closePayload(1000))]);
});

bothSides("cork calls the function synchronously and rethrows its error", async (_, open) => {
  const { conn, peer } = await open();
  assert.throws(() =>
    conn.cork(() => {
      conn.send("sent before the error");
      throw new RangeError("the user's own");
    }), { name: "RangeError", message: "the user's own" });
  await peer.framesOf(1);
  conn.send("still works");
  await peer.framesOf(2);
});

socketTest("cork accepts only a function", async (t) => {
  const { conn } = await t.accept();
  for (const [value, shown] of [[undefined, "undefined"], ["f", '"f"'], [{}, "an object"]]) {
    assert.throws(() => conn.cork(value as never), {
      name: "TypeError",
      message: new RegExp(`function, got ${shown}$`),
    });
  }
});

socketTest("a server connection exposes its handshake", async (t) => {
  const { conn } = await t.accept({ subprotocols: ["chat"] });
  assert.equal(conn.url, "ws://a.example/chat");
  assert.equal(conn.remoteAddress, "memory");
  assert.equal(conn.protocol, "");
  assert.equal(conn.extensions, "");
  assert.equal(conn.handshake.status, 101);
  assert.equal(conn.handshake.url, conn.url);
  assert.equal(conn.handshake.headers.get("host"), "a.example");
  assert.equal(conn.data, undefined);
});

socketTest("a client connection exposes its handshake", async (t) => {
  const lines = ["Sec-WebSocket-Protocol: v2", "X-Server: tiny", "X-Server: small"];
  const { conn } = await t.openClient({ subprotocols: ["v1", "v2"] }, undefined, lines);
  assert.equal(conn.url, "ws://a.example/chat");
  assert.equal(conn.protocol, "v2");
  assert.equal(conn.handshake.protocol, "v2");
  assert.equal(conn.handshake.headers.get("x-server"), "tiny, small");
  assert.equal(new Headers(conn.handshake.headers as Headers).get("X-Server"), "tiny, small");
});

socketTest("closed is always the same promise", async (t) => {
  const { conn } = await t.accept();
  const { closed } = conn;
  assert.equal(conn.closed, closed);
  conn.terminate();
  await closed;
  assert.equal(conn.closed, closed);
});

socketTest("data is writable", async (t) => {
  const { conn } = await t.openClient<{ name: string }>({ data: { name: "ada" } });
  assert.equal(conn.data.name, "ada");
  conn.data = { name: "grace" };
  assert.equal(conn.data.name, "grace");
});

socketTest("await using closes the connection", async (t) => {
  const { server, near } = await t.pair();
  {
    await using conn = near;
    assert.equal(conn.readyState, "open");
  }
  assert.equal(near.readyState, "closed");
  assert.equal((await near.closed).code, 1000);
  await nextMacrotask();
  assert.equal(server.connections, 0);
});

socketTest("server and client connections send the same prepared message", async (t) => {
  const message = prepareMessage("for all");
  const before = message.frame.slice();
  const sides = [[await t.accept(), false], [await t.openClient(), true]] as const;
  for (const [{ conn, peer }, masked] of sides) {
    assert.equal(conn.sendPrepared(message), true);
    assert.equal(conn.sendPrepared(message), true);
    const frames = await peer.framesOf(2);
    assert.deepEqual(peer.payloads, ["for all", "for all"]);
    // RFC 6455 5.3: a client masks each frame with a new key; a server does not mask.
    assert.deepEqual(frames.map((frame) => frame.masked), [masked, masked]);
    const half = peer.bytes.length / 2;
    const [first, second] = [peer.bytes.slice(0, half), peer.bytes.slice(half)].map(toHex);
    assert.equal(first !== second, masked);
  }
  assert.deepEqual(message.frame, before);
});

const SEND_OPTIONS: readonly [options: unknown, message: RegExp][] = [
  [{ compress: 1 }, /compress.*got 1$/],
  [null, /got null$/],
  [7, /got 7$/],
];

for (const [options, message] of SEND_OPTIONS) {
  socketTest(`send rejects the options ${JSON.stringify(options)} with a TypeError`, async (t) => {
    const { conn, transport } = await t.accept();
    const wrong = options as { compress: boolean };
    for (const data of ["text", bytes]) {
      assert.throws(() => conn.send(data, wrong), { name: "TypeError", message });
    }
    await nextMacrotask();
    assert.equal(transport.writes.length, 0);
  });
}
