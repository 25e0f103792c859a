/**
 * WebSockets in Workers, such as those of Cloudflare: `createSockets` for a Worker or a Durable Object, and
 * `connect` over the global `WebSocket`.
 *
 * @example
 * ```ts ignore
 * import { createSockets } from "@quickws/quickws/workers";
 *
 * const sockets = createSockets({ path: "/ws", message: (conn, data) => conn.send(data) });
 * export default {
 *   fetch: (request: Request) => sockets.handle(request) ?? new Response("plain HTTP"),
 * };
 * ```
 *
 * @module
 */

import type { SocketsOptions } from "./native/sockets.ts";
import type { UpgradeDataOption } from "./public.ts";
import { WorkerSockets } from "./native/workers.ts";

export { connect, serve } from "./native/page_connect.ts";
export type { NativeSockets, SocketsOptions } from "./native/sockets.ts";
export type { WebSocketEvent, WebSocketLike } from "./native/web_socket.ts";
export type { WorkerSockets } from "./native/workers.ts";
export * from "./public.ts";

/**
 * Creates WebSockets for a Worker or a Durable Object: the same handlers, `Connection` and
 * `shutdown` as with `serve`, over the runtime's WebSockets.
 *
 * @throws {TypeError | RangeError} When an option is wrong, or Workers cannot honor it.
 *
 * @example
 * ```ts ignore
 * import { createSockets } from "@quickws/quickws/workers";
 *
 * const sockets = createSockets({ path: "/ws", message: (conn, data) => conn.send(data) });
 * export default {
 *   fetch: (request: Request) => sockets.handle(request) ?? new Response("plain HTTP"),
 * };
 * ```
 *
 * @category Server
 */
export function createSockets<T = undefined>(
  options?: SocketsOptions<T> & UpgradeDataOption<T>,
): WorkerSockets<T> {
  return new WorkerSockets<T>(options ?? {});
}
