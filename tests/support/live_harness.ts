// Opens servers, connections and raw peers over real sockets for one case of a behavior suite. It
// uses the main entry, as users do, and closes everything when the case ends.

import type { UpgradeDataOption } from "../../src/server/upgrade_hook.ts";
import assert from "node:assert/strict";
import {
  type Connect,
  connect as connectOverSockets,
  type Connection,
  type ConnectionOptions,
  type ConnectOptions,
  type DialOptions,
  type Handlers,
  type ReconnectingConnection,
  type ReconnectingConnectOptions,
  type ReconnectingUrl,
  serve,
  type ServeOptions,
  type Server,
  type Transport,
} from "../../mod.ts";
import type { Cases, Context } from "../behaviour/harness.ts";
import { RawServer, RawSocket } from "./raw_socket.ts";
import type { FrameParts } from "./vectors.ts";
import process from "node:process";
import { SERVER_VARIABLE } from "../behaviour/harness.ts";
import { serveNatively } from "./native_server.ts";

/** Whether servers run on the runtime's own WebSockets. */
const isNative = process.env[SERVER_VARIABLE] === "native";

/**
 * The `connect` that the cases use: the one of the main entry, unless {@linkcode useClient} has
 * replaced it.
 */
export let connect: Connect = connectOverSockets;

/** Options of all servers, in addition to those of each case. */
let serverOptions: ServeOptions<never> = {};

/**
 * Makes later cases use another `connect`.
 *
 * @param client The other `connect`. It may reject options of the main entry.
 * @param options Options that servers need for this client.
 */
export function useClient(client: unknown, options: ServeOptions<never> = {}): void {
  connect = client as Connect;
  serverOptions = options;
}

/** A promise that other code settles, once. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  resolve!: (value: T) => void;
  reject!: (error: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** Records events in order, and lets a test wait for them. */
export class Queue<T> {
  /** Everything that was pushed. */
  readonly all: T[] = [];
  #taken = 0;
  #waiting: Array<{ isMet: () => boolean; resolve: () => void }> = [];

  /** Adds an item. It is bound, so it can be passed as a callback. */
  readonly push = (item: T): void => {
    this.all.push(item);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const waiter of waiting) {
      if (waiter.isMet()) waiter.resolve();
      else this.#waiting.push(waiter);
    }
  };

  /** Waits until at least `count` items were pushed, and returns all items. */
  async atLeast(count: number): Promise<T[]> {
    const isMet = (): boolean => this.all.length >= count;
    if (!isMet()) await new Promise<void>((resolve) => this.#waiting.push({ isMet, resolve }));
    return this.all;
  }

  /** Waits for the next unread item. */
  async next(): Promise<T> {
    const index = this.#taken++;
    return (await this.atLeast(index + 1))[index];
  }
}

/** Both sides of a connection: `near` is the client's, `far` the server's. */
export interface LivePair<T = undefined> {
  readonly server: Server<T>;
  readonly near: Connection<undefined>;
  readonly far: Connection<T>;
}

/** An open connection whose peer the test controls. */
export interface LiveSide<T = undefined> {
  readonly conn: Connection<T>;
  readonly peer: RawSocket;
}

/** Options that `serve` and `connect` share. */
export type CommonOptions = ConnectionOptions & Handlers<undefined>;

/**
 * Opens one side of a connection. The peer may send frames (`behind`) right after its handshake.
 */
export type OpenSide = (options?: CommonOptions, ...behind: FrameParts[]) => Promise<LiveSide>;

/** Opens the connections of one case. */
export class Live {
  readonly context: Context;

  constructor(context: Context) {
    this.context = context;
  }

  /** Starts a server. */
  async serve<T = undefined>(options: ServeOptions<T> = {}): Promise<Server<T>> {
    // These tests do not use `data`, so `upgrade` need not return it.
    const plain = { ...serverOptions, ...options } as ServeOptions<T> & UpgradeDataOption<T>;
    const server = await (isNative ? serveNatively(options) : serve(plain));
    this.context.after(() => server.shutdown({ timeout: 0 }));
    return server;
  }

  /** Opens a client connection. */
  async connect<T = undefined>(
    url: string | URL,
    options: ConnectOptions<T> = {},
  ): Promise<Connection<T>> {
    const connection = await connect(url, options);
    this.context.after(async () => {
      connection.terminate();
      await connection.closed;
    });
    return connection;
  }

  /** Opens a client connection that reconnects automatically. */
  async connectReconnecting<T = undefined>(
    url: ReconnectingUrl,
    options: ReconnectingConnectOptions<T>,
  ): Promise<ReconnectingConnection<T>> {
    const connection = await connect(url, options);
    this.context.after(async () => {
      connection.terminate();
      await connection.closed;
    });
    return connection;
  }

  /** Opens a raw client, which has sent nothing yet. */
  async rawClient(
    server: { readonly port: number; readonly hostname?: string },
  ): Promise<RawSocket> {
    const peer = await RawSocket.open(server);
    this.context.after(() => peer.destroy());
    return peer;
  }

  /** Starts a raw server, which sends no automatic responses. */
  async rawServer(): Promise<RawServer> {
    const server = await RawServer.listen();
    this.context.after(() => server.close());
    return server;
  }

  /** Opens a connection between a client and a server of the library. */
  async pair<T = undefined>(
    serveOptions: ServeOptions<T> = {},
    connectOptions: ConnectOptions = {},
  ): Promise<LivePair<T>> {
    const server = await this.serve(serveOptions);
    const near = await this.connect(server.url, connectOptions);
    return { server, near, far: [...server.clients()].at(-1)! };
  }

  /** Opens a server-side connection. The client may send frames right after its request. */
  async accept<T = undefined>(
    options: ServeOptions<T> = {},
    ...behind: FrameParts[]
  ): Promise<LiveSide<T> & { readonly server: Server<T> }> {
    const opened = new Deferred<Connection<T>>();
    const server = await this.serve({
      ...options,
      open(conn) {
        opened.resolve(conn);
        return options.open?.(conn);
      },
    });
    const peer = await this.rawClient(server);
    assert.equal((await peer.upgrade([], ...behind)).status, 101);
    return { server, conn: await opened.promise, peer };
  }

  /** Like {@linkcode Live.openClient}, over a stream that wraps a real socket. */
  async reachOver<T = undefined>(
    change: (transport: Transport) => Transport,
    options: ConnectOptions<T> = {},
  ): Promise<LiveSide<T>> {
    const dial = async (address: DialOptions): Promise<Transport> =>
      change(await this.context.network.dial(address));
    return await this.openClient({ ...options, dial });
  }

  /** Opens a client-side connection. The server may send frames right after its response. */
  async openClient<T = undefined>(
    options: ConnectOptions<T> = {},
    ...behind: FrameParts[]
  ): Promise<LiveSide<T> & { readonly request: string }> {
    const server = await this.rawServer();
    const connecting = this.connect(server.url, options);
    const peer = await server.accept();
    const request = await peer.acceptUpgrade([], ...behind);
    return { conn: await connecting, peer, request };
  }
}

/** Runs a check twice: with a function that opens the server side, and one for the client side. */
export async function onBothSides(
  t: Live,
  test: (open: OpenSide) => Promise<void>,
): Promise<void> {
  await test((options, ...behind) => t.accept(options, ...behind));
  await test((options, ...behind) => t.openClient(options, ...behind));
}

/** Runs a check on a server-side and on a client-side connection. */
export async function withEachSide(
  t: Live,
  options: CommonOptions,
  test: (side: LiveSide) => Promise<void>,
): Promise<void> {
  await onBothSides(t, async (open) => await test(await open(options)));
}

/** Creates the cases of a suite. Each case gets its own harness. */
export function liveCases(
  cases: Record<string, (t: Live) => Promise<void>>,
): Cases {
  return Object.fromEntries(
    Object.entries(cases).map(([name, run]) => [
      name,
      (context: Context) => run(new Live(context)),
    ]),
  );
}

/**
 * Waits until a number has not changed for many turns of the event loop, and returns it. For
 * effects that must not happen, and so have no event to wait for.
 */
export async function settled(read: () => number): Promise<number> {
  let last = read();
  for (let same = 0; same < 30; same++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const now = read();
    if (now !== last) same = 0;
    last = now;
  }
  return last;
}

/** The iterator of each connection; a connection allows only one. */
const readers: WeakMap<object, AsyncIterator<unknown>> = new WeakMap();

/** Reads the next `count` messages of a connection. */
export async function nextMessages(conn: Connection<undefined>, count: number): Promise<unknown[]> {
  let reader = readers.get(conn);
  if (reader === undefined) readers.set(conn, reader = conn[Symbol.asyncIterator]());
  const messages: unknown[] = [];
  while (messages.length < count) messages.push((await reader.next()).value);
  return messages;
}
