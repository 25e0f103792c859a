/**
 * The classes of the WHATWG WebSockets Standard over the client of this library: `WebSocket`,
 * `CloseEvent`, `WebSocketStream` and `WebSocketError`, the same on Deno, Bun and Node.
 *
 * They follow the standard step by step and also accept options of this library: `headers`, `tls`,
 * `proxy`, `signal`, limits and keepalive. Compression (RFC 7692) is offered.
 *
 * @example A socket with a header field
 * ```ts
 * import { serve } from "@quickws/quickws";
 * import { WebSocket } from "@quickws/quickws/web";
 *
 * const server = await serve({ port: 0, message: (conn, data) => conn.send(data) });
 * const socket = new WebSocket(server.url, { headers: { authorization: "Bearer abc" } });
 * socket.onopen = () => socket.send("hello");
 * socket.onmessage = (event) => {
 *   console.log(event.data); // hello
 *   socket.close();
 * };
 * socket.onclose = () => server.shutdown();
 * ```
 *
 * @example Libraries that use the global `WebSocket`
 * ```ts
 * import { install } from "@quickws/quickws/web";
 *
 * const undo = install();
 * // ... a library that calls `new WebSocket(url)` ...
 * undo();
 * ```
 *
 * @module
 */

export type { AddressSpace } from "./web/web_network.ts";
export { CloseEvent, type CloseEventInit } from "./web/close_event.ts";
export { install } from "./web/install.ts";
export type {
  ConnectionSettings,
  WebSocketOptions,
  WebSocketStreamOptions,
} from "./web/socket_options.ts";
export {
  type BinaryType,
  WebSocket,
  type WebSocketEventHandler,
  type WebSocketEventMap,
} from "./web/web_socket.ts";
export { type WebSocketCloseInfo, WebSocketError } from "./web/web_socket_error.ts";
export { type WebSocketOpenInfo, WebSocketStream } from "./web/web_socket_stream.ts";
