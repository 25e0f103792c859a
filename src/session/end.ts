// How a connection ended: the state while it closes, and the report to the user.

import { ConnectionError, TimeoutError, WebSocketError } from "../errors.ts";
import { CloseCode, type ClosePayload } from "../wire/close.ts";

/**
 * How a connection ended.
 *
 * @category Connection
 */
export interface CloseInfo {
  /**
   * The close code (RFC 6455 section 7.4): the peer's; the local one if this side failed the
   * connection; 1005 if the peer's Close frame had none; 1006 if the connection ended without a
   * Close frame.
   */
  readonly code: number;
  /** The reason received with the code; for a local failure, the error's message. */
  readonly reason: string;
  /** Whether both sides sent a Close frame and there was no error. */
  readonly clean: boolean;
  /** The side that started the close. */
  readonly initiator: "local" | "remote";
  /**
   * The code of the sent Close frame, 1005 for one without a code; `undefined` if none was sent.
   */
  readonly sent?: number | undefined;
  /**
   * The code of the received Close frame, 1005 for one without a code; `undefined` if none was
   * received.
   */
  readonly received?: number | undefined;
  /** The error, unless the close was clean. */
  readonly error?: Error & { readonly code?: string };
}

/** The state of closing; created when a session begins to close or fail. */
export class SessionEnd {
  /** The sent Close frame. */
  sent: ClosePayload | undefined;
  /** The received Close frame. */
  received: ClosePayload | undefined;
  /** The first cause. */
  initiator: "local" | "remote" | undefined;
  /** The failure. */
  error: Error | undefined;
}

/** The code and reason to report. */
export function outcomeOf({ sent, received, error }: SessionEnd): ClosePayload {
  if (error instanceof WebSocketError && error.closeCode !== undefined) {
    // Report the code if it was sent in the Close frame.
    const isSent = sent?.code === error.closeCode && sent.reason === error.message;
    if (isSent) return { code: error.closeCode, reason: error.message };
  }
  // RFC 6455 7.1.5: the code is the one in the first Close frame received, and 1006 without one.
  return received ?? { code: CloseCode.Abnormal, reason: "" };
}

/** The peer did not finish the closing handshake in time. */
export function closeTimeout(): TimeoutError {
  return new TimeoutError(
    "CLOSE_TIMEOUT",
    "The peer did not finish the closing handshake in time (option closeTimeout)",
  );
}

/**
 * Creates an error without a stack trace, for frequent peer errors, where the place in this library
 * is irrelevant. On V8 the trace is a tenth of the cost of a connection (bench/NOTES.md).
 *
 * @param make Creates the error.
 */
export function untraced<E extends Error>(make: () => E): E {
  const limit: unknown = Reflect.get(Error, "stackTraceLimit");
  // If it cannot be set, the error just has a trace.
  Reflect.set(Error, "stackTraceLimit", 0);
  try {
    return make();
  } finally {
    Reflect.set(Error, "stackTraceLimit", limit);
  }
}

/** The stream has ended without a closing handshake. */
export function connectionLost(message: string, cause?: Error): ConnectionError {
  return untraced(() => new ConnectionError("CONNECTION_LOST", message, { cause }));
}
