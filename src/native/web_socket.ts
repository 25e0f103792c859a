// The WebSocket interface of the web, as Deno.serve, Workers and pages have it.

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
  /** The kind. */
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
 * The part of the web's `WebSocket` that is used here.
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
  /** Bytes that wait to be sent, if the runtime reports them. */
  readonly bufferedAmount?: number;
  /** How binary messages are delivered. */
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
 * The engine over such sockets.
 *
 * @param name The native API, as errors name it.
 * @param canClose Whether the closing handshake may have a code.
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
      // A WebSocket takes no shared memory.
      const isShared = !(bytes.buffer instanceof ArrayBuffer);
      socket.send((isShared ? bytes.slice() : bytes) as Uint8Array<ArrayBuffer>);
      return socket.bufferedAmount ?? 0;
    },
    bufferedAmount: (socket) => socket.bufferedAmount ?? 0,
    close: (socket, code, reason) => socket.close(code, reason),
    terminate(socket): void {
      // The stream cannot be cut, so the peer receives a Close frame with the reason.
      if (socket.readyState <= OPEN) socket.close(TERMINATED);
    },
    canClose,
  };
}

const OPEN = 1;
const CLOSED = 3;

/** The close code of a connection that would be cut if that were possible: 1006 with 3000 added. */
const TERMINATED = 4006;

/**
 * Passes the events of an open socket to its driver.
 *
 * @param hidesLoss Whether the runtime reports a stream that ends without an answer to the local
 * Close frame as the peer's Close frame without a code.
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

/** Passes the events of a socket on to its driver. One object for all: each connection has it. */
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
    // Deno reports 0 for a connection that has failed, and 1001 when the peer did not answer its ping:
    // after an error, code and reason are not those of the peer.
    const hasFailed = failure !== undefined && wasClean === false;
    // A peer answers with the received code (RFC 6455 section 5.5.1), so a lost connection is more
    // likely.
    const isUnanswered = this.#hidesLoss && code === 1005 && driver.state === "closing";
    const isLost = code === 0 || code === 1006 || hasFailed || isUnanswered;
    if (!isLost && socket.readyState !== CLOSED) answerClose(socket, code, reason);
    const cause = isLost && failure !== undefined && failure !== ""
      ? failureOf(failure)
      : undefined;
    // The runtime has given up the peer, as the library's own keepalive does.
    if (cause instanceof TimeoutError) driver.gone(cause);
    else driver.ended({ code: isLost ? 1006 : code, reason: isLost ? "" : reason, cause });
  }
}

/** Answers the peer's Close frame, which Workers do not do themselves (RFC 6455 section 5.5.1). */
function answerClose(socket: WebSocketLike, code: number, reason: string): void {
  try {
    if (code === 1005) socket.close();
    else socket.close(code, reason);
  } catch {
    // It was answered, or the connection has ended.
  }
}
