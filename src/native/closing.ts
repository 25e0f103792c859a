// The end of a connection over a WebSocket of the runtime: its causes, and its report.

import { WebSocketError } from "../errors.ts";
import { lost, notDelivered } from "../connection/driver_base.ts";
import type { CloseInfo } from "../session/close_info.ts";
import type { Timer } from "../shared/timer_wheel.ts";
import { CloseCode } from "../wire/close.ts";
import type { NativeEnd } from "./engine.ts";

/** State of a connection that is closing. */
export class NativeClosing {
  initiator: "local" | "remote" | undefined;
  /** Whether the runtime has ended the connection from inside of a call. */
  hasEnded = false;
  /** The code that was sent. */
  sent: number | undefined;
  /** The Close frame that waits for accepted messages: a stream, messages of topics. */
  pending: { readonly code: number; readonly reason: string } | undefined;
  /** Whether messages of topics that were accepted before the close are being sent. */
  isReleasing = false;
  error: WebSocketError | undefined;
  timer: Timer | undefined;
  /** The bytes that waited at the last check of the closing handshake. */
  waitedBefore = 0;

  /**
   * How the connection has ended.
   *
   * @param end The runtime's report.
   * @param unsent Messages that were accepted and not sent.
   */
  infoOf({ code, reason, cause }: NativeEnd, unsent: number): CloseInfo {
    const isWhole = code !== CloseCode.Abnormal && cause === undefined;
    // A rejection by the runtime because of a local limit is a local failure.
    const limit = cause instanceof WebSocketError && cause.closeCode !== undefined
      ? cause
      : undefined;
    if (limit !== undefined) this.initiator ??= "local";
    let error: Error | undefined = this.error ?? limit;
    // A connection that was cut has sent no Close frame.
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

/** The message of an error, or the text of another thrown value. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Why a connection has ended without a closing handshake. */
function causeError(cause: unknown): WebSocketError {
  if (cause instanceof WebSocketError) return cause;
  return cause === undefined
    ? lost("The connection ended without a closing handshake")
    : lost(`The connection was lost: ${messageOf(cause)}`, cause);
}
