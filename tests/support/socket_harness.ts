// Opens servers and connections over an in-memory network for one test. Afterwards it closes all of
// them and checks that no timer is left.

import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { connectOver } from "../../src/client/connect.ts";
import { connectOn } from "../../src/entry.ts";
import type { ConnectOptions } from "../../src/client/connect_options.ts";
import type { Connection } from "../../src/connection/connection.ts";
import type { ConnectionOptions } from "../../src/connection/connection_options.ts";
import type { Handlers } from "../../src/connection/handlers.ts";
import type { ReconnectingConnection } from "../../src/reconnect/connection.ts";
import type { ReconnectingConnectOptions } from "../../src/reconnect/connect.ts";
import { serveOver } from "../../src/server/serve.ts";
import type { ServeOptions } from "../../src/server/serve_options.ts";
import type { Server } from "../../src/server/serve.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import { MemoryNetwork, type MemoryTransport, transportPair } from "./memory_network.ts";
import { RawPeer, upgradeRequest } from "./raw_peer.ts";
import { MASK_KEY } from "./vectors.ts";

/** Options that both sides of a connection share. */
export type CommonOptions = ConnectionOptions & Handlers<undefined>;

/** An open connection whose peer the test controls. */
export interface Side<T = undefined> {
  readonly conn: Connection<T>;
  /** The other side. */
  readonly peer: RawPeer;
  /** The connection's end of the stream. Its `writes` start after the handshake. */
  readonly transport: MemoryTransport;
}

/** Both sides of a connection: `near` is the client's, `far` the server's. */
export interface Pair {
  readonly server: Server;
  readonly near: Connection<undefined>;
  readonly far: Connection<undefined>;
}

/** Waits for a macrotask, after which all pending data in memory has arrived. */
export function nextMacrotask(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** Opens the connections of one test. */
export class Harness {
  readonly network = new MemoryNetwork();
  readonly #servers: { shutdown(options: { timeout: number }): Promise<void> }[] = [];
  readonly #connections: Pick<Connection, "terminate" | "closed">[] = [];
  readonly #peers: RawPeer[] = [];

  /** Starts a server. */
  async serve<T = undefined>(options: ServeOptions<T> = {}): Promise<Server<T>> {
    const server = await serveOver(this.network, options);
    this.#servers.push(server);
    return server;
  }

  /** Opens a client connection. */
  async connect<T = undefined>(
    url: string | URL,
    options: ConnectOptions<T> = {},
  ): Promise<Connection<T>> {
    const connection = await connectOver(this.network, url, options);
    this.#connections.push(connection);
    return connection;
  }

  /** Opens a client connection that reconnects automatically. */
  async connectReconnecting<T = undefined>(
    url: string | URL,
    options: ReconnectingConnectOptions<T>,
  ): Promise<ReconnectingConnection<T>> {
    const connection = await connectOn(this.network)(url, options);
    this.#connections.push(connection);
    return connection;
  }

  /** Opens a raw client, which has sent nothing yet. */
  rawClient(server: { readonly port: number }): RawPeer {
    return this.peer(this.network.open(server.port), MASK_KEY);
  }

  /** Starts a server, and sends it a request from a raw client. */
  async ask<T = undefined>(
    options: ServeOptions<T>,
    request: string | Uint8Array = upgradeRequest(),
  ): Promise<RawPeer> {
    const client = this.rawClient(await this.serve(options));
    client.send(request);
    return client;
  }

  /** Creates a raw peer at one end of a stream. */
  peer(transport: MemoryTransport, mask?: readonly number[]): RawPeer {
    const peer = new RawPeer(transport, mask);
    this.#peers.push(peer);
    return peer;
  }

  /** Opens a server-side connection. */
  async accept<T = undefined>(
    options: ServeOptions<T> = {},
    behind: Uint8Array | string = "",
  ): Promise<Side<T> & { readonly server: Server<T> }> {
    const server = await this.serve(options);
    const peer = this.rawClient(server);
    peer.send(upgradeRequest(), behind);
    assert.equal((await peer.answer()).status, 101);
    const transport = peer.transport.peer;
    transport.writes.length = 0;
    return { server, conn: [...server.clients()][0], peer, transport };
  }

  /** Starts a client connection that waits for a response from the test. */
  startConnect<T = undefined>(
    options: ConnectOptions<T> = {},
    url = "ws://a.example/chat",
  ): { connecting: Promise<Connection<T>>; peer: RawPeer; transport: MemoryTransport } {
    const [transport, far] = transportPair();
    const dial = (): Promise<MemoryTransport> => Promise.resolve(transport);
    const connecting = this.connect(url, { ...options, dial });
    // The test awaits it later.
    connecting.catch(() => {});
    return { connecting, peer: this.peer(far), transport };
  }

  /** Opens a client-side connection. */
  async openClient<T = undefined>(
    options: ConnectOptions<T> = {},
    behind: Uint8Array = new Uint8Array(0),
    lines: readonly string[] = [],
  ): Promise<Side<T>> {
    const { connecting, peer, transport } = this.startConnect(options);
    await peer.acceptUpgrade(lines, behind);
    const conn = await connecting;
    transport.writes.length = 0;
    return { conn, peer, transport };
  }

  /** Opens a connection between a client and a server of the library. */
  async pair(
    serverOptions: ServeOptions = {},
    clientOptions: ConnectOptions = {},
  ): Promise<Pair> {
    const server = await this.serve(serverOptions);
    const near = await this.connect(server.url, clientOptions);
    return { server, near, far: [...server.clients()].at(-1)! };
  }

  /** Closes everything. */
  async end(): Promise<void> {
    for (const connection of this.#connections) connection.terminate();
    for (const peer of this.#peers) peer.transport.destroy();
    for (const server of this.#servers) await server.shutdown({ timeout: 0 });
    for (const connection of this.#connections) await connection.closed;
    await nextMacrotask();
  }
}

/** Registers a test of the socket layer. */
export function socketTest(name: string, test: (t: Harness) => Promise<void>): void {
  Deno.test(name, async () => {
    const harness = new Harness();
    try {
      await test(harness);
    } finally {
      await harness.end();
    }
    assert.equal(timers.size, 0, "a timer is still running");
  });
}

/** Registers a test twice: for the server side and for the client side of a connection. */
export function bothSides(
  name: string,
  test: (
    t: Harness,
    open: (options?: CommonOptions) => Promise<Side>,
    side: "server" | "client",
  ) => Promise<void>,
): void {
  socketTest(`${name} (server)`, (t) => test(t, (options) => t.accept(options), "server"));
  socketTest(`${name} (client)`, (t) => test(t, (options) => t.openClient(options), "client"));
}
