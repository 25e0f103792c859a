/**
 * The library bound to Deno: the same `connect` and `serve` as the main entry, over Deno.listen and Deno.connect,
 * without the detection of the runtime.
 *
 * @example
 * ```ts
 * import { connect, serve } from "@quickws/quickws/deno";
 *
 * await using server = await serve({ port: 0, message: (conn, data) => conn.send(data) });
 * await using conn = await connect(server.url);
 * conn.send("hello");
 * ```
 *
 * @module
 */

import { type Connect, connectOn, type Serve, serveOn } from "./entry.ts";
import { DenoServeSockets } from "./native/deno.ts";
import type { SocketsOptions } from "./native/sockets.ts";
import type { UpgradeDataOption } from "./server/upgrade_hook.ts";
import { denoNetwork } from "./transport/deno.ts";

export * from "./public.ts";
export type { DenoRequestInfo, DenoServeSockets } from "./native/deno.ts";
export type { WebSocketEvent, WebSocketLike } from "./native/web_socket.ts";
export type { NativeSockets, SocketsOptions } from "./native/sockets.ts";

/**
 * Starts a WebSocket server; see {@linkcode Serve}.
 *
 * @category Server
 */
export const serve: Serve = serveOn(denoNetwork);

/**
 * Opens a connection to a WebSocket server; see {@linkcode Connect}.
 *
 * @category Client
 */
export const connect: Connect = connectOn(denoNetwork);

/**
 * Creates WebSockets on the port of a `Deno.serve`: the same handlers, `Connection`, topics,
 * backplane and `shutdown` as with `serve`, over Deno's WebSockets.
 *
 * @throws {TypeError | RangeError} When an option is wrong, or Deno cannot honor it.
 *
 * @example
 * ```ts
 * import { connect, createSockets } from "@quickws/quickws/deno";
 *
 * const sockets = createSockets({ path: "/ws", message: (conn, data) => conn.send(data) });
 * await using server = Deno.serve({ port: 0, onListen: () => {} }, (request, info) =>
 *   sockets.handle(request, info) ?? new Response("plain HTTP"));
 * await using conn = await connect(`ws://127.0.0.1:${server.addr.port}/ws`);
 * conn.send("hello");
 * for await (const data of conn) {
 *   console.log(data); // hello
 *   break;
 * }
 * ```
 *
 * @category Server
 */
export function createSockets<T = undefined>(
  options?: SocketsOptions<T> & UpgradeDataOption<T>,
): DenoServeSockets<T> {
  return new DenoServeSockets<T>(options ?? {});
}
