// A Node duplex stream over a WebSocket.

import type { Buffer } from "node:buffer";
import { nextTick } from "node:process";
import { Duplex, type DuplexOptions } from "node:stream";
import type { RawData } from "./events.ts";
import type { WebSocket } from "./websocket.ts";

/**
 * Creates a duplex stream from a WebSocket: each written chunk is sent as one message, and received
 * messages are read from it. It ends and fails with the WebSocket, with backpressure in both
 * directions.
 *
 * @param websocket The WebSocket, open or not yet.
 * @param options The options of the stream. In `readableObjectMode` text arrives as strings.
 *
 * @example
 * ```ts
 * import { createWebSocketStream, WebSocketServer } from "@quickws/quickws/ws";
 *
 * const server = new WebSocketServer({ port: 0 });
 * server.on("connection", (ws) => {
 *   const stream = createWebSocketStream(ws);
 *   stream.pipe(stream); // Echoes.
 * });
 * server.close();
 * ```
 *
 * @category The API of ws
 */
export function createWebSocketStream(websocket: WebSocket, options?: DuplexOptions): Duplex {
  // Output before an error and the Close frame must still be sent.
  let cutsWhenDestroyed = true;
  const duplex = new Duplex({
    ...options,
    autoDestroy: false,
    emitClose: false,
    objectMode: false,
    writableObjectMode: false,
  });

  /** Calls back once the WebSocket is open. */
  const onceOpen = (call: () => void): boolean => {
    if (websocket.readyState !== websocket.CONNECTING) return false;
    websocket.once("open", call);
    return true;
  };

  duplex._read = (): void => {
    if (websocket.isPaused) websocket.resume();
  };
  duplex._write = (chunk, encoding, callback): void => {
    if (onceOpen(() => duplex._write(chunk, encoding, callback))) return;
    websocket.send(chunk, callback);
  };
  duplex._final = (callback): void => {
    if (onceOpen(() => duplex._final(callback))) return;
    const socket = websocket._socket;
    // The opening handshake failed, and "error" follows.
    if (socket === null) return;
    if (socket.writableFinished) {
      callback();
      if (duplex.readableEnded) duplex.destroy();
      return;
    }
    socket.once("finish", () => callback());
    websocket.close();
  };
  duplex._destroy = (error, callback): void => {
    if (websocket.readyState === websocket.CLOSED) {
      callback(error);
      nextTick(() => duplex.emit("close"));
      return;
    }
    let reported = false;
    websocket.once("error", (late) => {
      reported = true;
      callback(late);
    });
    websocket.once("close", () => {
      if (!reported) callback(error);
      nextTick(() => duplex.emit("close"));
    });
    if (cutsWhenDestroyed) websocket.terminate();
  };

  websocket.on("message", (data: RawData, isBinary: boolean) => {
    const text = !isBinary && duplex.readableObjectMode;
    if (!duplex.push(text ? String(data as Buffer) : data)) websocket.pause();
  });
  websocket.once("error", (error) => {
    if (duplex.destroyed) return;
    cutsWhenDestroyed = false;
    duplex.destroy(error);
  });
  websocket.once("close", () => {
    if (!duplex.destroyed) duplex.push(null);
  });
  duplex.on("end", () => {
    if (!duplex.destroyed && duplex.writableFinished) duplex.destroy();
  });
  duplex.on("error", function failed(error: Error): void {
    duplex.removeListener("error", failed);
    duplex.destroy();
    // Without other listeners, the error must not be lost.
    if (duplex.listenerCount("error") === 0) duplex.emit("error", error);
  });
  return duplex;
}
