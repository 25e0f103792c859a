// WebSockets of Bun.serve.

import { MessageTooBigError, type WebSocketError } from "../errors.ts";
import { MAX_LINE } from "../pubsub/protocol.ts";
import { show } from "../shared/check.ts";
import type { NativeDriver } from "./driver.ts";
import type { NativeEngine } from "./engine.ts";
import { failureOf } from "./closing.ts";
import type { CompressionOptions } from "../connection/compression_options.ts";
import { type NativeLimits, WHOLE_MESSAGES } from "./native_options.ts";
import { type NativeOpening, NativeSockets, type SocketsOptions } from "./sockets.ts";

/**
 * The part of Bun's `ServerWebSocket` that is used here.
 *
 * @category Server
 */
export interface BunWebSocket {
  /** The driver of the connection, or its {@linkcode NativeOpening} before it opens. */
  data: unknown;
  /** 1 while it is open. */
  readonly readyState?: number;
  /** The type of binary messages; Bun's types name other values in each version. */
  binaryType?: string | undefined;
  /** Sends text; returns the bytes sent, -1 if it is buffered, 0 if it was dropped. */
  sendText(text: string, compress?: boolean): number;
  /** Sends bytes; returns the same. */
  sendBinary(bytes: Uint8Array<ArrayBuffer>, compress?: boolean): number;
  /** The number of buffered bytes. */
  getBufferedAmount(): number;
  /** Starts the closing handshake. */
  close(code?: number, reason?: string): void;
  /** Cuts the stream. */
  terminate(): void;
  /** Sends a ping. */
  ping(payload?: Uint8Array<ArrayBuffer>): number;
  /** Sends a pong. */
  pong(payload?: Uint8Array<ArrayBuffer>): number;
  /** Sends the output of the function in one write. */
  cork<R>(fn: (socket: BunWebSocket) => R): R;
}

/**
 * The part of Bun's `Server` that is used here.
 *
 * @category Server
 */
export interface BunServer {
  /** Upgrades a request to a WebSocket. */
  upgrade(
    request: Request,
    options: { data: unknown; headers?: Headers | Record<string, string> },
  ): boolean;
  /** The client's address. */
  requestIP(request: Request): { address: string; port: number } | null;
}

/**
 * The value for the option `websocket` of `Bun.serve`.
 *
 * @category Server
 */
export interface BunWebSocketHandlers {
  /** A connection is open. */
  open(socket: BunWebSocket): void;
  /** A message arrived. */
  message(socket: BunWebSocket, message: string | Uint8Array<ArrayBuffer>): void;
  /** Buffered output has been sent. */
  drain(socket: BunWebSocket): void;
  /** A ping arrived. */
  ping(socket: BunWebSocket, payload: Uint8Array): void;
  /** A pong arrived. */
  pong(socket: BunWebSocket, payload: Uint8Array): void;
  /** A connection has ended. */
  close(socket: BunWebSocket, code: number, reason: string): void;
  /** See `maxMessageSize`. */
  maxPayloadLength: number;
  /** Never reached: `maxBufferedAmount` is smaller. */
  backpressureLimit: number;
  /** Seconds until Bun closes an idle connection: 0 for never. */
  idleTimeout: number;
  /** Whether Bun sends pings: `false`, because `pingInterval` does. */
  sendPings: boolean;
  /** See `compression`. */
  perMessageDeflate: boolean;
}

const NAME = "Bun.serve";

const LIMITS: NativeLimits = { name: NAME, refused: WHOLE_MESSAGES };

/** Bun's error for a message over its limit, and the prefix of its other frame errors. */
const TOO_BIG = "Received too big message";
const REFUSED = "Received ";

const OPEN = 1;

/** The buffered bytes at which Bun closes the connection without a reason. */
const MAX_BACKPRESSURE = 0xffffffff;

/** @param threshold The minimum size to compress; by default messages are not compressed. */
function bunEngine(threshold: number = Infinity): NativeEngine<BunWebSocket> {
  return {
    name: NAME,
    reportsDrain: true,
    sendText(socket, text, compress): number {
      const sent = socket.sendText(text, compress && text.length >= threshold);
      if (sent > 0) return 0;
      if (sent === -1) return socket.getBufferedAmount();
      return text === "" ? 0 : dropped(socket);
    },
    sendBytes(socket, bytes, compress): number {
      const sent = socket.sendBinary(
        bytes as Uint8Array<ArrayBuffer>,
        compress && bytes.length >= threshold,
      );
      if (sent > 0) return 0;
      if (sent === -1) return socket.getBufferedAmount();
      return bytes.length === 0 ? 0 : dropped(socket);
    },
    bufferedAmount: (socket) => socket.getBufferedAmount(),
    close: (socket, code, reason) => socket.close(code, reason),
    terminate: (socket) => socket.terminate(),
    ping: (socket, payload) => void socket.ping(payload as Uint8Array<ArrayBuffer>),
    pong: (socket, payload) => void socket.pong(payload as Uint8Array<ArrayBuffer>),
    cork: (socket, fn) => void socket.cork(fn),
    canClose: () => true,
  };
}

/**
 * Bun returns 0 for an empty message, and for a message dropped because too much is buffered or the
 * connection has ended.
 */
function dropped({ readyState = OPEN }: BunWebSocket): -1 {
  if (readyState === OPEN) return -1;
  throw new Error("the connection has ended");
}

/** The driver of a connection. */
type Driver = NativeDriver<unknown, BunWebSocket>;

/** A connection not yet opened by Bun. */
type Opening = NativeOpening<unknown, BunWebSocket>;

/**
 * WebSockets on the port of a `Bun.serve`, from `createSockets`.
 *
 * @example
 * ```ts ignore
 * import { createSockets } from "@quickws/quickws/bun";
 *
 * const sockets = createSockets({ path: "/ws", message: (conn, data) => conn.send(data) });
 * Bun.serve({
 *   websocket: sockets.websocket,
 *   fetch: (request, server) =>
 *     sockets.handle(request, server) ?? new Response("plain HTTP"),
 * });
 * ```
 *
 * @category Server
 */
export class BunSockets<T = undefined> extends NativeSockets<T, BunWebSocket> {
  /** The value for the option `websocket` of `Bun.serve`. */
  readonly websocket: BunWebSocketHandlers;

  /** @internal Created by `createSockets`. */
  constructor(options: SocketsOptions<T>) {
    super(options, bunEngine(thresholdOf(options?.compression)), LIMITS);
    const { connection, clientTopics } = this.rules;
    const line = clientTopics === undefined ? 0 : MAX_LINE;
    this.websocket = {
      open(socket): void {
        socket.binaryType = "uint8array";
        (socket.data as Opening).opened(socket, (driver) => socket.data = driver);
      },
      message(socket, message): void {
        if (typeof message === "string") (socket.data as Driver).text(message);
        else (socket.data as Driver).bytes(message);
      },
      drain: (socket) => (socket.data as Driver).drain(),
      ping: (socket, payload) => (socket.data as Driver).pingReceived(payload),
      pong: (socket, payload) => (socket.data as Driver).pongReceived(payload),
      close(socket, code, reason): void {
        // Bun reports its own rejections as reasons of 1006, a code that peers cannot send.
        const isRefused = code === 1006 && reason.startsWith(REFUSED);
        const cause = isRefused ? refusalOf(reason, connection.maxMessageSize) : undefined;
        (socket.data as Driver).ended({ code, reason, cause });
      },
      maxPayloadLength: Math.min(connection.maxMessageSize + line, MAX_BACKPRESSURE),
      backpressureLimit: MAX_BACKPRESSURE,
      idleTimeout: 0,
      sendPings: false,
      perMessageDeflate: connection.compression !== undefined,
    };
  }

  /**
   * Handles an upgrade request.
   *
   * @param request The request, the first argument of `fetch` of `Bun.serve`.
   * @param server The server, the second argument of `fetch`.
   * @returns `undefined` if this is not an upgrade request for one of the paths. Otherwise a
   * promise of the value to return from `fetch`: `undefined` after the upgrade, or the response
   * that rejects it.
   * @throws {TypeError} When the second argument is not a server of `Bun.serve`.
   */
  handle(request: Request, server: BunServer): Promise<Response | undefined> | undefined {
    if (!this.isOwn(request)) return undefined;
    if (typeof server?.upgrade !== "function" || typeof server.requestIP !== "function") {
      throw wrongServer(server);
    }
    const { address = "", port = 0 } = server.requestIP(request) ?? {};
    return this.take<undefined>(
      request,
      { remoteAddress: address, remotePort: port },
      (upgrade) => {
        const { opening, subprotocol } = upgrade;
        const headers = new Headers(upgrade.headers.map(([name, value]) => [name, value]));
        // Otherwise Bun selects the first one offered by the client.
        headers.set("sec-websocket-protocol", subprotocol);
        if (server.upgrade(request, { data: opening, headers })) return undefined;
        opening.abandoned();
        return new Response("The request is no longer open\n", { status: 400 });
      },
      (left) => whenAborted(request.signal, left),
    );
  }
}

/** Calls back when a signal aborts; returns a function that cancels this. */
function whenAborted(signal: AbortSignal, aborted: () => void): () => void {
  if (signal.aborted) aborted();
  else signal.addEventListener("abort", aborted, { once: true });
  return () => signal.removeEventListener("abort", aborted);
}

/** The default size in bytes below which a message is sent uncompressed. */
const COMPRESSION_THRESHOLD = 256;

/** @throws {TypeError} When Bun does not support a part of the option. */
function thresholdOf(
  compression: boolean | "compatible" | CompressionOptions | undefined,
): number | undefined {
  if (compression === "compatible") {
    throw new TypeError(
      `Option "compression" cannot be "compatible" with ${NAME}, which negotiates compression itself; use ` +
        "compression: true or { threshold }",
    );
  }
  if (typeof compression !== "object" || compression === null) {
    return compression === true ? COMPRESSION_THRESHOLD : undefined;
  }
  for (const name of Object.keys(compression)) {
    if (name === "threshold") continue;
    throw new TypeError(
      `Option "compression.${name}" cannot be given with ${NAME}: it chooses that itself; use ` +
        "compression: true or { threshold }",
    );
  }
  return compression.threshold ?? COMPRESSION_THRESHOLD;
}

/** The error for a message that Bun has rejected. */
function refusalOf(reason: string, limit: number): WebSocketError {
  return reason === TOO_BIG
    ? new MessageTooBigError(`A message exceeds maxMessageSize (${limit} bytes)`)
    : failureOf(reason);
}

function wrongServer(server: unknown): TypeError {
  return new TypeError(
    `handle needs the server of Bun.serve, got ${show(server)}: ${serverAdvice(server)}`,
  );
}

function serverAdvice(server: unknown): string {
  if (typeof server === "object" && server !== null) {
    if ("remoteAddr" in server) {
      return 'that is the information of Deno.serve: use createSockets from "@quickws/quickws/deno"';
    }
    if ("incoming" in server) {
      return 'that is from node:http: use attach from "@quickws/quickws/node"';
    }
  }
  return "pass on the second argument of fetch; on Deno use createSockets from " +
    '"@quickws/quickws/deno", on Workers from "@quickws/quickws/workers", and on Node attach from ' +
    '"@quickws/quickws/node"';
}
