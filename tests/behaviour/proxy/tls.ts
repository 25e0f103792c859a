// Trusted authorities and certificates, with TLS to the proxy, to the server, or to both.

import assert from "node:assert/strict";
import {
  type Connection,
  ConnectionError,
  type ErrorCode,
  type TlsClientOptions,
} from "../../../mod.ts";
import { type Certificates, makeAuthority, makeCertificates } from "../../support/certificates.ts";
import { type Live, liveCases } from "../../support/live_harness.ts";
import { startStunnel, startTinyproxy } from "../../support/proxy_programs.ts";
import type { Cases } from "../harness.ts";
import { serverNameOf } from "./client_hello.ts";
import { assertEchoes, echoServer, openRoute, type Scheme } from "./route.ts";

/**
 * The authority of most servers, shared because Node takes 40 ms to load a list of authorities, and
 * the library caches the last one. Cases with the same list are adjacent.
 */
const authority = makeAuthority();

/** A route to a server: directly, or through a proxy. */
type ProxyRoute = Scheme | "no proxy";

const WAYS: readonly ProxyRoute[] = ["no proxy", "http", "https", "socks5", "socks5h"];

/** Connects over a route. Trusts its proxy in addition to the authorities in the options. */
type ConnectBy = (url: string, tls: TlsClientOptions) => Promise<Connection<undefined>>;

async function openWay(t: Live, way: ProxyRoute): Promise<ConnectBy> {
  if (way === "no proxy") return (url, tls) => t.connect(url, { tls });
  const route = await openRoute(t, way);
  return (url, tls) => {
    const caCerts = [...tls.caCerts ?? [], ...route.caCerts];
    return t.connect(url, { proxy: route.url, tls: { ...tls, caCerts } });
  };
}

async function assertRefused(connecting: Promise<unknown>, code?: ErrorCode): Promise<void> {
  const error = await connecting.then(() => assert.fail("connected"), (error) => error);
  assert.ok(error instanceof ConnectionError, String(error));
  if (code !== undefined) assert.equal(error.code, code, error.message);
}

const perWay: Record<string, (t: Live) => Promise<void>> = {};

for (const way of WAYS) {
  perWay[`${way}: rejectUnauthorized false accepts any certificate`] = async (t) => {
    const connect = await openWay(t, way);
    const { cert, key } = makeCertificates(["b.example"]);
    const server = await echoServer(t, { tls: { cert, key } });
    await assertEchoes(await connect(server.url, { rejectUnauthorized: false }));
  };

  perWay[`${way}: rejects a server with an untrusted authority`] = async (t) => {
    const connect = await openWay(t, way);
    const { cert, key } = t.context.fixtures.certificates;
    const server = await echoServer(t, { tls: { cert, key } });
    await assertRefused(connect(server.url, {}), "CONNECT_FAILED");
    const caCerts = [authority.issue().ca];
    await assertRefused(connect(server.url, { caCerts }), "CONNECT_FAILED");
    assert.equal(server.connections, 0);
  };

  perWay[`${way}: checks the certificate against the URL's host, or against serverName`] = async (
    t,
  ) => {
    const connect = await openWay(t, way);
    const { ca, cert, key } = authority.issue(["b.example", "192.0.2.7"]);
    const server = await echoServer(t, { tls: { cert, key } });
    const url = `wss://localhost:${server.port}/`;
    const caCerts = [ca];
    await assertRefused(connect(url, { caCerts }), "CONNECT_FAILED");
    await assertRefused(connect(server.url, { caCerts }), "CONNECT_FAILED");
    for (const serverName of ["a.example", "192.0.2.8"]) {
      await assertRefused(connect(url, { caCerts, serverName }), "CONNECT_FAILED");
    }
    for (const serverName of ["b.example", "192.0.2.7"]) {
      await assertEchoes(await connect(url, { caCerts, serverName }));
    }
  };

  perWay[`${way}: a certificate for one IP address is valid for that address only`] = async (t) => {
    const connect = await openWay(t, way);
    for (const [hostname, host] of [["127.0.0.1", "127.0.0.1"], ["::1", "[::1]"]]) {
      const { ca, cert, key } = authority.issue([hostname]);
      const server = await echoServer(t, { hostname, tls: { cert, key } });
      const tls = { caCerts: [ca] };
      await assertEchoes(await connect(`wss://${host}:${server.port}/`, tls));
    }
    const { ca, cert, key } = authority.issue(["::1"]);
    const server = await echoServer(t, { tls: { cert, key } });
    await assertRefused(connect(server.url, { caCerts: [ca] }), "CONNECT_FAILED");
  };

  perWay[`${way}: sends the client certificate to a server that requests one`] = async (t) => {
    const connect = await openWay(t, way);
    const certificates = authority.issue();
    const client = makeCertificates(["client.example"]);
    const server = await echoServer(t);
    const front = await startStunnel(t.context, {
      to: server.port,
      certificates,
      clientAuthority: client.ca,
    });
    const url = `wss://127.0.0.1:${front.port}/`;
    const tls = { caCerts: [certificates.ca], cert: client.cert, key: client.key };
    await assertRefused(connect(url, { caCerts: tls.caCerts }));
    await assertEchoes(await connect(url, tls));

    const stranger = makeCertificates(["client.example"]);
    await assertRefused(connect(url, { ...tls, cert: stranger.cert, key: stranger.key }));
    assert.equal(server.connections, 0);
  };
}

/** Starts an HTTPS proxy with this certificate. */
async function httpsProxy(
  t: Live,
  certificates: Certificates,
  options: { hostname?: string; clientAuthority?: string } = {},
): Promise<number> {
  const { port: to } = await startTinyproxy(t.context);
  return (await startStunnel(t.context, { to, certificates, ...options })).port;
}

const proxyCases = liveCases({
  "https: rejects a proxy with an untrusted authority": async (t) => {
    const port = await httpsProxy(t, makeCertificates());
    const server = await echoServer(t);
    const proxy = `https://127.0.0.1:${port}`;
    await assertRefused(t.connect(server.url, { proxy }), "PROXY_FAILED");
    const tls = { caCerts: [makeCertificates().ca] };
    await assertRefused(t.connect(server.url, { proxy, tls }), "PROXY_FAILED");
    assert.equal(server.connections, 0);
  },

  "https: checks a proxy's certificate against the proxy's name, not the server's": async (t) => {
    const certificates = makeCertificates(["localhost"]);
    const port = await httpsProxy(t, certificates);
    const { ca, cert, key } = makeCertificates(["b.example"]);
    const server = await echoServer(t, { tls: { cert, key } });
    const tls = { caCerts: [ca, certificates.ca], serverName: "b.example" };
    await assertEchoes(await t.connect(server.url, { proxy: `https://localhost:${port}`, tls }));
    await assertRefused(
      t.connect(server.url, { proxy: `https://127.0.0.1:${port}`, tls }),
      "PROXY_FAILED",
    );
  },

  "https: accepts a proxy with a certificate for an IPv6 address": async (t) => {
    const certificates = makeCertificates(["::1"]);
    const port = await httpsProxy(t, certificates, { hostname: "::1" });
    const server = await echoServer(t);
    const tls = { caCerts: [certificates.ca] };
    await assertEchoes(await t.connect(server.url, { proxy: `https://[::1]:${port}`, tls }));
  },

  "https: rejectUnauthorized false accepts any proxy": async (t) => {
    const port = await httpsProxy(t, makeCertificates(["b.example"]));
    const server = await echoServer(t);
    const proxy = `https://127.0.0.1:${port}`;
    await assertEchoes(
      await t.connect(server.url, { proxy, tls: { rejectUnauthorized: false } }),
    );
  },

  "https: sends the client certificate to the server, not to the proxy": async (t) => {
    const client = makeCertificates(["client.example"]);
    const certificates = makeCertificates();
    const port = await httpsProxy(t, certificates, { clientAuthority: client.ca });
    const server = await echoServer(t);
    const tls = { caCerts: [certificates.ca], cert: client.cert, key: client.key };
    await assertRefused(
      t.connect(server.url, { proxy: `https://127.0.0.1:${port}`, tls }),
      "PROXY_FAILED",
    );
  },

  "a TLS server that stops reading applies backpressure through a proxy": async (t) => {
    const { ca, cert, key } = t.context.fixtures.certificates;
    for (const scheme of ["http", "https"] as const) {
      const route = await openRoute(t, scheme);
      const server = await t.serve({ tls: { cert, key } });
      const conn = await t.connect(server.url, {
        proxy: route.url,
        tls: { caCerts: [ca, ...route.caCerts] },
      });
      const [far] = [...server.clients()];
      far.pause();
      const piece = new Uint8Array(1 << 20);
      let sent = 1;
      while (conn.send(piece) && sent < 48) sent++;
      assert.ok(sent < 48, "there was no backpressure");
      const drained = conn.drained();
      far.resume();
      await drained;
      const received = far[Symbol.asyncIterator]();
      for (let i = 0; i < sent; i++) {
        const { value } = await received.next();
        assert.equal((value as Uint8Array).length, piece.length);
      }
      conn.close();
      assert.equal((await conn.closed).clean, true);
    }
  },
});

const nameCases = liveCases({
  "sends the server name in TLS, but never an IP address": async (t) => {
    const proxy = await t.rawServer();
    for (
      const [host, given, asked] of [
        ["a.example", undefined, "a.example"],
        ["a.example", "b.example", "b.example"],
        // RFC 6066 section 3: literal IPv4 and IPv6 addresses are not permitted.
        ["192.0.2.7", undefined, undefined],
        ["[2001:db8::1]", undefined, undefined],
        ["a.example", "2001:db8::1", undefined],
        ["192.0.2.7", "b.example", "b.example"],
      ] as const
    ) {
      const connecting = assert.rejects(
        t.connect(`wss://${host}/`, {
          proxy: `http://127.0.0.1:${proxy.port}`,
          tls: { serverName: given },
        }),
        ConnectionError,
      );
      const peer = await proxy.accept();
      assert.ok((await peer.head()).startsWith(`CONNECT ${host}:443 HTTP/1.1\r\n`));
      peer.send("HTTP/1.1 200 OK\r\n\r\n");
      assert.equal(await serverNameOf(peer), asked, `${host} as ${given}`);
      peer.destroy();
      await connecting;
    }
  },

  "sends the same server names without a proxy, for any trusted authorities": async (t) => {
    const server = await t.rawServer();
    for (
      const [host, serverName, asked] of [
        ["localhost", undefined, "localhost"],
        ["127.0.0.1", undefined, undefined],
        ["127.0.0.1", "b.example", "b.example"],
      ] as const
    ) {
      for (const rejectUnauthorized of [true, false]) {
        const connecting = assert.rejects(
          t.connect(`wss://${host}:${server.port}/`, { tls: { serverName, rejectUnauthorized } }),
          ConnectionError,
        );
        const peer = await server.accept();
        const how = `${host} as ${serverName}, ${rejectUnauthorized}`;
        assert.equal(await serverNameOf(peer), asked, how);
        peer.destroy();
        await connecting;
      }
    }
  },

  "sends an https proxy its own name in TLS, never the server's": async (t) => {
    const proxy = await t.rawServer();
    for (const [host, asked] of [["localhost", "localhost"], ["127.0.0.1", undefined]] as const) {
      const connecting = assert.rejects(
        t.connect("wss://a.example/", {
          proxy: `https://${host}:${proxy.port}`,
          tls: { serverName: "b.example" },
        }),
        { code: "PROXY_FAILED" },
      );
      const peer = await proxy.accept();
      assert.equal(await serverNameOf(peer), asked);
      peer.destroy();
      await connecting;
    }
  },
});

export const proxyTlsCases: Cases = { ...liveCases(perWay), ...proxyCases, ...nameCases };
