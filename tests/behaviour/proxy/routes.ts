// Connections through every kind of proxy to every kind of target.

import assert from "node:assert/strict";
import { type Live, liveCases } from "../../support/live_harness.ts";
import type { Cases } from "../harness.ts";
import {
  assertAskedFor,
  assertEchoes,
  echoServer,
  openRoute,
  type Scheme,
  schemes,
} from "./route.ts";

/** Hosts as written in a URL, with the server's listen address and the IP address. */
const HOSTS: readonly [host: string, hostname: string, address: string][] = [
  ["127.0.0.1", "127.0.0.1", "127.0.0.1"],
  ["[::1]", "::1", "::1"],
  ["localhost", "127.0.0.1", "127.0.0.1"],
];

const routes: Record<string, (t: Live) => Promise<void>> = {};

for (const scheme of schemes) {
  for (const secure of [false, true]) {
    for (const [host, hostname, address] of HOSTS) {
      const target = `${secure ? "wss" : "ws"}://${host}`;
      routes[`${target} through ${scheme}`] = async (t) => {
        const route = await openRoute(t, scheme);
        const { ca, cert, key } = t.context.fixtures.certificates;
        const server = await echoServer(t, { hostname, tls: secure ? { cert, key } : undefined });
        const conn = await t.connect(`${target}:${server.port}/`, {
          proxy: route.url,
          tls: { caCerts: [ca, ...route.caCerts] },
        });
        assert.equal(conn.url, `${target}:${server.port}/`);
        await assertEchoes(conn);
        await assertAskedFor(route, scheme, nameFor(scheme, host, address), server.port);
      };
    }
  }
}

/** Returns the host sent to the proxy. `socks5` resolves names locally. SOCKS uses no brackets. */
function nameFor(scheme: Scheme, host: string, address: string): string {
  if (scheme === "socks5") return address;
  return scheme === "socks5h" && host.startsWith("[") ? address : host;
}

const more = liveCases({
  "connects through a proxy on an IPv6 address": async (t) => {
    const server = await echoServer(t);
    for (const scheme of schemes) {
      const route = await openRoute(t, scheme, { hostname: "::1" });
      await assertEchoes(
        await t.connect(server.url, { proxy: route.url, tls: { caCerts: route.caCerts } }),
      );
    }
  },

  "opens many connections in parallel through one proxy": async (t) => {
    const server = await echoServer(t);
    for (const scheme of ["http", "socks5"] as const) {
      const { url } = await openRoute(t, scheme);
      await Promise.all(
        Array.from(
          { length: 20 },
          async () => assertEchoes(await t.connect(server.url, { proxy: url })),
        ),
      );
    }
  },

  "a function selects a proxy or none for each URL": async (t) => {
    const route = await openRoute(t, "http");
    const server = await echoServer(t);
    const asked: string[] = [];
    const proxy = (url: URL): URL | undefined => {
      asked.push(url.href);
      return url.pathname === "/far" ? new URL(route.url) : undefined;
    };
    await assertEchoes(await t.connect(server.url, { proxy }));
    await assertEchoes(await t.connect(`${server.url}far`, { proxy }));
    assert.deepEqual(asked, [server.url, `${server.url}far`]);
    await assertAskedFor(route, "http", "127.0.0.1", server.port);
  },

  "reports the rejection of an upgrade through a proxy": async (t) => {
    const { url } = await openRoute(t, "http");
    const server = await t.serve({ upgrade: () => ({ status: 401, body: "no token" }) });
    await assert.rejects(t.connect(server.url, { proxy: url }), {
      name: "HandshakeError",
      status: 401,
      body: "no token",
    });
  },
});

export const routeCases: Cases = { ...liveCases(routes), ...more };
