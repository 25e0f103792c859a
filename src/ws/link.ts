// The library connection of a `ws` WebSocket: opened over a stream after the opening handshake,
// with the error codes, classes and texts of `ws`.

import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { type ErrorCode, WebSocketError } from "../errors.ts";
import type { Connection } from "../connection/connection.ts";
import type { HandshakeInfo } from "../connection/connection_driver.ts";
import { compressionFor } from "../connection/compression.ts";
import type { ConnectionRules } from "../connection/connection_options.ts";
import { Driver } from "../connection/driver.ts";
import type { Handlers } from "../connection/handlers.ts";
import type { DeflateAgreement } from "../handshake/deflate_offer.ts";
import { logError } from "../shared/user_code.ts";
import { type NodeSocket, NodeTransport } from "../transport/node_transport.ts";
import type { MaskSource } from "../wire/frame_writer.ts";

/** The parameters of a new connection. */
interface LinkOptions<T> {
  /** The stream. */
  readonly socket: Duplex;
  /** The checked options. */
  readonly rules: ConnectionRules;
  /** The handlers, shared by many connections. */
  readonly handlers: Handlers<T>;
  /** Called when a connection fails, before it ends. Must not throw. */
  readonly failing: (connection: Connection<T>, error: WebSocketError) => void;
  /** The source of mask keys, on the client's side. */
  readonly masks: MaskSource | undefined;
  /** The negotiated compression, if any. */
  readonly agreement: DeflateAgreement | undefined;
  /** The data of the connection, for its handlers. */
  readonly data: T;
}

const NO_FIELDS: HandshakeInfo["headers"] = {
  get: () => null,
  has: () => false,
  [Symbol.iterator]: () => [][Symbol.iterator](),
};

/** The user gets the handshake's fields from `node:http`. */
const HANDSHAKE: HandshakeInfo = {
  url: "",
  status: 101,
  headers: NO_FIELDS,
  protocol: "",
  extensions: "",
};

/** The connection of a WebSocket. */
export type Link<T> = Driver<T>;

/** Opens it. Nothing is delivered before the next turn of the event loop. */
export function openLink<T>(options: LinkOptions<T>): Link<T> {
  const { socket, rules, handlers, failing, masks, agreement, data } = options;
  const context = {
    connectionRules: rules,
    compressionFor,
    handlers,
    masks,
    reportError: logError,
    connectionFailing: failing,
  };
  const transport = new NodeTransport(socket as unknown as NodeSocket);
  const driver = new Driver<T>(context, transport, HANDSHAKE, data, undefined, agreement);
  driver.start({ rest: [], ended: false });
  return driver;
}

/** An error in the form of the package `ws`. */
interface WsError extends Error {
  /** `WS_ERR_...`, or `Z_DATA_ERROR` for a corrupt compressed message. */
  code?: string;
  /** -3 with `Z_DATA_ERROR`. */
  errno?: number;
}

/** The bytes of an empty message or reason, a single object as in `ws`. */
export const EMPTY: Buffer = Buffer.alloc(0);

type ErrorClass = new (message: string, options?: ErrorOptions) => Error;

type Entry = readonly [code: string, type: ErrorClass, text: string];

const FRAME = "Invalid WebSocket frame: ";

/** By the library's error code; the number in the library's message completes the text. */
const ENTRIES: Partial<Record<ErrorCode, Entry>> = {
  RESERVED_OPCODE: ["WS_ERR_INVALID_OPCODE", RangeError, `${FRAME}invalid opcode `],
  MASK_MISSING: ["WS_ERR_EXPECTED_MASK", RangeError, `${FRAME}MASK must be set`],
  MASK_UNEXPECTED: ["WS_ERR_UNEXPECTED_MASK", RangeError, `${FRAME}MASK must be clear`],
  CONTROL_FRAME_FRAGMENTED: ["WS_ERR_EXPECTED_FIN", RangeError, `${FRAME}FIN must be set`],
  CONTROL_FRAME_TOO_LONG: [
    "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH",
    RangeError,
    `${FRAME}invalid payload length `,
  ],
  CLOSE_PAYLOAD_TOO_SHORT: [
    "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH",
    RangeError,
    `${FRAME}invalid payload length 1`,
  ],
  CONTINUATION_UNEXPECTED: ["WS_ERR_INVALID_OPCODE", RangeError, `${FRAME}invalid opcode 0`],
  CONTINUATION_EXPECTED: ["WS_ERR_INVALID_OPCODE", RangeError, `${FRAME}invalid opcode `],
  CLOSE_CODE_INVALID: ["WS_ERR_INVALID_CLOSE_CODE", RangeError, `${FRAME}invalid status code `],
  INVALID_UTF8: ["WS_ERR_INVALID_UTF8", Error, `${FRAME}invalid UTF-8 sequence`],
  LENGTH_TOP_BIT: [
    "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH",
    RangeError,
    "Unsupported WebSocket frame: payload length > 2^53 - 1",
  ],
  MESSAGE_TOO_BIG: ["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", RangeError, "Max payload size exceeded"],
  TOO_MANY_FRAGMENTS: ["WS_ERR_TOO_MANY_BUFFERED_PARTS", RangeError, "Too many message fragments"],
  INVALID_DEFLATE_DATA: ["Z_DATA_ERROR", Error, "invalid data"],
};

/**
 * Converts the library's `error` to that of `ws`, or `undefined`: `ws` reports a lost or cut
 * connection only by the code 1006.
 *
 * @param error The failure of a connection; it is the `cause` of the result.
 */
export function toWsError(error: Error | undefined): WsError | undefined {
  if (!(error instanceof WebSocketError)) return undefined;
  const entry = entryOf(error);
  if (entry === undefined) return error.closeCode === undefined ? undefined : error;
  const [code, type, text] = entry;
  // The value in the library's message.
  const value = text.endsWith(" ") ? (/\b\d+\b/.exec(error.message)?.[0] ?? "") : "";
  const result: WsError = new type(text + value, { cause: error });
  result.code = code;
  if (code === "Z_DATA_ERROR") result.errno = -3;
  return result;
}

function entryOf(error: WebSocketError): Entry | undefined {
  if (error.code === "MESSAGE_TOO_BIG" && sizeIn(error.message) > Number.MAX_SAFE_INTEGER) {
    return ENTRIES.LENGTH_TOP_BIT;
  }
  if (error.code !== "RESERVED_BITS") return ENTRIES[error.code];
  return error.message.includes("RSV1")
    ? ["WS_ERR_UNEXPECTED_RSV_1", RangeError, `${FRAME}RSV1 must be clear`]
    : ["WS_ERR_UNEXPECTED_RSV_2_3", RangeError, `${FRAME}RSV2 and RSV3 must be clear`];
}

/** The announced size of a message over the limit. */
function sizeIn(message: string): number {
  return Number(/of (\d+) bytes/.exec(message)?.[1] ?? 0);
}
