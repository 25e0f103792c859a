// Maps a runtime's description of a failed connection to an error of this library.

import {
  ConnectionError,
  type ErrorCode,
  InvalidPayloadError,
  MessageTooBigError,
  ProtocolError,
  TimeoutError,
  type WebSocketError,
} from "../errors.ts";

/** The framing rules by the messages of the runtimes; the first match counts. */
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
 * The error for a runtime's report.
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
