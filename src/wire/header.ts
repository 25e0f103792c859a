// The header of a frame (RFC 6455 5.2): its size, its length field and all its rules, checked
// before any payload byte is read.

import { MessageTooBigError, ProtocolError, WebSocketError } from "../errors.ts";
import { CloseCode } from "./close.ts";
import {
  CONTROL,
  FIN,
  LENGTH_16,
  LENGTH_64,
  LENGTH_BITS,
  MASK,
  MAX_CONTROL_PAYLOAD,
  Opcode,
  OPCODE_BITS,
  RSV1,
  RSV2_RSV3,
} from "./opcode.ts";

/**
 * The rules for the frames of one direction.
 *
 * @category Frames
 */
export interface FrameRules {
  /** Whether payloads must be masked: `true` for a server's input (RFC 6455 section 5.1). */
  readonly masked: boolean;
  /** Whether RSV1 is allowed, because a negotiated extension uses it. */
  readonly rsv1: boolean;
  /** The maximum payload bytes of all frames of one message. At most 2 ** 31 - 1. */
  readonly maxMessageSize: number;
  /** The maximum frames of one message, including empty ones. */
  readonly maxFragments: number;
}

/**
 * The maximum payload of a compressed message for a given decompressed size: incompressible data
 * grows by 5 bytes per stored block of up to 65,535 bytes (RFC 1951 section 3.2.4), and encoders
 * may end blocks early.
 */
export function compressedLimit(limit: number): number {
  return limit + (limit >>> 6) + 64;
}

/**
 * The header size in bytes for this second byte: 2 to 14.
 *
 * @example
 * ```ts
 * import { headerSize } from "@quickws/quickws/core";
 *
 * console.log(headerSize(125), headerSize(126), headerSize(0x80 | 127)); // 2 4 14
 * ```
 *
 * @category Frames
 */
export function headerSize(second: number): number {
  const length = second & LENGTH_BITS;
  const extended = length === LENGTH_16 ? 2 : length === LENGTH_64 ? 8 : 0;
  return 2 + extended + (second >>> 5 & 4);
}

/**
 * Checks the first two bytes of a header.
 *
 * @param first The first byte: FIN, RSV1 to RSV3, opcode.
 * @param second The second byte: MASK and length.
 * @param rules The rules for the frame.
 * @param inMessage Whether a fragmented message is in progress.
 * @throws {ProtocolError} When a rule is violated.
 *
 * @example
 * ```ts
 * import { checkHeader } from "@quickws/quickws/core";
 *
 * const rules = { masked: true, rsv1: false, maxMessageSize: 1024, maxFragments: 16 };
 * checkHeader(0x81, 0x85, rules, false); // A masked text frame of 5 bytes is fine.
 * try {
 *   checkHeader(0x80, 0x85, rules, false);
 * } catch (error) {
 *   console.log(String(error)); // ProtocolError: A continuation frame continues no message
 * }
 * ```
 *
 * @category Frames
 */
export function checkHeader(
  first: number,
  second: number,
  rules: FrameRules,
  inMessage: boolean,
): void {
  const opcode = first & OPCODE_BITS;
  // RFC 6455 5.2: a reserved bit not defined by a negotiated extension fails the connection.
  if ((first & RSV2_RSV3) !== 0) {
    throw new ProtocolError(
      "RESERVED_BITS",
      "A frame has RSV2 or RSV3 set, without an extension that uses it",
    );
  }
  if ((first & RSV1) !== 0) checkRsv1(opcode, rules);
  if ((opcode & CONTROL) !== 0) checkControl(first, second);
  else checkData(opcode, inMessage);
  // RFC 6455 5.1: clients mask every frame, servers never mask.
  if (((second & MASK) !== 0) !== rules.masked) {
    throw rules.masked
      ? new ProtocolError("MASK_MISSING", "A frame from a client is not masked")
      : new ProtocolError("MASK_UNEXPECTED", "A frame from a server is masked");
  }
}

function checkRsv1(opcode: number, rules: FrameRules): void {
  if (!rules.rsv1) {
    throw new ProtocolError(
      "RESERVED_BITS",
      "A frame has RSV1 set without an extension that uses it",
    );
  }
  // RFC 7692 6: control frames are never compressed; 6.1: only the first fragment has the bit.
  if (opcode !== Opcode.Text && opcode !== Opcode.Binary) {
    throw new ProtocolError(
      "RESERVED_BITS",
      "RSV1 is set on a frame that does not begin a message",
    );
  }
}

function checkControl(first: number, second: number): void {
  const opcode = first & OPCODE_BITS;
  if (opcode > Opcode.Pong) throw reservedOpcode(opcode);
  // RFC 6455 5.5: "All control frames MUST have a payload length of 125 bytes or less and MUST NOT
  // be fragmented."
  if ((second & LENGTH_BITS) > MAX_CONTROL_PAYLOAD) {
    throw new ProtocolError(
      "CONTROL_FRAME_TOO_LONG",
      `A control frame with the payload length ${second & LENGTH_BITS} is longer than 125 bytes`,
    );
  }
  if ((first & FIN) === 0) {
    throw new ProtocolError("CONTROL_FRAME_FRAGMENTED", "A control frame is fragmented");
  }
}

function checkData(opcode: number, inMessage: boolean): void {
  if (opcode > Opcode.Binary) throw reservedOpcode(opcode);
  // RFC 6455 5.4: fragments of different messages are not interleaved.
  if (opcode === Opcode.Continuation) {
    if (!inMessage) {
      throw new ProtocolError(
        "CONTINUATION_UNEXPECTED",
        "A continuation frame continues no message",
      );
    }
  } else if (inMessage) {
    throw new ProtocolError(
      "CONTINUATION_EXPECTED",
      `A frame with opcode ${opcode} begins a message inside a fragmented message`,
    );
  }
}

function reservedOpcode(opcode: number): ProtocolError {
  return new ProtocolError("RESERVED_OPCODE", `A frame has the reserved opcode ${opcode}`);
}

/**
 * Reads the payload length of a whole header at `offset`.
 *
 * @param limit The maximum size of the payload in bytes.
 * @throws {ProtocolError} When the length is not encoded minimally, or its top bit is set.
 * @throws {MessageTooBigError} When the length exceeds the limit.
 *
 * @example
 * ```ts
 * import { readPayloadLength } from "@quickws/quickws/core";
 *
 * console.log(readPayloadLength(Uint8Array.of(0x82, 126, 1, 0), 0, 1024)); // 256
 * ```
 *
 * @category Frames
 */
export function readPayloadLength(bytes: Uint8Array, offset: number, limit: number): number {
  // Errors are created elsewhere, so that engines inline this function.
  let length = bytes[offset + 1] & LENGTH_BITS;
  if (length === LENGTH_16) {
    length = bytes[offset + 2] << 8 | bytes[offset + 3];
    // RFC 6455 5.2: "the minimal number of bytes MUST be used to encode the length".
    if (length < LENGTH_16) throw notMinimal(length, 16);
  } else if (length === LENGTH_64) {
    length = readLength64(bytes, offset + 2);
    if (length < 0x10000) throw notMinimal(length, 64);
  }
  if (length > limit) throw tooBig(shown(bytes, offset, length), limit);
  return length;
}

function notMinimal(length: number, bits: number): ProtocolError {
  return new ProtocolError(
    "LENGTH_NOT_MINIMAL",
    `A payload length of ${length} is written in ${bits} bits`,
  );
}

function tooBig(size: string, limit: number): MessageTooBigError {
  return new MessageTooBigError(
    `A message exceeds maxMessageSize: a frame of ${size} bytes, ${limit} bytes left`,
  );
}

/** Formats a length exactly: numbers round 64-bit values. */
function shown(bytes: Uint8Array, offset: number, length: number): string {
  if (length <= Number.MAX_SAFE_INTEGER) return String(length);
  const high = BigInt(readUint32(bytes, offset + 2));
  return String(high << 32n | BigInt(readUint32(bytes, offset + 6)));
}

function readLength64(bytes: Uint8Array, offset: number): number {
  const high = readUint32(bytes, offset);
  // RFC 6455 5.2: "the most significant bit MUST be 0".
  if (high >= 0x80000000) {
    throw new ProtocolError("LENGTH_TOP_BIT", "A 64-bit payload length has its top bit set");
  }
  // Exact up to 2 ** 53; above that the rounded value still exceeds every limit.
  return high * 0x100000000 + readUint32(bytes, offset + 4);
}

function readUint32(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] << 24 | bytes[offset + 1] << 16 | bytes[offset + 2] << 8 |
    bytes[offset + 3]) >>> 0;
}

/** The error for a message with more frames than `maxFragments`. */
export function tooManyFragments(limit: number): WebSocketError {
  return new WebSocketError(
    "TOO_MANY_FRAGMENTS",
    `A message exceeds maxFragments: it has more than ${limit} frames`,
    { closeCode: CloseCode.PolicyViolation },
  );
}
