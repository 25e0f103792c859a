/**
 * The library bound to Node: the same `connect` and `serve` as the main entry, over `node:net` and
 * `node:tls`, and beside them {@linkcode attach}, {@linkcode createUpgrader} and {@linkcode upgrade}
 * for an HTTP server that exists already: Express, Fastify, Koa and Hono on Node all have one.
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

import { nodeNetwork } from "./transport/node.ts";
import { type NodeSocket, NodeTransport } from "./transport/node_transport.ts";
import { checkRuntime } from "./transport/node_versions.ts";
import type { ConnectOptions } from "./client/connect_options.ts";
import type { Connection } from "./connection/connection.ts";
import { connectTo } from "./reconnect/connect_to.ts";
import type { ReconnectingConnection } from "./reconnect/reconnecting_connection.ts";
import type { ReconnectingConnectOptions } from "./reconnect/reconnecting_options.ts";
import type { ServeOptions } from "./server/serve_options.ts";
import { serveOver } from "./server/serve.ts";
import type { Server } from "./server/server.ts";
import {
  type NodeUpgradeRequest,
  type NodeUpgradeSocket,
  type UpgradeOptions,
  Upgrader,
  type WrappedSocket,
} from "./server/upgrader.ts";

export * from "./public.ts";
export type { NodeUpgradeRequest, NodeUpgradeSocket, UpgradeOptions, Upgrader };

/** The part of a `node:http` or `node:https` server that {@linkcode attach} needs. */
export interface NodeHttpServer {
  /** Adds the listener of the `upgrade` event. */
  on(event: "upgrade", listener: NodeUpgradeListener): unknown;
  /** Removes it again. */
  removeListener(event: "upgrade", listener: NodeUpgradeListener): unknown;
}

/** What a `node:http` server calls for a request with an `Upgrade` header field. */
export type NodeUpgradeListener = (
  request: NodeUpgradeRequest,
  socket: NodeUpgradeSocket,
  head: Uint8Array,
) => void;

/**
 * Starts a WebSocket server; see `serve` of the main entry.
 *
 * @example
 * ```ts
 * import { serve } from "@quickws/quickws/node";
 *
 * await using server = await serve({ port: 0, message: (conn, data) => conn.send(data) });
 * console.log(server.url); // ws://127.0.0.1:...
 * ```
 */
export function serve<T = undefined>(options: ServeOptions<T> = {}): Promise<Server<T>> {
  return serveOver(nodeNetwork, options);
}

/**
 * Opens a connection that comes back when it is lost; see `connect` of the main entry.
 *
 * @example
 * ```ts
 * import { connect, serve } from "@quickws/quickws/node";
 *
 * await using server = await serve({ port: 0, open: (conn) => conn.send("welcome") });
 * await using conn = await connect(server.url, { reconnect: true });
 * for await (const data of conn) {
 *   console.log(data); // welcome
 *   break;
 * }
 * ```
 */
export function connect<T = undefined>(
  url: string | URL,
  options: ReconnectingConnectOptions<T>,
): Promise<ReconnectingConnection<T>>;
/**
 * Opens a connection to a WebSocket server; see `connect` of the main entry.
 *
 * @example
 * ```ts
 * import { connect, serve } from "@quickws/quickws/node";
 *
 * await using server = await serve({ port: 0, open: (conn) => conn.send("welcome") });
 * await using conn = await connect(server.url);
 * for await (const data of conn) {
 *   console.log(data); // welcome
 *   break;
 * }
 * ```
 */
export function connect<T = undefined>(
  url: string | URL,
  options?: ConnectOptions<T>,
): Promise<Connection<T>>;
export function connect<T>(
  url: string | URL,
  options: ConnectOptions<T> | ReconnectingConnectOptions<T> = {},
): Promise<Connection<T> | ReconnectingConnection<T>> {
  return connectTo(nodeNetwork, url, options);
}

function wrap(socket: NodeUpgradeSocket): WrappedSocket {
  const nodeSocket = socket as unknown as NodeSocket;
  return { transport: new NodeTransport(nodeSocket), secure: nodeSocket.encrypted === true };
}

/**
 * Checks a set of options once, for many upgrades.
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
 */
export function createUpgrader<T = undefined>(options: UpgradeOptions<T> = {}): Upgrader<T> {
  checkRuntime();
  return new Upgrader(options, wrap);
}

/**
 * Upgrades one request; see {@linkcode Upgrader.upgrade}. For many, {@linkcode createUpgrader} checks
 * the options only once.
 *
 * @returns The connection, or `undefined` when the request was refused or lost.
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
 */
export function upgrade<T = undefined>(
  request: NodeUpgradeRequest,
  socket: NodeUpgradeSocket,
  head: Uint8Array,
  options: UpgradeOptions<T> = {},
): Promise<Connection<T> | undefined> {
  return createUpgrader(options).upgrade(request, socket, head);
}

/**
 * Makes a `node:http` or `node:https` server accept WebSockets on every path; the `upgrade` hook can
 * refuse some. The HTTP server goes on answering plain requests.
 *
 * @returns The connections; its `shutdown` detaches them from the server, which is not closed.
 * @throws {TypeError | RangeError} When an option is wrong.
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { attach } from "@quickws/quickws/node";
 *
 * const httpServer = createServer((_, response) => response.end("plain HTTP"));
 * const sockets = attach(httpServer, {
 *   upgrade: ({ url }) => url === "/chat" ? undefined : { status: 404 },
 *   message(conn, data) {
 *     sockets.broadcast(data, { except: conn });
 *   },
 * });
 * ```
 */
export function attach<T = undefined>(
  server: NodeHttpServer,
  options: UpgradeOptions<T> = {},
): Upgrader<T> {
  const upgrader = createUpgrader(options);
  const listener: NodeUpgradeListener = (request, socket, head) => {
    upgrader.upgrade(request, socket, head);
  };
  server.on("upgrade", listener);
  upgrader.finished.then(() => server.removeListener("upgrade", listener));
  return upgrader;
}
