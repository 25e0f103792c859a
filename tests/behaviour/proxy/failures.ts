// Failures between a client and its proxy, and the resulting errors.

import assert from "node:assert/strict";
import { ConnectionError, type ErrorCode, TimeoutError } from "../../../mod.ts";
import { type Live, liveCases } from "../../support/live_harness.ts";
import { freePort } from "../../support/ports.ts";
import type { RawServer, RawSocket } from "../../support/raw_socket.ts";
import { hex } from "../../support/vectors.ts";
import { hasCapability } from "../capabilities.ts";
import type { Cases } from "../harness.ts";
import { echoServer, openRoute, schemes } from "./route.ts";

const ESTABLISHED = "HTTP/1.1 200 Connection established\r\n\r\n";
/** The replies of a SOCKS5 proxy that requires no authentication and connects. */
const SOCKS_ESTABLISHED = hex("0500 05000001000000000000");

/** Returns the error of a failed connect. */
function failure(connecting: Promise<unknown>): Promise<Error & { code?: ErrorCode }> {
  return connecting.then(() => assert.fail("connected"), (error) => error);
}

/** Waits until the peer has reset or ended its stream. */
function waitForDisconnect(peer: RawSocket): Promise<void> {
  return peer.until(() => peer.ended || peer.isClosed);
}

/** Like {@linkcode waitForDisconnect}, for a peer that may be in a TLS handshake. */
async function waitForTlsDisconnect(t: Live, scheme: string, peer: RawSocket): Promise<void> {
  if (scheme !== "https" || hasCapability(t.context.runtime, "cutsTlsHandshakes")) {
    await waitForDisconnect(peer);
  }
}

/** The ways a peer can disconnect. */
const end = (peer: RawSocket): void => peer.end();
const destroy = (peer: RawSocket): void => peer.destroy();
const reset = (peer: RawSocket): void => void peer.socket.resetAndDestroy();

/** Starts connecting through a proxy that the test drives. */
async function fakeProxy(
  t: Live,
  target: string,
  scheme = "http",
): Promise<{ proxy: RawServer; peer: RawSocket; failed: Promise<Error & { code?: ErrorCode }> }> {
  const proxy = await t.rawServer();
  const url = `${scheme}://127.0.0.1:${proxy.port}`;
  // If connect hangs, the case exceeds its deadline.
  const failed = failure(t.connect(target, { proxy: url, handshakeTimeout: 0 }));
  const peer = await proxy.accept();
  return { proxy, peer, failed };
}

/** Asserts that connect fails and disconnects after this response from the proxy. */
async function failsAfter(t: Live, scheme: string, answer: string | Uint8Array): Promise<void> {
  const { peer, failed } = await fakeProxy(t, "ws://127.0.0.1:1/", scheme);
  peer.send(answer);
  const error = await failed;
  assert.ok(error instanceof ConnectionError, String(error));
  assert.equal(error.code, "PROXY_FAILED", error.message);
  await waitForDisconnect(peer);
}

const perScheme: Record<string, (t: Live) => Promise<void>> = {};

for (const scheme of schemes) {
  perScheme[`${scheme}: the error for an unreachable proxy names the proxy`] = async (t) => {
    const host = `127.0.0.1:${await freePort()}`;
    const proxy = `${scheme}://user:secret@${host}`;
    const error = await failure(t.connect("ws://127.0.0.1:1/", { proxy }));
    assert.ok(error instanceof ConnectionError);
    assert.equal(error.code, "PROXY_FAILED");
    assert.ok(error.message.startsWith(`Cannot connect to the proxy ${scheme}://${host}: `));
    assert.ok(error.cause instanceof Error);
  };

  perScheme[`${scheme}: the error for an unreachable server names the server`] = async (t) => {
    const route = await openRoute(t, scheme);
    const port = await freePort();
    const options = { proxy: route.url, tls: { caCerts: route.caCerts } };
    for (const protocol of ["ws", "wss"]) {
      const error = await failure(t.connect(`${protocol}://127.0.0.1:${port}/`, options));
      assert.ok(error instanceof ConnectionError);
      assert.equal(error.code, "PROXY_REFUSED", error.message);
      assert.ok(error.message.includes(`127.0.0.1:${port}`), error.message);
    }
  };

  perScheme[`${scheme}: disconnects a silent proxy after handshakeTimeout`] = async (
    t,
  ) => {
    const proxy = await t.rawServer();
    const connecting = t.connect("wss://127.0.0.1:1/", {
      proxy: `${scheme}://127.0.0.1:${proxy.port}`,
      handshakeTimeout: 300,
    });
    const failed = failure(connecting);
    const peer = await proxy.accept();
    const error = await failed;
    assert.ok(error instanceof TimeoutError, String(error));
    assert.equal(error.code, "HANDSHAKE_TIMEOUT");
    await waitForTlsDisconnect(t, scheme, peer);
  };

  perScheme[`${scheme}: handshakeTimeout covers a proxy that does not accept the connection`] =
    async (t) => {
      const proxy = `${scheme}://127.0.0.1:${t.context.fixtures.silentPort}`;
      const error = await failure(t.connect("ws://127.0.0.1:1/", { proxy, handshakeTimeout: 300 }));
      assert.ok(error instanceof TimeoutError, String(error));
    };

  perScheme[`${scheme}: the signal cancels immediately and rejects with its reason`] = async (
    t,
  ) => {
    const proxy = await t.rawServer();
    const controller = new AbortController();
    const failed = failure(
      t.connect("wss://127.0.0.1:1/", {
        proxy: `${scheme}://127.0.0.1:${proxy.port}`,
        signal: controller.signal,
      }),
    );
    const peer = await proxy.accept();
    await peer.until(() => peer.received > 0);
    const reason = new Error("aborted");
    controller.abort(reason);
    assert.equal(await failed, reason);
    await waitForTlsDisconnect(t, scheme, peer);
  };

  perScheme[`${scheme}: closes with 1006 when the proxy disconnects`] = async (t) => {
    const { ca, cert, key } = t.context.fixtures.certificates;
    for (const tls of [undefined, { cert, key }]) {
      const route = await openRoute(t, scheme);
      const server = await echoServer(t, { tls });
      const conn = await t.connect(server.url, {
        proxy: route.url,
        tls: { caCerts: [ca, ...route.caCerts] },
      });
      conn.send("hello");
      await conn[Symbol.asyncIterator]().next();
      await route.program.stop();
      const { code, clean, error } = await conn.closed;
      assert.deepEqual({ code, clean }, { code: 1006, clean: false });
      assert.ok(error instanceof ConnectionError, String(error));
    }
  };
}

const fakeProxyCases = liveCases({
  "fails when a proxy ends or resets the connection within its response": async (t) => {
    for (
      const [scheme, answer] of [["http", "HTTP/1.1 20"], ["socks5", hex("0500 0500")]] as const
    ) {
      for (const cut of [end, destroy, reset]) {
        const { peer, failed } = await fakeProxy(t, "ws://127.0.0.1:1/", scheme);
        await peer.until(() => peer.received > 0);
        peer.send(answer);
        cut(peer);
        const error = await failed;
        assert.ok(error instanceof ConnectionError, String(error));
        assert.equal(error.code, "PROXY_FAILED");
        await waitForDisconnect(peer);
      }
    }
  },

  "fails when a proxy uses another protocol": async (t) => {
    for (
      const [scheme, answer] of [
        ["http", SOCKS_ESTABLISHED],
        ["socks5h", "HTTP/1.1 400 Bad Request\r\n\r\n"],
        ["https", "HTTP/1.1 400 Bad Request\r\n\r\n"],
      ] as const
    ) {
      await failsAfter(t, scheme, answer);
    }
  },

  "disconnects a proxy that sends endless data": async (t) => {
    for (
      const [scheme, answer] of [
        ["http", "HTTP/1.1 200 OK\r\nX: " + "x".repeat(1 << 24)],
        ["http", "HTTP/1.1 102 Processing\r\n\r\n".repeat(1 << 16)],
        ["socks5", "\x00".repeat(1 << 24)],
      ] as const
    ) {
      await failsAfter(t, scheme, answer);
    }
  },

  "fails when a proxy disconnects right after its response": async (t) => {
    for (const target of ["ws://127.0.0.1:1/", "wss://127.0.0.1:1/"]) {
      for (const cut of [end, destroy, reset]) {
        const { peer, failed } = await fakeProxy(t, target);
        await peer.head();
        peer.send(ESTABLISHED);
        cut(peer);
        const error = await failed;
        assert.ok(error instanceof ConnectionError, String(error));
        await waitForDisconnect(peer);
      }
    }
  },

  "does not treat bytes of the proxy before TLS as the server's": async (t) => {
    const { peer, failed } = await fakeProxy(t, "wss://127.0.0.1:1/");
    await peer.head();
    peer.send(`${ESTABLISHED}HTTP/1.1 302 Found\r\nLocation: ws://evil.example/\r\n\r\n`);
    const error = await failed;
    assert.ok(error instanceof ConnectionError, String(error));
    assert.equal(error.code, "PROXY_FAILED");
    await waitForDisconnect(peer);
  },

  "does not treat bytes of the proxy instead of TLS as the server's": async (t) => {
    const { peer, failed } = await fakeProxy(t, "wss://127.0.0.1:1/");
    await peer.head();
    peer.send(ESTABLISHED);
    await peer.until(() => peer.bytes.length > 0);
    // A TLS handshake record: nothing was sent in plain text.
    assert.equal(peer.bytes[0], 0x16);
    peer.send("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    const error = await failed;
    assert.ok(error instanceof ConnectionError, String(error));
    assert.equal(error.code, "CONNECT_FAILED", error.message);
    await waitForDisconnect(peer);
  },

  "delivers server bytes that arrive together with the proxy's response": async (t) => {
    for (
      const [scheme, answer] of [["http", ESTABLISHED], ["socks5h", SOCKS_ESTABLISHED]] as const
    ) {
      const { peer, failed } = await fakeProxy(t, "ws://127.0.0.1:1/", scheme);
      peer.send(answer, "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nfull");
      const error = await failed;
      assert.equal(error.name, "HandshakeError", String(error));
      assert.equal((error as { body?: string }).body, "full");
      await waitForDisconnect(peer);
    }
  },

  "delivers all bytes of a server that ends the stream after its response": async (t) => {
    const proxy = await t.rawServer();
    const connecting = t.connect("ws://127.0.0.1:1/", {
      proxy: `http://127.0.0.1:${proxy.port}`,
    });
    const peer = await proxy.accept();
    await peer.head();
    peer.send(ESTABLISHED);
    await peer.acceptUpgrade([], { opcode: 1, payload: "one" }, { opcode: 1, payload: "two" });
    peer.end();
    const conn = await connecting;
    const received: unknown[] = [];
    await assert.rejects(async () => {
      for await (const message of conn) received.push(message);
    });
    assert.deepEqual(received, ["one", "two"]);
    assert.equal((await conn.closed).code, 1006);
  },
});

export const failureCases: Cases = { ...liveCases(perScheme), ...fakeProxyCases };
