// Close codes and the payload of a Close frame (RFC 6455 5.5.1 and 7.4).

import { InvalidPayloadError, ProtocolError } from "../errors.ts";
import { MAX_CONTROL_PAYLOAD } from "./opcode.ts";

/**
 * The close codes with a defined meaning (RFC 6455 section 7.4.1 and the IANA registry).
 *
 * @category Connection
 */
export const CloseCode = {
  /** The purpose of the connection is fulfilled. */
  Normal: 1000,
  /** A server is shutting down, or a page was left. */
  GoingAway: 1001,
  /** The peer broke the protocol. */
  ProtocolError: 1002,
  /** This endpoint cannot accept the type of data. */
  UnsupportedData: 1003,
  /** The Close frame had no code. Never on the wire. */
  NoStatus: 1005,
  /** The connection ended without a Close frame. Never on the wire. */
  Abnormal: 1006,
  /** A payload does not match its type, such as text that is not UTF-8. */
  InvalidPayload: 1007,
  /** A rule of this endpoint was violated. */
  PolicyViolation: 1008,
  /** A message is too big to process. */
  MessageTooBig: 1009,
  /** The server did not accept an extension required by the client. */
  MandatoryExtension: 1010,
  /** This endpoint encountered an unexpected condition. */
  InternalError: 1011,
  /** The service is restarting; reconnect later. */
  ServiceRestart: 1012,
  /** The service is overloaded; reconnect later. */
  TryAgainLater: 1013,
  /** A gateway received an invalid response from upstream. */
  BadGateway: 1014,
} as const;

/**
 * The maximum size of a reason in a Close frame, in bytes.
 *
 * @category Frames
 */
export const MAX_CLOSE_REASON: number = MAX_CONTROL_PAYLOAD - 2;

/**
 * The code and reason of a Close frame.
 *
 * @category Frames
 */
export interface ClosePayload {
  /** The close code; 1005 if the frame had none. */
  readonly code: number;
  /** The reason; empty if the frame had none. */
  readonly reason: string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Whether a Close frame may carry `code` (RFC 6455 section 7.4, and 1012 to 1014 of the registry).
 *
 * @example
 * ```ts
 * import { isCloseCode } from "@quickws/quickws/core";
 *
 * console.log(isCloseCode(1000), isCloseCode(4001), isCloseCode(1006)); // true true false
 * ```
 *
 * @category Frames
 */
export function isCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  return code >= 3000 && code <= 4999 ||
    code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
}

/**
 * Reads the payload of a Close frame.
 *
 * @throws {ProtocolError} When it is one byte long or carries a code that must not be sent.
 * @throws {InvalidPayloadError} When the reason is not UTF-8.
 *
 * @example
 * ```ts
 * import { formatClosePayload, parseClosePayload } from "@quickws/quickws/core";
 *
 * const payload = formatClosePayload(4001, "enough");
 * console.log(parseClosePayload(payload, 0, payload.length)); // { code: 4001, reason: "enough" }
 * console.log(parseClosePayload(payload, 0, 0)); // { code: 1005, reason: "" }
 * ```
 *
 * @category Frames
 */
export function parseClosePayload(bytes: Uint8Array, start: number, end: number): ClosePayload {
  // RFC 6455 7.1.5: a Close frame without a code counts as 1005.
  if (start === end) return { code: CloseCode.NoStatus, reason: "" };
  // RFC 6455 5.5.1: "the first two bytes of the body MUST be a 2-byte unsigned integer".
  if (end - start === 1) {
    throw new ProtocolError("CLOSE_PAYLOAD_TOO_SHORT", "A Close frame has a payload of 1 byte");
  }
  const code = bytes[start] << 8 | bytes[start + 1];
  if (!isCloseCode(code)) {
    throw new ProtocolError("CLOSE_CODE_INVALID", `A Close frame has the illegal code ${code}`);
  }
  return { code, reason: decodeReason(bytes, start + 2, end) };
}

function decodeReason(bytes: Uint8Array, start: number, end: number): string {
  if (start === end) return "";
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    // RFC 6455 5.5.1 and 8.1: an invalid UTF-8 reason fails the connection with 1007.
    throw new InvalidPayloadError("INVALID_UTF8", "The reason of a Close frame is not UTF-8");
  }
}

/**
 * Builds the payload of a Close frame. A reason over {@linkcode MAX_CLOSE_REASON} bytes is
 * truncated between code points; 1005 gives an empty payload.
 *
 * @example
 * ```ts
 * import { formatClosePayload } from "@quickws/quickws/core";
 *
 * console.log(formatClosePayload(1000, "bye")); // Uint8Array(5) [3, 232, 98, 121, 101]
 * ```
 *
 * @category Frames
 */
export function formatClosePayload(code: number, reason: string): Uint8Array {
  if (code === CloseCode.NoStatus) return new Uint8Array(0);
  // At most three bytes per UTF-16 unit; most frames have no reason.
  const payload = new Uint8Array(Math.min(2 + 3 * reason.length, MAX_CONTROL_PAYLOAD));
  payload[0] = code >>> 8;
  payload[1] = code;
  if (reason === "") return payload;
  // encodeInto never writes a partial code point, which truncates the reason correctly.
  const { written } = encoder.encodeInto(reason, payload.subarray(2));
  return payload.subarray(0, 2 + written);
}
