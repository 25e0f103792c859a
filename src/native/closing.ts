// The close of a connection over the runtime's WebSocket: its state, its report, and errors for the
// runtime's failure messages.

import {
  ConnectionError,
  type ErrorCode,
  InvalidPayloadError,
  MessageTooBigError,
  ProtocolError,
  TimeoutError,
  WebSocketError,
} from "../errors.ts";
import { lost, notDelivered } from "../connection/driver_base.ts";
import type { CloseInfo } from "../session/end.ts";
import type { Timer } from "../shared/timer_wheel.ts";
import { CloseCode } from "../wire/close.ts";
import type { NativeEnd } from "./engine.ts";

/** State of a connection that is closing. */
export class NativeClosing {
  initiator: "local" | "remote" | undefined;
  /** Whether the runtime has ended the connection during a call. */
  hasEnded = false;
  /** The sent close code. */
  sent: number | undefined;
  /** The Close frame that waits for accepted messages, such as streams or topic messages. */
  pending: { readonly code: number; readonly reason: string } | undefined;
  /** Whether topic messages accepted before the close are being sent. */
  isReleasing = false;
  error: WebSocketError | undefined;
  timer: Timer | undefined;
  /** The buffered bytes at the last check of the closing handshake. */
  waitedBefore = 0;

  /**
   * Describes how the connection ended.
   *
   * @param end The runtime's report.
   * @param unsent The number of accepted messages that were not sent.
   */
  infoOf({ code, reason, cause }: NativeEnd, unsent: number): CloseInfo {
    const isWhole = code !== CloseCode.Abnormal && cause === undefined;
    // A rejection by the runtime due to a local limit is a local failure.
    const limit = cause instanceof WebSocketError && cause.closeCode !== undefined
      ? cause
      : undefined;
    if (limit !== undefined) this.initiator ??= "local";
    let error: Error | undefined = this.error ?? limit;
    // A connection that was cut sent no Close frame.
    const closeCode = this.sent === undefined ? limit?.closeCode : this.error?.closeCode;
    if (error === undefined && !isWhole) error = causeError(cause);
    if (error === undefined && unsent > 0) error = notDelivered(unsent);
    const received = isWhole && this.error?.code !== "TERMINATED" ? code : undefined;
    const info = {
      code: closeCode ?? code,
      reason: closeCode === undefined ? reason : error!.message,
      clean: error === undefined,
      initiator: this.initiator ?? "remote",
      // Runtimes echo the peer's code themselves.
      sent: this.sent ?? received,
      received,
    } as const;
    return error === undefined ? info : { ...info, error };
  }
}

/** The message of an error, or the text of any other thrown value. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** The error for a connection that ended without a closing handshake. */
function causeError(cause: unknown): WebSocketError {
  if (cause instanceof WebSocketError) return cause;
  return cause === undefined
    ? lost("The connection ended without a closing handshake")
    : lost(`The connection was lost: ${messageOf(cause)}`, cause);
}

/** The violated framing rules by the runtimes' messages; the first match wins. */
const RULES: readonly (readonly [pattern: RegExp, code: ErrorCode])[] = [
  [/reserved bits|rsv( bits|\d)/i, "RESERVED_BITS"],
  [/opcode|^invalid value/i, "RESERVED_OPCODE"],
  [/incorrectly masked/i, "MASK_MISSING"],
  [/control frame must not|fragmented control/i, "CONTROL_FRAME_FRAGMENTED"],
  [/(ping|control) frame/i, "CONTROL_FRAME_TOO_LONG"],
  [/continuation/i, "CONTINUATION_UNEXPECTED"],
  [/fragment|another frame/i, "CONTINUATION_EXPECTED"],
  [/close code/i, "CLOSE_CODE_INVALID"],
  [/close (frame|payload)/i, "CLOSE_PAYLOAD_TOO_SHORT"],
];

/**
 * Converts a runtime's failure message to an error.
 *
 * @param failure The runtime's message.
 */
export function failureOf(failure: string): WebSocketError {
  const message = `The runtime has ended the connection: ${failure}`;
  if (/^no response from ping/i.test(failure)) {
    return new TimeoutError(
      "PONG_TIMEOUT",
      "The peer sent nothing for pingInterval after a ping",
    );
  }
  if (/utf-?8/i.test(failure)) return new InvalidPayloadError("INVALID_UTF8", message);
  const rule = RULES.find(([pattern]) => pattern.test(failure));
  if (rule !== undefined) return new ProtocolError(rule[1], message);
  if (/too (large|big|long)/i.test(failure)) return new MessageTooBigError(message);
  return new ConnectionError("CONNECTION_LOST", message);
}
