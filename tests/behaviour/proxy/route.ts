// Routes to a server through real proxies, and assertions about them.

import assert from "node:assert/strict";
import type { Connection, ServeOptions, Server } from "../../../mod.ts";
import { type Certificates, makeCertificates } from "../../support/certificates.ts";
import type { Live } from "../../support/live_harness.ts";
import {
  type ListeningProgram,
  type ProxyOptions,
  startMicrosocks,
  startStunnel,
  startTinyproxy,
} from "../../support/proxy_programs.ts";

/** The protocol between a client and its proxy. */
export type Scheme = "http" | "https" | "socks5" | "socks5h";

/** All protocols. */
export const schemes: readonly Scheme[] = ["http", "https", "socks5", "socks5h"];

/** A running proxy. */
export interface Route {
  /** The URL of the proxy, without credentials. */
  readonly url: string;
  /** The authority of the proxy's certificate, if it uses TLS. */
  readonly caCerts: string[];
  /** The proxy program, whose log contains the targets. */
  readonly program: ListeningProgram;
}

/** The certificate of all `https` proxies, shared so that clients load its authority once. */
let proxyCertificates: Certificates | undefined;

/** Starts a proxy. An `https` proxy is tinyproxy behind stunnel. */
export async function openRoute(
  { context }: Live,
  scheme: Scheme,
  options: ProxyOptions = {},
): Promise<Route> {
  const { username, password } = options;
  const isHttp = scheme === "http" || scheme === "https";
  // stunnel listens on the requested address, and connects to tinyproxy on 127.0.0.1.
  const hostname = scheme === "https" ? undefined : options.hostname;
  const program = await (isHttp ? startTinyproxy : startMicrosocks)(context, {
    hostname,
    username,
    password,
  });
  let front = program;
  let caCerts: string[] = [];
  if (scheme === "https") {
    const certificates = proxyCertificates ??= makeCertificates();
    front = await startStunnel(context, {
      hostname: options.hostname,
      to: program.port,
      certificates,
    });
    caCerts = [certificates.ca];
  }
  const host = front.hostname.includes(":") ? `[${front.hostname}]` : front.hostname;
  return {
    url: `${scheme}://${host}:${front.port}`,
    caCerts,
    program,
  };
}

/** Starts an echo server. */
export function echoServer(t: Live, options: ServeOptions = {}): Promise<Server> {
  return t.serve({ ...options, message: (conn, data) => void conn.send(data) });
}

/** Waits until the log of the proxy contains a target. */
export async function assertAskedFor(
  { program }: Route,
  scheme: Scheme,
  host: string,
  port: number,
): Promise<void> {
  const target = scheme.startsWith("http") ? `CONNECT ${host}:${port} ` : ` to ${host}:${port}\n`;
  await program.logged(target);
}

const LARGE = new Uint8Array(300_000);
for (let i = 0; i < LARGE.length; i++) LARGE[i] = i * 7 + (i >> 8);

/** Asserts that small and large messages of both kinds are echoed, then closes cleanly. */
export async function assertEchoes(conn: Connection<undefined>): Promise<void> {
  const messages = ["hello", "", Uint8Array.of(1, 2, 3), LARGE, "x".repeat(70_000)];
  const received = conn[Symbol.asyncIterator]();
  for (const message of messages) conn.send(message);
  for (const message of messages) {
    assert.deepEqual(await received.next(), { done: false, value: message });
  }
  conn.close(1000, "done");
  const { code, clean, initiator } = await conn.closed;
  assert.deepEqual({ code, clean, initiator }, { code: 1000, clean: true, initiator: "local" });
}
