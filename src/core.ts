/**
 * The I/O-free protocol core, for custom transports: bytes in, bytes out, on any ECMAScript engine.
 * It needs no socket, clock or runtime API.
 *
 * From the bottom up: {@linkcode FrameReader} and {@linkcode writeFrame} convert bytes to frames
 * and back; {@linkcode MessageReader} and {@linkcode MessageWriter} frames into messages and back;
 * a {@linkcode Session} is one endpoint of an open connection; {@linkcode ServerHandshake} and
 * {@linkcode ClientHandshake} open it.
 *
 * @example The messages in the bytes that a server sent
 * ```ts
 * import { FrameReader, MessageReader, type MessageSink } from "@quickws/quickws/core";
 *
 * const sink: MessageSink = {
 *   textMessage: (text) => console.log(text), // hello
 *   bytesMessage: (_opcode, bytes, start, end) => console.log(bytes.subarray(start, end)),
 *   controlFrame: (opcode) => console.log(`a control frame, ${opcode}`),
 * };
 * const limits = { maxMessageSize: 1024, maxFragments: 16 };
 * const messages = new MessageReader({ text: "string", utf8Check: true, ...limits }, sink);
 * const frames = new FrameReader({ masked: false, rsv1: false, ...limits }, messages);
 * frames.read(Uint8Array.of(0x81, 5, 0x68, 0x65, 0x6c)); // Chunks may end anywhere.
 * frames.read(Uint8Array.of(0x6c, 0x6f));
 * ```
 *
 * @module
 */

export * from "./errors.ts";

export {
  CloseCode,
  type ClosePayload,
  formatClosePayload,
  isCloseCode,
  MAX_CLOSE_REASON,
  parseClosePayload,
} from "./wire/close.ts";
export { FrameReader, type FrameSink } from "./wire/frame_reader.ts";
export {
  frameHeaderSize,
  type FrameOutput,
  type MaskSource,
  sealFrame,
  writeFrame,
} from "./wire/frame_writer.ts";
export { checkHeader, type FrameRules, headerSize, readPayloadLength } from "./wire/header.ts";
export { applyMask, readMaskKey, rotateMaskKey, writeMaskKey } from "./wire/mask.ts";
export { type MessageOpcode, Opcode } from "./wire/opcode.ts";

export {
  autoLevel,
  deflate,
  DeflateContext,
  type DeflateContextOptions,
  type DeflateLevel,
  type DeflateOptions,
} from "./deflate/deflate.ts";
export { inflate } from "./deflate/inflate.ts";
export { InflateError, type InflateErrorCode } from "./deflate/bits.ts";
export { InflateHistory } from "./deflate/inflate_output.ts";

export type { MessageCompression, MessageSlices } from "./message/message_compression.ts";
export { MessageReader, type MessageRules, type MessageSink } from "./message/message_reader.ts";
export { MessageWriter } from "./message/message_writer.ts";
export {
  PermessageDeflate,
  type PermessageDirection,
  type PermessageRules,
} from "./message/permessage.ts";
export { checkUtf8, checkUtf8End, decodeText, encodeText, UTF8_COMPLETE } from "./message/utf8.ts";

export type { CloseInfo } from "./session/end.ts";
export {
  Session,
  type SessionEvents,
  type SessionRules,
  type SessionShell,
  type SessionState,
} from "./session/session.ts";

export { acceptKey, encodeKey, isValidKey } from "./handshake/accept_key.ts";
export {
  ClientHandshake,
  type ClientHandshakeOptions,
  MAX_BODY_START,
  MAX_INTERIM_RESPONSES,
} from "./handshake/client.ts";
export {
  acceptDeflate,
  checkDeflateAnswer,
  type DeflateAgreement,
  type DeflateAnswer,
  type DeflateConfig,
  type DeflateDirection,
  offerDeflate,
  PERMESSAGE_DEFLATE,
} from "./handshake/deflate_offer.ts";
export {
  type Extension,
  type ExtensionParameter,
  formatExtensions,
  parseExtensions,
} from "./handshake/extensions.ts";
export { HeaderFields } from "./handshake/header_fields.ts";
export {
  DEFAULT_MAX_HEAD_BYTES,
  DEFAULT_MAX_HEAD_LINES,
  type HeadLimits,
  HttpHeadReader,
} from "./handshake/http_head.ts";
export type { FieldLines } from "./handshake/outgoing.ts";
export { buildRequest, type RequestOptions } from "./handshake/request.ts";
export {
  checkUpgrade,
  type ParsedRequest,
  requestFrom,
  type RequestHead,
  ServerHandshake,
  type ServerRequest,
} from "./handshake/server.ts";
export {
  type AcceptOptions,
  acceptResponse,
  errorResponse,
  type RefusalOptions,
  refusalResponse,
} from "./handshake/response.ts";
export { chooseSubprotocol, parseSubprotocols } from "./handshake/subprotocols.ts";
