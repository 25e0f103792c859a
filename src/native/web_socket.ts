// The WebSocket interface of the web, in Deno.serve, Workers and pages.

import { TimeoutError } from "../errors.ts";
import type { NativeDriver } from "./driver.ts";
import type { NativeEngine } from "./engine.ts";
import { failureOf } from "./closing.ts";

/**
 * An event of a {@linkcode WebSocketLike}; its fields depend on its type.
 *
 * @category Types
 */
export interface WebSocketEvent {
  /** The event type. */
  readonly type: string;
  /** The message. */
  readonly data?: unknown;
  /** The close code. */
  readonly code?: number;
  /** The reason of the close. */
  readonly reason?: string;
  /** Whether there was a closing handshake. */
  readonly wasClean?: boolean;
  /** The error, if the runtime reports one. */
  readonly message?: string;
}

/**
 * The part of the web's `WebSocket` used here.
 *
 * @category Types
 */
export interface WebSocketLike {
  /** 1 while it is open. */
  readonly readyState: number;
  /** The subprotocol. */
  readonly protocol?: string;
  /** The extensions. */
  readonly extensions?: string;
  /** The number of buffered bytes, if reported. */
  readonly bufferedAmount?: number;
  /** The type of binary messages. */
  binaryType?: string;
  /** Sends a message. */
  send(data: string | Uint8Array<ArrayBuffer>): void;
  /** Starts the closing handshake. */
  close(code?: number, reason?: string): void;
  /** Listens to events. */
  addEventListener(
    type: "open" | "message" | "close" | "error",
    listener: ((event: WebSocketEvent) => void) | { handleEvent(event: WebSocketEvent): void },
  ): void;
}

/**
 * Creates the engine for these sockets.
 *
 * @param name The name of the native API in errors.
 * @param canClose Whether the runtime can send a close code.
 */
export function webSocketEngine(
  name: string,
  canClose: (code: number) => boolean,
): NativeEngine<WebSocketLike> {
  return {
    name,
    reportsDrain: false,
    sendText(socket, text): number {
      socket.send(text);
      return socket.bufferedAmount ?? 0;
    },
    sendBytes(socket, bytes): number {
      // WebSockets do not accept shared memory.
      const isShared = !(bytes.buffer instanceof ArrayBuffer);
      socket.send((isShared ? bytes.slice() : bytes) as Uint8Array<ArrayBuffer>);
      return socket.bufferedAmount ?? 0;
    },
    bufferedAmount: (socket) => socket.bufferedAmount ?? 0,
    close: (socket, code, reason) => socket.close(code, reason),
    terminate(socket): void {
      // The stream cannot be cut, so send a Close frame.
      if (socket.readyState <= OPEN) socket.close(TERMINATED);
    },
    canClose,
  };
}

const OPEN = 1;
const CLOSED = 3;

/** The close code sent instead of cutting the stream: 1006 plus 3000. */
const TERMINATED = 4006;

/**
 * Passes the events of an open socket to its driver.
 *
 * @param hidesLoss Whether the runtime reports a stream that ends without a reply to the local
 * Close frame as an empty Close frame of the peer.
 */
export function listen<T>(
  socket: WebSocketLike,
  driver: NativeDriver<T, WebSocketLike>,
  hidesLoss = false,
): void {
  const listener = new DriverListener(socket, driver, hidesLoss);
  socket.addEventListener("message", listener);
  socket.addEventListener("error", listener);
  socket.addEventListener("close", listener);
}

/**
 * Passes the events of a socket to its driver: one object per connection instead of a closure per
 * event.
 */
class DriverListener<T> {
  readonly #socket: WebSocketLike;
  readonly #driver: NativeDriver<T, WebSocketLike>;
  readonly #hidesLoss: boolean;
  #failure: string | undefined;

  constructor(
    socket: WebSocketLike,
    driver: NativeDriver<T, WebSocketLike>,
    hidesLoss: boolean,
  ) {
    this.#socket = socket;
    this.#driver = driver;
    this.#hidesLoss = hidesLoss;
  }

  handleEvent(event: WebSocketEvent): void {
    const { type, data } = event;
    if (type === "close") this.#closed(event);
    else if (type === "error") this.#failure = event.message;
    else if (typeof data === "string") this.#driver.text(data);
    else this.#driver.bytes(new Uint8Array(data as ArrayBuffer));
  }

  #closed({ code = 0, reason = "", wasClean }: WebSocketEvent): void {
    const socket = this.#socket;
    const driver = this.#driver;
    const failure = this.#failure;
    // Deno reports 0 for a failed connection and 1001 if the peer did not answer its ping: after an
    // error, code and reason are not the peer's.
    const hasFailed = failure !== undefined && wasClean === false;
    // A peer echoes the received code (RFC 6455 section 5.5.1), so a lost connection is more
    // likely.
    const isUnanswered = this.#hidesLoss && code === 1005 && driver.state === "closing";
    const isLost = code === 0 || code === 1006 || hasFailed || isUnanswered;
    if (!isLost && socket.readyState !== CLOSED) answerClose(socket, code, reason);
    const cause = isLost && failure !== undefined && failure !== ""
      ? failureOf(failure)
      : undefined;
    // The runtime has dropped a dead peer, like the library's keepalive.
    if (cause instanceof TimeoutError) driver.terminateWith(cause);
    else driver.ended({ code: isLost ? 1006 : code, reason: isLost ? "" : reason, cause });
  }
}

/**
 * Replies to the peer's Close frame, which Workers do not do automatically (RFC 6455 section
 * 5.5.1).
 */
function answerClose(socket: WebSocketLike, code: number, reason: string): void {
  try {
    if (code === 1005) socket.close();
    else socket.close(code, reason);
  } catch {
    // Already answered, or the connection has ended.
  }
}
