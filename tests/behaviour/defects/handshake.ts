// Defects of the opening handshake, on both sides.

import assert from "node:assert/strict";
import {
  type CompressionOptions,
  type Connection,
  type ConnectOptions,
  HandshakeError,
  type Message,
  type ServeOptions,
  TimeoutError,
} from "../../../mod.ts";
import { compressed, RSV1 } from "../../support/deflated.ts";
import { type Live, liveCases, Queue } from "../../support/live_harness.ts";
import { acceptOf, type RawAnswer, upgradeRequest } from "../../support/raw_peer.ts";
import { BINARY, type FrameParts, TEXT } from "../../support/vectors.ts";
import type { Cases } from "../harness.ts";

/** Sends a valid request with some lines replaced, and returns the server's response. */
async function ask(
  t: Live,
  options: ServeOptions,
  exchange: Record<string, string>,
  ...lines: string[]
): Promise<RawAnswer> {
  const peer = await t.rawClient(await t.serve(options));
  let request = upgradeRequest(lines);
  for (const [name, value] of Object.entries(exchange)) {
    request = request.replace(new RegExp(`^${name}: .*$`, "m"), value);
  }
  peer.send(request);
  const answer = await peer.answer();
  if (answer.status !== 101) {
    await peer.until(() => peer.ended || peer.isClosed);
    peer.end();
  }
  return answer;
}

/** Returns the result of a client whose server responds with these lines. */
async function answered(
  t: Live,
  options: ConnectOptions,
  lines: (accept: string) => string[],
  ...behind: FrameParts[]
): Promise<{ conn?: Connection<undefined>; error?: HandshakeError; request: string }> {
  const server = await t.rawServer();
  const outcome = t.connect(server.url, options).then(
    (conn) => ({ conn }),
    (error: HandshakeError) => ({ error }),
  );
  const peer = await server.accept();
  const request = await peer.head();
  const key = /Sec-WebSocket-Key: (.*)\r\n/.exec(request)![1];
  peer.send(
    ["HTTP/1.1 101 Switching Protocols", ...lines(acceptOf(key)), "", ""].join("\r\n"),
    ...behind,
  );
  return { ...await outcome, request };
}

/** Returns the lines of a valid response, and additional lines. */
function legal(...more: string[]): (accept: string) => string[] {
  return (accept) => [
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept}`,
    ...more,
  ];
}

async function refused(t: Live, options: ConnectOptions, ...more: string[]): Promise<string> {
  const { error } = await answered(t, options, legal(...more));
  assert.ok(error instanceof HandshakeError, String(error));
  return error.code;
}

const serverHandshake = liveCases({
  "D1: Connection is a list of tokens, as Firefox sends it, on both sides": async (t) => {
    for (
      const value of [
        "Connection: keep-alive, Upgrade",
        "connection:upgrade ,keep-alive",
        "Connection: keep-alive\r\nConnection: upgrade",
      ]
    ) {
      assert.equal((await ask(t, {}, { Connection: value })).status, 101, value);
      const { conn } = await answered(t, {}, (accept) => [
        "Upgrade: WebSocket",
        value,
        `Sec-WebSocket-Accept: ${accept}`,
      ]);
      assert.equal(conn?.readyState, "open", value);
    }
    assert.equal((await ask(t, {}, { Connection: "Connection: keep-alive" })).status, 400);
  },

  "D3: rejects a key that is not 16 bytes in base64": async (t) => {
    const keys = ["x", "", "AAAAAAAAAAAAAAAAAAAA", "dGhlIHNhbXBsZSBub25jZQ", "!".repeat(24)];
    for (const key of keys) {
      const exchange = { "Sec-WebSocket-Key": `Sec-WebSocket-Key: ${key}` };
      assert.equal((await ask(t, {}, exchange)).status, 400, key);
    }
  },

  "D4: 426 names the version and the protocol to upgrade to": async (t) => {
    const exchange = { "Sec-WebSocket-Version": "Sec-WebSocket-Version: 8" };
    const { status, headers } = await ask(t, {}, exchange);
    assert.equal(status, 426);
    assert.equal(headers.get("sec-websocket-version"), "13");
    assert.equal(headers.get("upgrade"), "websocket");
  },

  "D5: selects no subprotocol without a match, and reads all subprotocol header fields": async (
    t,
  ) => {
    const offer = "Sec-WebSocket-Protocol: a, b";
    for (const options of [{}, { subprotocols: ["c"] }]) {
      const { status, headers } = await ask(t, options, {}, offer);
      assert.equal(status, 101);
      assert.equal(headers.has("sec-websocket-protocol"), false);
    }
    const second = await ask(t, { subprotocols: ["c"] }, {}, offer, "Sec-WebSocket-Protocol: c");
    assert.equal(second.headers.get("sec-websocket-protocol"), "c");
  },

  "D6: accepts the offers of Chrome and Firefox": async (t) => {
    for (const offer of ["permessage-deflate; client_max_window_bits", "permessage-deflate"]) {
      const line = `Sec-WebSocket-Extensions: ${offer}`;
      const { status, headers } = await ask(t, { compression: true }, {}, line);
      assert.equal(status, 101);
      assert.match(headers.get("sec-websocket-extensions") ?? "", /^permessage-deflate/);
      assert.equal((await ask(t, {}, {}, line)).headers.has("sec-websocket-extensions"), false);
    }
  },

  "D7: skips unknown extensions and invalid offers, and leaks no socket": async (
    t,
  ) => {
    const offers = [
      "x-webkit-deflate-frame",
      "permessage-deflate; unknown",
      "permessage-deflate; server_max_window_bits=99",
      'foo; bar="ab", baz',
    ];
    for (const offer of offers) {
      const line = `Sec-WebSocket-Extensions: ${offer}`;
      const { status, headers } = await ask(t, { compression: true }, {}, line);
      assert.equal(status, 101, offer);
      assert.equal(headers.has("sec-websocket-extensions"), false, offer);
      const next = await ask(t, { compression: true }, {}, `${line}, permessage-deflate`);
      assert.match(next.headers.get("sec-websocket-extensions") ?? "", /^permessage-deflate/);
    }
    // The server also answers a grammar violation and closes the socket, for which `ask` waits.
    assert.equal((await ask(t, {}, {}, "Sec-WebSocket-Extensions: ;;")).status, 400);
  },

  "D10: the response contains the server's serverMaxWindowBits": async (t) => {
    const line = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits";
    const compression = { serverMaxWindowBits: 10, clientMaxWindowBits: 11 };
    const { headers } = await ask(t, { compression }, {}, line);
    const extensions = headers.get("sec-websocket-extensions")!;
    assert.match(extensions, /server_max_window_bits=10/);
    assert.match(extensions, /client_max_window_bits=11/);
  },

  "D18: delivers frames sent right after the request completely": async (t) => {
    const messages = new Queue<Message>();
    const payload = Uint8Array.from({ length: 9000 }, (_, i) => i * 31 + 1);
    const parts: FrameParts[] = [1, 5000, 9000].map((size) => ({
      opcode: BINARY,
      payload: payload.subarray(0, size),
    }));
    await t.accept({ message: (_, data) => messages.push(data) }, ...parts);
    assert.deepEqual(await messages.atLeast(3), parts.map((part) => part.payload));
  },
});

const clientHandshake = liveCases({
  "D13: a client can offer compression for one direction only": async (t) => {
    for (const compression of [{ compress: false }, { decompress: false }]) {
      const { request } = await answered(t, { compression }, legal());
      assert.match(request, /\r\nSec-WebSocket-Extensions: permessage-deflate/);
    }
  },

  "D14: rejects an extension that was not offered, honors a bare permessage-deflate": async (
    t,
  ) => {
    const bare = "Sec-WebSocket-Extensions: permessage-deflate";
    assert.equal(await refused(t, {}, bare), "EXTENSION_UNEXPECTED");
    assert.equal(
      await refused(t, { compression: true }, "Sec-WebSocket-Extensions: foo"),
      "EXTENSION_UNEXPECTED",
    );
    const compression: CompressionOptions = {
      serverContextTakeover: true,
      clientContextTakeover: true,
    };
    const frame = { opcode: TEXT, rsv: RSV1, payload: compressed("hello hello hello") };
    const { conn } = await answered(t, { compression }, legal(bare), frame);
    assert.equal((await conn![Symbol.asyncIterator]().next()).value, "hello hello hello");
  },

  "D15: rejects a subprotocol that was not requested": async (t) => {
    const line = "Sec-WebSocket-Protocol: chat";
    assert.equal(await refused(t, {}, line), "SUBPROTOCOL_UNEXPECTED");
    assert.equal(await refused(t, { subprotocols: ["other"] }, line), "SUBPROTOCOL_UNEXPECTED");
  },

  "D21: the timeout covers the whole opening handshake": async (t) => {
    const server = await t.rawServer();
    const failed = assert.rejects(
      t.connect(server.url, { handshakeTimeout: 100 }),
      (error) => error instanceof TimeoutError && error.code === "HANDSHAKE_TIMEOUT",
    );
    const peer = await server.accept();
    await peer.head();
    peer.send("HTTP/1.1 101 Switching Protocols\r\nUpgr");
    await failed;
    await peer.until(() => peer.ended || peer.isClosed);
  },

  "D25: does not modify the caller's options, so they can be reused": async (
    t,
  ) => {
    const headers = { Cookie: "a=1" };
    const pairs: Array<[string, string]> = [["Cookie", "a=1"]];
    const server = await t.serve();
    for (const options of [{ headers }, { headers: pairs }, { headers: new Headers(headers) }]) {
      const before = [...new Headers(options.headers)];
      const names = Object.keys(options);
      const url = new URL(server.url.replace("ws:", "http:"));
      const first = await t.connect(url, options);
      const second = await t.connect(url, options);
      assert.deepEqual([first.readyState, second.readyState], ["open", "open"]);
      assert.deepEqual([...new Headers(options.headers)], before);
      assert.deepEqual(Object.keys(options), names);
      assert.equal(url.protocol, "http:");
    }
  },

  "D27: CONNECT sends the target and user, and loses no bytes after the response": async (
    t,
  ) => {
    const target = await t.serve({
      open: (conn) => void conn.send("at once"),
      message: (conn, data) => void conn.send(data),
    });
    const proxy = await t.rawServer();
    const connecting = t.connect(target.url, { proxy: `http://ada@127.0.0.1:${proxy.port}` });
    const near = await proxy.accept();
    const head = await near.head();
    const authority = `127.0.0.1:${target.port}`;
    assert.ok(head.startsWith(`CONNECT ${authority} HTTP/1.1\r\n`), head);
    assert.ok(head.includes(`\r\nHost: ${authority}\r\n`), head);
    assert.ok(head.includes(`\r\nProxy-Authorization: Basic ${btoa("ada:")}\r\n`), head);
    const far = await t.rawClient(target);
    near.send("HTTP/1.1 200 OK\r\n\r\n");
    far.socket.on("data", (chunk) => near.socket.write(chunk));
    near.socket.on("data", (chunk) => far.socket.write(chunk));
    const conn = await connecting;
    const messages = conn[Symbol.asyncIterator]();
    assert.equal((await messages.next()).value, "at once");
    conn.send("through");
    assert.equal((await messages.next()).value, "through");
  },
});

/** Defects before a connection is open. */
export const handshakeCases: Cases = { ...serverHandshake, ...clientHandshake };
