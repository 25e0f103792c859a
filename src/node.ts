/**
 * The library bound to Node: the same `connect` and `serve` as the main entry, over `node:net` and
 * `node:tls`; in addition {@linkcode attach}, {@linkcode createUpgrader} and {@linkcode upgrade}
 * for an existing HTTP server, as in Express, Fastify, Koa and Hono on Node.
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { attach } from "@quickws/quickws/node";
 *
 * const httpServer = createServer((_, response) => response.end("plain HTTP"));
 * const sockets = attach(httpServer, { message: (conn, data) => conn.send(data) });
 * httpServer.listen(0, "127.0.0.1", async () => {
 *   await sockets.shutdown();
 *   httpServer.close();
 * });
 * ```
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { nodeNetwork } from "./transport/node.ts";
import { type NodeSocket, NodeTransport } from "./transport/node_transport.ts";
import { checkRuntime } from "./transport/node_versions.ts";
import type { Connection } from "./connection/connection.ts";
import { type Connect, connectOn, type Serve, serveOn } from "./entry.ts";

import type { UpgradeOptions } from "./server/serve_options.ts";
import type {
  UpgradeCallOptions,
  UpgradeDataOption,
  UpgradeSocket,
  UpgradeTls,
} from "./server/upgrade_hook.ts";
import {
  type NodeUpgradeRequest,
  type NodeUpgradeSocket,
  type SocketSharing,
  Upgrader,
} from "./server/upgrader.ts";
import type { Transport } from "./transport/transport.ts";

export * from "./public.ts";
export type { NodeUpgradeRequest, NodeUpgradeSocket, UpgradeCallOptions, UpgradeOptions, Upgrader };

/**
 * The part of a `node:http` or `node:https` server that {@linkcode attach} needs.
 *
 * @category Server
 */
export interface NodeHttpServer {
  /** Adds the listener of the `upgrade` event. */
  on(event: "upgrade", listener: NodeUpgradeListener): unknown;
  /** The number of listeners of an event. */
  listenerCount?(event: "upgrade"): number;
  /** Removes it again. */
  removeListener(event: "upgrade", listener: NodeUpgradeListener): unknown;
}

/**
 * The `upgrade` listener of a `node:http` server, called for requests with an `Upgrade` field.
 *
 * @category Server
 */
export type NodeUpgradeListener = (
  request: NodeUpgradeRequest,
  socket: NodeUpgradeSocket,
  head: Uint8Array,
) => void;

/**
 * Starts a WebSocket server; see {@linkcode Serve}.
 *
 * @category Server
 */
export const serve: Serve = serveOn(nodeNetwork);

/**
 * Opens a connection to a WebSocket server; see {@linkcode Connect}.
 *
 * @category Client
 */
export const connect: Connect = connectOn(nodeNetwork);

/** The part of a `node:http` upgrade socket needed to share it between listeners. */
interface SharedNodeSocket extends NodeSocket {
  readonly readableEnded: boolean;
  readonly writableEnded: boolean;
  readonly bytesWritten: number;
  readonly servername?: string | false | null;
  listenerCount(event: string): number;
  removeListener(event: string, listener: () => void): unknown;
}

/** Sockets already answered or owned by `upgrader.upgrade`. */
const taken: WeakSet<NodeUpgradeSocket> = new WeakSet();

/** Sockets whose errors are expected. */
const guarded: WeakSet<NodeUpgradeSocket> = new WeakSet();

const sharing: SocketSharing = {
  share(socket: NodeUpgradeSocket, isExclusive: boolean): UpgradeSocket {
    if (isExclusive) {
      if (taken.has(socket)) throw twoAnswers();
      taken.add(socket);
    }
    return new NodeUpgrade(socket, isExclusive);
  },
};

/** The socket of an upgrade, as seen by one listener of the HTTP server. */
class NodeUpgrade implements UpgradeSocket {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly tls: UpgradeTls | undefined;
  readonly #socket: SharedNodeSocket;
  readonly #isExclusive: boolean;
  /** The output of previous responses on the connection. */
  readonly #written: number;
  #left: (() => void) | undefined;

  constructor(socket: NodeUpgradeSocket, isExclusive: boolean) {
    const shared = socket as unknown as SharedNodeSocket;
    this.#socket = shared;
    this.#isExclusive = isExclusive;
    this.#written = shared.bytesWritten;
    this.remoteAddress = shared.remoteAddress ?? "";
    this.remotePort = shared.remotePort ?? 0;
    this.tls = shared.encrypted === true
      ? { serverName: shared.servername || undefined }
      : undefined;
    // `node:http` has removed its error listener: an unhandled reset would end the process.
    if (guarded.has(socket)) return;
    guarded.add(socket);
    shared.on("error", () => {});
  }

  watch(left: () => void): void {
    this.#left = left;
    this.#socket.on("close", left);
    this.#socket.on("end", left);
    if (this.#isGone) queueMicrotask(() => this.#left?.());
  }

  take(): Transport | undefined {
    this.#unwatch();
    if (!this.#isExclusive && this.#isTaken) throw twoAnswers();
    taken.add(this.#socket);
    if (this.#isGone) {
      this.#cut();
      return undefined;
    }
    return new NodeTransport(this.#socket);
  }

  leave(): void {
    this.#unwatch();
    if (this.#isExclusive) taken.delete(this.#socket);
  }

  drop(): void {
    this.#unwatch();
    if (this.#isExclusive || !this.#isTaken) this.#cut();
  }

  #cut(): void {
    // A final response of user code may still be in transmission.
    if (!this.#socket.writableEnded) this.#socket.destroy();
  }

  /** Whether the client has disconnected, or either direction has ended. */
  get #isGone(): boolean {
    const { destroyed, readableEnded, writableEnded } = this.#socket;
    return destroyed || readableEnded || writableEnded;
  }

  /** Whether a listener of this library has answered, or another one reads or has written. */
  get #isTaken(): boolean {
    const socket = this.#socket;
    return taken.has(socket) || socket.listenerCount("data") > 0 ||
      socket.bytesWritten > this.#written;
  }

  #unwatch(): void {
    if (this.#left === undefined) return;
    this.#socket.removeListener("close", this.#left);
    this.#socket.removeListener("end", this.#left);
    this.#left = undefined;
  }
}

function newUpgrader<T>(options: UpgradeOptions<T>): Upgrader<T> {
  checkRuntime();
  return new Upgrader(options, sharing);
}

function twoAnswers(): TypeError {
  return new TypeError(
    "Two listeners handle the same upgrade request: give each attach() its own `path`, or return " +
      '"pass" from `upgrade` for requests meant for others; call upgrader.upgrade() once per socket',
  );
}

/**
 * Validates a set of options once for many upgrades.
 *
 * @throws {TypeError | RangeError} When an option is wrong.
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { createUpgrader } from "@quickws/quickws/node";
 *
 * const chat = createUpgrader({ message: (conn, data) => conn.send(data) });
 * const httpServer = createServer();
 * httpServer.on("upgrade", (request, socket, head) => {
 *   if (request.url === "/chat") chat.upgrade(request, socket, head);
 *   else socket.destroy();
 * });
 * ```
 *
 * @category Server
 */
export function createUpgrader<T = undefined>(options: UpgradeOptions<T> = {}): Upgrader<T> {
  return newUpgrader(options);
}

/**
 * Upgrades one request; see {@linkcode Upgrader.upgrade}. For many requests, {@linkcode
 * createUpgrader} validates the options only once.
 *
 * @returns The connection, or `undefined` when the request was rejected or the client has
 * disconnected.
 * @throws {TypeError | RangeError} When an option is wrong.
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { upgrade } from "@quickws/quickws/node";
 *
 * const httpServer = createServer();
 * httpServer.on("upgrade", async (request, socket, head) => {
 *   const conn = await upgrade(request, socket, head, { text: "bytes" });
 *   conn?.send("welcome");
 * });
 * ```
 *
 * @category Server
 */
export function upgrade<T = undefined>(
  request: NodeUpgradeRequest,
  socket: NodeUpgradeSocket,
  head: Uint8Array,
  options: UpgradeOptions<T> = {},
): Promise<Connection<T> | undefined> {
  return newUpgrader(options).upgrade(request, socket, head);
}

/**
 * Accepts WebSockets on a `node:http` or `node:https` server, which still answers plain requests.
 *
 * The server is shared: requests for another `path`, or for which the `upgrade` hook returns
 * `"pass"`, are left to other `upgrade` listeners, such as Vite, Next, socket.io or a second
 * `attach`. If all listeners are from `attach` and none accepts a request, the response is 404. If
 * two listeners answer the same request, `onError` is called and the client gets one response.
 *
 * @returns The connections; `shutdown` detaches from the server but does not close it.
 * @throws {TypeError | RangeError} When an option is wrong.
 * @throws {Error} On runtimes that are too old, such as Bun before 1.4, whose `node:http` does not
 * hand over sockets.
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { attach } from "@quickws/quickws/node";
 *
 * const httpServer = createServer((_, response) => response.end("plain HTTP"));
 * const sockets = attach(httpServer, {
 *   path: "/chat",
 *   message(conn, data) {
 *     sockets.broadcast(data, { except: conn });
 *   },
 * });
 * ```
 *
 * @category Server
 */
export function attach<T = undefined>(
  server: NodeHttpServer,
  options?: UpgradeOptions<T> & UpgradeDataOption<T>,
): Upgrader<T> {
  const upgrader = newUpgrader<T>(options ?? {});
  const listener: NodeUpgradeListener = (request, socket, head) => {
    const passed = (): void => leave(server, upgrader, request, socket, head);
    if (!upgrader.wants(request)) {
      passed();
      return;
    }
    const shared = sharing.share(socket, false);
    // By then all other listeners have seen the request. Not a microtask: Deno may run those
    // between two listeners.
    setImmediate(() => upgrader.upgradeShared(request, shared, head, passed));
  };
  server.on("upgrade", listener);
  attached.set(server, (attached.get(server) ?? 0) + 1);
  upgrader.finished.then(() => {
    server.removeListener("upgrade", listener);
    attached.set(server, attached.get(server)! - 1);
  });
  return upgrader;
}

/** The number of `attach` listeners by HTTP server. */
const attached: WeakMap<NodeHttpServer, number> = new WeakMap();

/** The number of `attach` listeners that passed on a request. */
const leftBy: WeakMap<NodeUpgradeRequest, number> = new WeakMap();

/** Leaves a request to other listeners; if there are none, the last one answers. */
function leave<T>(
  server: NodeHttpServer,
  upgrader: Upgrader<T>,
  request: NodeUpgradeRequest,
  socket: NodeUpgradeSocket,
  head: Uint8Array,
): void {
  const left = (leftBy.get(request) ?? 0) + 1;
  leftBy.set(request, left);
  const listeners = server.listenerCount?.("upgrade");
  if (listeners !== attached.get(server) || left < listeners!) return;
  upgrader.rejectUnwanted(request, sharing.share(socket, false), head);
}
