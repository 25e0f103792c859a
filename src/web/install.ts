// Puts the classes into the global scope.

import { CloseEvent } from "./close_event.ts";
import { WebSocket } from "./web_socket.ts";
import { WebSocketError } from "./web_socket_error.ts";
import { WebSocketStream } from "./web_socket_stream.ts";

const CLASSES = { WebSocket, CloseEvent, WebSocketStream, WebSocketError };

/**
 * Sets the globals `WebSocket`, `CloseEvent`, `WebSocketStream` and `WebSocketError`, for libraries
 * that use the global classes. Call it before such a library is loaded, if that keeps a reference.
 *
 * @param target The object to set them on. Default: `globalThis`.
 * @returns A function that restores the previous globals, except those that were replaced in the
 * meantime.
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
