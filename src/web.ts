/**
 * The classes of the WHATWG WebSockets Standard over the client of this library: `WebSocket`,
 * `CloseEvent`, `WebSocketStream` and `WebSocketError`, the same on Deno, Bun and Node.
 *
 * They follow the standard step by step and also accept this library's options: `headers`, `tls`,
 * `proxy`, `signal`, limits and keepalive. They offer compression (RFC 7692).
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

import { CloseEvent } from "./web/close_event.ts";
import { WebSocket } from "./web/web_socket.ts";
import { WebSocketError } from "./web/web_socket_error.ts";
import { WebSocketStream } from "./web/web_socket_stream.ts";

export type { AddressSpace } from "./web/web_network.ts";
export { CloseEvent, type CloseEventInit } from "./web/close_event.ts";
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

const CLASSES = { WebSocket, CloseEvent, WebSocketStream, WebSocketError };

/**
 * Sets the globals `WebSocket`, `CloseEvent`, `WebSocketStream` and `WebSocketError`, for libraries
 * that use the global classes. Call it before loading a library that keeps a reference.
 *
 * @param target The object to set them on. Default: `globalThis`.
 * @returns A function that restores the previous globals, except those replaced meanwhile.
 *
 * @example
 * ```ts
 * import { install, WebSocket } from "@quickws/quickws/web";
 *
 * const undo = install();
 * console.log(globalThis.WebSocket === WebSocket); // true
 * undo();
 * console.log(globalThis.WebSocket === WebSocket); // false
 * ```
 *
 * @category WHATWG WebSocket
 */
export function install(target: object = globalThis): () => void {
  const before = Object.entries(CLASSES).map(([name, value]) => {
    const descriptor = Object.getOwnPropertyDescriptor(target, name);
    Object.defineProperty(target, name, {
      value,
      writable: true,
      enumerable: false,
      configurable: true,
    });
    return { name, value, descriptor };
  });
  return () => {
    for (const { name, value, descriptor } of before) {
      if (Object.getOwnPropertyDescriptor(target, name)?.value !== value) continue;
      if (descriptor !== undefined) Object.defineProperty(target, name, descriptor);
      else Reflect.deleteProperty(target, name);
    }
  };
}
