// The client's opening handshake: valid responses, and errors for invalid ones.

import assert from "node:assert/strict";
import { ConnectionError, HandshakeError } from "../../src/errors.ts";
import { type Harness, nextMacrotask, socketTest } from "../support/socket_harness.ts";
import { acceptOf, type RawPeer } from "../support/raw_peer.ts";
import { concat, frame, TEXT, utf8 } from "../support/vectors.ts";

/** Returns a valid response to the request that the peer has received. */
async function validResponse(peer: RawPeer): Promise<string> {
  const [, key] = /Sec-WebSocket-Key: (.*)\r\n/.exec(await peer.head())!;
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${acceptOf(key)}`,
    "",
    "",
  ].join("\r\n");
}

/** Returns the error of a failed connect. */
async function refusal(
  t: Harness,
  act: (peer: RawPeer) => unknown,
  options = {},
): Promise<HandshakeError> {
  const { connecting, peer, transport } = t.startConnect(options);
  await act(peer);
  const error = await connecting.then(() => assert.fail("connected"), (error) => error);
  await peer.until(() => peer.isClosed);
  assert.equal(transport.isClosed, true, "the transport is destroyed");
  return error;
}

socketTest("accepts a response byte by byte, followed by frames", async (t) => {
  const { connecting, peer } = t.startConnect();
  const bytes = concat(utf8(await validResponse(peer)), frame({ opcode: TEXT, payload: "hi" }));
  for (const byte of bytes) peer.send(Uint8Array.of(byte));
  const conn = await connecting;
  assert.equal((await conn[Symbol.asyncIterator]().next()).value, "hi");
});

socketTest("skips interim responses (RFC 9110 15.2)", async (t) => {
  const { connecting, peer } = t.startConnect();
  peer.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", await validResponse(peer));
  assert.equal((await connecting).handshake.headers.has("link"), false);
});

/** Invalid responses with the expected error codes. */
const BAD: readonly [what: string, change: (good: string) => string, code: string][] = [
  [
    "a wrong accept value",
    (good) => good.replace(/Accept: .*/, `Accept: ${acceptOf("another key")}`),
    "ACCEPT_INVALID",
  ],
  ["no accept value", (good) => good.replace(/Sec-.*\r\n/, ""), "ACCEPT_INVALID"],
  ["no Upgrade", (good) => good.replace(/Upgrade: .*\r\n/, ""), "UPGRADE_MISSING"],
  ["no Connection", (good) => good.replace(/Connection:.*\r\n/, ""), "CONNECTION_MISSING"],
  ["HTTP/1.0", (good) => good.replace("/1.1", "/1.0"), "HTTP_VERSION"],
  [
    "an unrequested subprotocol",
    (good) => good.replace("\r\n", "\r\nSec-WebSocket-Protocol: v3\r\n"),
    "SUBPROTOCOL_UNEXPECTED",
  ],
  [
    "an extension without an offer",
    (good) => good.replace("\r\n", "\r\nSec-WebSocket-Extensions: x-foo\r\n"),
    "EXTENSION_UNEXPECTED",
  ],
  ["no HTTP", () => "SSH-2.0-OpenSSH_9.9\r\n\r\n", "HEAD_MALFORMED"],
  [
    "non-ASCII bytes",
    (good) => good.replace("\r\n", "\r\nSec-WebSocket-X: \u00e9\r\n"),
    "HEAD_MALFORMED",
  ],
  [
    "an oversized head",
    (good) => good.replace("\r\n", `\r\nX: ${"x".repeat(70_000)}\r\n`),
    "HEAD_TOO_LARGE",
  ],
];

for (const [what, change, code] of BAD) {
  socketTest(`rejects a response with ${what} with HandshakeError ${code}`, async (t) => {
    const error = await refusal(
      t,
      async (peer) => peer.send(change(await validResponse(peer))),
      { subprotocols: ["v1"] },
    );
    assert.ok(error instanceof HandshakeError);
    assert.equal(error.code, code);
  });
}

socketTest("reports a rejection with status, headers and the start of the body", async (t) => {
  const error = await refusal(t, async (peer) => {
    await peer.head();
    peer.send(
      "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 11\r\n\r\n",
      "no token",
      "!!!and more",
    );
  });
  assert.ok(error instanceof HandshakeError);
  assert.equal(error.code, "STATUS_UNEXPECTED");
  assert.match(error.message, /401 Unauthorized/);
  assert.equal(error.status, 401);
  assert.equal(error.headers!.get("www-authenticate"), "Bearer");
  assert.equal(error.body, "no token!!!");
});

socketTest("reports a rejection by the library's server in the same way", async (t) => {
  const server = await t.serve({ upgrade: () => ({ status: 429, body: "slow down" }) });
  await assert.rejects(t.connect(server.url), { status: 429, body: "slow down" });
  await assert.rejects(t.connect(server.url, { origin: "https://evil.example" }), {
    status: 403,
    body: /allowedOrigins/,
  });
});

socketTest("the body of a rejection may extend to the end of the stream", async (t) => {
  const error = await refusal(t, async (peer) => {
    await peer.head();
    peer.send("HTTP/1.1 500 Oops\r\n\r\nit broke");
    peer.transport.end();
  });
  assert.deepEqual([error.status, error.body], [500, "it broke"]);
});

for (const status of [301, 302, 303, 307, 308]) {
  socketTest(`does not follow a ${status} redirect; the error names the location`, async (t) => {
    const error = await refusal(t, async (peer) => {
      await peer.head();
      peer.send(
        `HTTP/1.1 ${status} Moved\r\nLocation: wss://b.example/x\r\nContent-Length: 0\r\n\r\n`,
      );
    });
    assert.equal(error.status, status);
    assert.match(error.message, /redirects to wss:\/\/b\.example\/x/);
    assert.deepEqual(t.network.dialed, []);
  });
}

/** Bodies of rejections that end early. */
const STOPS: readonly [what: string, stop: (peer: RawPeer) => void][] = [
  ["stalls", () => {}],
  ["is truncated", (peer) => peer.transport.destroy()],
  ["ends", (peer) => peer.transport.end()],
];

for (const [what, stop] of STOPS) {
  socketTest(`reports a rejection whose body ${what} as a rejection`, async (t) => {
    const error = await refusal(t, async (peer) => {
      await peer.head();
      peer.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 1000\r\n\r\nnot for y");
      await nextMacrotask();
      stop(peer);
    }, { handshakeTimeout: 20 });
    assert.ok(error instanceof HandshakeError, String(error));
    assert.deepEqual([error.status, error.body], [403, "not for y"]);
  });
}

socketTest("a stream that ends before the response fails with CONNECTION_LOST", async (t) => {
  const error = await refusal(t, async (peer) => {
    await peer.head();
    peer.transport.end();
  });
  assert.ok(error as unknown instanceof ConnectionError);
  assert.equal(error.code, "CONNECTION_LOST");
  assert.match(error.message, /before the server answered/);
});

socketTest("a stream that ends inside the response fails with CONNECTION_LOST", async (t) => {
  const error = await refusal(t, async (peer) => {
    await peer.head();
    peer.send("HTTP/1.1 101 Swi");
    peer.transport.end();
  });
  assert.equal(error.code, "CONNECTION_LOST");
  assert.match(error.message, /16 bytes/);
});

socketTest("a stream reset fails with CONNECTION_LOST and the cause", async (t) => {
  const error = await refusal(t, async (peer) => {
    await peer.head();
    peer.transport.destroy();
  });
  assert.equal(error.code, "CONNECTION_LOST");
  assert.match(error.message, /reset by peer/);
  assert.equal((error.cause as Error).message, "reset by peer");
});

socketTest(
  "reads all data from a server that ends the stream right after the response",
  async (t) => {
    const { connecting, peer } = t.startConnect();
    peer.send(await validResponse(peer));
    peer.send(frame({ opcode: TEXT, payload: "bye" }));
    peer.transport.end();
    const conn = await connecting;
    const reader = conn[Symbol.asyncIterator]();
    assert.equal((await reader.next()).value, "bye");
    await assert.rejects(reader.next(), { code: "CONNECTION_LOST" });
  },
);
