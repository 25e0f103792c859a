// The WebSocket interface of the web, as Deno.serve, Workers and pages have it.

import { TimeoutError } from "../errors.ts";
import type { NativeDriver } from "./driver.ts";
import type { NativeEngine } from "./engine.ts";
import { failureOf } from "./failures.ts";

/**
 * An event of a {@linkcode WebSocketLike}; which fields it has depends on its kind.
 *
 * @category Types
 */
export interface WebSocketEvent {
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
  /** Bytes that wait to be sent; some runtimes do not tell. */
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
    listener: (event: WebSocketEvent) => void,
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
      // There is no way to cut the stream, so the peer gets a Close frame that tells what this is.
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
 * Lets a driver hear all that happens to its socket, once it is open.
 *
 * @param hidesLoss Whether the runtime reports a stream that ends after our Close frame, without an
 * answer to it, as the peer's Close frame without a code.
 */
export function listen<T>(
  socket: WebSocketLike,
  driver: NativeDriver<T, WebSocketLike>,
  hidesLoss = false,
): void {
  let failure: string | undefined;
  socket.addEventListener("message", ({ data }) => {
    if (typeof data === "string") driver.text(data);
    else driver.bytes(new Uint8Array(data as ArrayBuffer));
  });
  socket.addEventListener("error", ({ message }) => failure = message);
  socket.addEventListener("close", ({ code = 0, reason = "", wasClean }) => {
    // Deno reports 0 for a connection that has failed, and 1001 when the peer did not answer its ping:
    // after an error, code and reason are not those of the peer.
    const hasFailed = failure !== undefined && wasClean === false;
    // A peer answers with the code that it got (RFC 6455 section 5.5.1), so a loss is more likely.
    const isUnanswered = hidesLoss && code === 1005 && driver.state === "closing";
    const isLost = code === 0 || code === 1006 || hasFailed || isUnanswered;
    if (!isLost && socket.readyState !== CLOSED) answerClose(socket, code, reason);
    const cause = isLost && failure !== undefined && failure !== ""
      ? failureOf(failure)
      : undefined;
    // The runtime has given the peer up, as the keepalive of our own sockets does.
    if (cause instanceof TimeoutError) driver.gone(cause);
    else driver.ended({ code: isLost ? 1006 : code, reason: isLost ? "" : reason, cause });
  });
}

/** Answers the Close frame of the peer, which Workers leave to their users (RFC 6455 section 5.5.1). */
function answerClose(socket: WebSocketLike, code: number, reason: string): void {
  try {
    if (code === 1005) socket.close();
    else socket.close(code, reason);
  } catch {
    // It was answered, or the connection has ended.
  }
}
