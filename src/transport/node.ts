/*
 * The port to `node:net` and `node:tls`. It also works on Deno and Bun; Deno's transport uses it
 * where `Deno.connectTls` is insufficient.
 */

import * as net from "node:net";
import process from "node:process";
import { maxUnixPathOn } from "../shared/check.ts";
import { NodeTransport } from "./node_transport.ts";
import { checkRuntime } from "./node_versions.ts";
import type {
  DialOptions,
  Listener,
  ListenerSink,
  ListenOptions,
  Network,
  Transport,
} from "./transport.ts";

/**
 * Node's paused streams read ahead up to this size, here one chunk; the kernel keeps the rest. A
 * later reset then waits instead of discarding it.
 */
const HIGH_WATER_MARK = 1;

/** `node:net` and `node:tls` as a {@linkcode Network}. */
export const nodeNetwork: Network = {
  maxUnixPath: maxUnixPathOn(process.platform),
  dial,
  listen,
  startTls: async (transport, options) => (await loadTls()).startTls(transport, options),
  lookup: async (hostname) => (await (await import("node:dns/promises")).lookup(hostname)).address,
};

/** `node:tls` and `node:crypto` take 20 ms to load, and few servers terminate TLS. */
const loadTls = (): Promise<typeof import("./node_tls.ts")> => import("./node_tls.ts");

async function dial(options: DialOptions): Promise<Transport> {
  checkRuntime();
  const { hostname: host, port, unix, noDelay, signal } = options;
  const secured = options.tls && await loadTls();
  signal?.throwIfAborted();
  const stream = { allowHalfOpen: true, highWaterMark: HIGH_WATER_MARK };
  const address: net.NetConnectOpts = unix !== undefined
    ? { path: unix, ...stream }
    : { host, port, noDelay, ...stream };
  const socket = secured === undefined
    ? net.connect(address)
    : secured.connectTls(address, options.tls!, host) as net.Socket;
  return await new Promise((resolve, reject) => {
    const abort = (): void => {
      socket.destroy();
      reject(signal!.reason);
    };
    const fail = (error: Error): void => {
      signal?.removeEventListener("abort", abort);
      reject(error);
    };
    signal?.addEventListener("abort", abort);
    socket.once("error", fail);
    socket.once(secured === undefined ? "connect" : "secureConnect", () => {
      signal?.removeEventListener("abort", abort);
      socket.removeListener("error", fail);
      resolve(new NodeTransport(socket));
    });
  });
}

async function listen(options: ListenOptions, sink: ListenerSink): Promise<Listener> {
  checkRuntime();
  const stream = { highWaterMark: HIGH_WATER_MARK };
  const secure = options.tls && (await loadTls()).socketSecurer(options.tls, stream);
  return await new Promise((resolve, reject) => {
    const server = net.createServer(
      { allowHalfOpen: true, noDelay: options.noDelay, ...stream },
      (socket) => {
        // Not `tls.createServer`, which reports connections only after the TLS handshake.
        sink.accept(new NodeTransport(secure === undefined ? socket : secure(socket)));
      },
    );
    server.once("error", reject);
    server.once("listening", () => {
      server.removeListener("error", reject);
      server.on("error", (error) => sink.error(error));
      resolve(new NodeListener(server));
    });
    const { backlog, unix } = options;
    if (unix !== undefined) {
      server.listen({ path: unix, backlog });
    } else {
      if (options.reusePort) requireReusePort();
      const { hostname: host, port, reusePort } = options;
      server.listen({ host, port, backlog, reusePort } as net.ListenOptions);
    }
  });
}

/** Older versions silently ignore the option. */
function requireReusePort(): void {
  const [major, minor] = process.versions.node.split(".").map(Number) as [number, number];
  if (major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12)) return;
  throw new TypeError(`reusePort needs Node 22.12 or later, this is ${process.versions.node}`);
}

export class NodeListener implements Listener {
  readonly hostname: string;
  readonly port: number;
  readonly #server: net.Server;

  constructor(server: net.Server) {
    const address = server.address();
    this.#server = server;
    this.hostname = typeof address === "string" ? address : address!.address;
    this.port = typeof address === "string" ? 0 : address!.port;
  }

  /**
   * Resumes accepting on Deno, whose listeners do not recover after a failed accept. No effect if
   * the listener still accepts.
   */
  resumeAccepting(backlog: number): void {
    const { _handle } = this.#server as { _handle?: { listen?(backlog: number): unknown } | null };
    _handle?.listen?.(backlog);
  }

  close(): Promise<void> {
    // The address is released immediately; the callback of `close` would wait for the last
    // connection.
    this.#server.close();
    return Promise.resolve();
  }
}
