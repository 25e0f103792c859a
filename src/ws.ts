/**
 * The API of the npm package `ws` over this library: `WebSocket`, `WebSocketServer`,
 * `createWebSocketStream` and the rest, for programs and packages that use `ws`.
 *
 * It requires `node:http`, `node:stream` and others, available on Node, Deno and Bun.
 *
 * @example
 * ```ts
 * import { WebSocketServer } from "@quickws/quickws/ws";
 *
 * const server = new WebSocketServer({ port: 0 });
 * server.on("connection", (ws) => {
 *   ws.on("message", (data, isBinary) => ws.send(data, { binary: isBinary }));
 * });
 * server.close();
 * ```
 *
 * @module
 */

import type * as net from "node:net";
import type * as client from "./ws/client_handshake.ts";
import type * as events from "./ws/events.ts";
import type * as deflate from "./ws/permessage_deflate.ts";
import type * as socket from "./ws/websocket.ts";
import type * as server from "./ws/websocket_server.ts";
import { Sender } from "./ws/sender.ts";
import { extension, subprotocol } from "./ws/headers.ts";
import { PerMessageDeflate } from "./ws/permessage_deflate.ts";
import { createWebSocketStream } from "./ws/stream.ts";
import { WebSocket } from "./ws/websocket.ts";
import { WebSocketServer } from "./ws/websocket_server.ts";

/**
 * The static members of the class, as in `ws`.
 *
 * @category The API of ws
 */
export interface WebSocketStatics {
  /** The class itself. */
  readonly WebSocket: typeof WebSocket;
  /** The class of servers. */
  readonly WebSocketServer: typeof WebSocketServer;
  /** The same. */
  readonly Server: typeof WebSocketServer;
  /** Creates a stream from a WebSocket. */
  readonly createWebSocketStream: typeof createWebSocketStream;
  /** The parser of `Sec-WebSocket-Extensions`. */
  readonly extension: typeof extension;
  /** The parser of `Sec-WebSocket-Protocol`. */
  readonly subprotocol: typeof subprotocol;
  /** The negotiation of compression. */
  readonly PerMessageDeflate: typeof PerMessageDeflate;
  /** Encodes frames. */
  readonly Sender: typeof Sender;
}

/**
 * The class {@linkcode WebSocket}, with the other exports as properties.
 *
 * @category The API of ws
 */
const ws: typeof WebSocket & WebSocketStatics = Object.assign(WebSocket, {
  WebSocket,
  WebSocketServer,
  Server: WebSocketServer,
  createWebSocketStream,
  extension,
  subprotocol,
  PerMessageDeflate,
  Sender,
});
/**
 * A WebSocket.
 *
 * @category The API of ws
 */
type ws = WebSocket;

/**
 * The types under their names in the declarations of `ws`.
 *
 * @category The API of ws
 */
declare namespace ws {
  /** The address of a server. */
  type AddressInfo = net.AddressInfo;
  /** The options of a client. */
  type ClientOptions = client.ClientOptions;
  /** The connection has ended. */
  type CloseEvent = events.CloseEvent;
  /** A message. */
  type Data = string | events.RawData;
  /** An error. */
  type ErrorEvent = events.ErrorEvent;
  /** An event. */
  type Event = events.Event;
  /** The options of a listener. */
  type EventListenerOptions = events.EventListenerOptions;
  /** A message arrived. */
  type MessageEvent = events.MessageEvent;
  /** The parameters of compression. */
  type PerMessageDeflateOptions = deflate.PerMessageDeflateOptions;
  /** The bytes of a message. */
  type RawData = events.RawData;
  /** A server. */
  type Server<W extends typeof socket.WebSocket = typeof socket.WebSocket> = server.WebSocketServer<
    W
  >;
  /** The options of a server. */
  type ServerOptions<W extends typeof socket.WebSocket = typeof socket.WebSocket> =
    server.ServerOptions<W>;
  /** A WebSocket. */
  type WebSocket = socket.WebSocket;
  /** The events by name. */
  type WebSocketEventMap = events.WebSocketEventMap;
  /** A server. */
  type WebSocketServer<W extends typeof socket.WebSocket = typeof socket.WebSocket> =
    server.WebSocketServer<W>;
}

export { ws as default };
export {
  createWebSocketStream,
  extension,
  PerMessageDeflate,
  Sender,
  subprotocol,
  WebSocket,
  WebSocketServer,
};
export type { ClientOptions } from "./ws/client_handshake.ts";
export type {
  BinaryType,
  CloseEvent,
  ErrorEvent,
  Event,
  EventListener,
  EventListenerOptions,
  EventName,
  MessageEvent,
  RawData,
  WebSocketEventMap,
  WebSocketEvents,
} from "./ws/events.ts";
export type { BufferLike, FrameOptions, SendCallback, SendOptions } from "./ws/sender.ts";
export type { ExtensionMap, ExtensionParameters, ParameterValue } from "./ws/headers.ts";
export type { ReceiverOptions } from "./ws/options.ts";
export type {
  PerMessageDeflateOptions,
  PerMessageDeflateParameters,
  PerMessageDeflateSettings,
} from "./ws/permessage_deflate.ts";
export type {
  ClientInfo,
  ServerEvents,
  ServerOptions,
  VerifyClient,
} from "./ws/websocket_server.ts";
