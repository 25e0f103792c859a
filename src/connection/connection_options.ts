// The options common to `serve` and `connect`, their defaults and validation.

import { checkInteger, checkNames, checkOneOf, checkType, wrongType } from "../shared/check.ts";
import {
  type CompressionOptions,
  type CompressionRules,
  compressionRules,
} from "./compression_options.ts";
import type { KeepaliveRules } from "./keepalive.ts";
import { type RateLimitOptions, type RateLimitRules, rateLimitRules } from "./rate_limit.ts";
import type { SessionRules } from "../session/session.ts";
import { assertSubprotocols } from "../handshake/subprotocols.ts";

/**
 * When messages of `sendDelayed` are sent: as soon as either limit is reached.
 *
 * @category Connection
 */
export interface DelayedWriteOptions {
  /** The maximum number of waiting messages. Default: 10. */
  maxMessages?: number | undefined;
  /** The maximum delay of the first one, in milliseconds. Default: 10. */
  maxDelay?: number | undefined;
  /** The initial size of their buffer in bytes; it grows as needed. Default: 8192. */
  bufferSize?: number | undefined;
}

/**
 * Options of both `serve` and `connect`.
 *
 * @category Connection
 */
export interface ConnectionOptions {
  /**
   * The type of received text messages. `"bytes"`: as a `Uint8Array`, still checked as UTF-8 (RFC
   * 6455 section 8.1). Default: `"string"`.
   */
  text?: "string" | "bytes" | undefined;
  /**
   * The type of received binary messages. `"arraybuffer"`: each as a separate `ArrayBuffer`, which
   * may be transferred. Default: `"uint8array"`, a view that may share its buffer with other
   * messages.
   */
  binaryType?: "uint8array" | "arraybuffer" | undefined;
  /**
   * `false` skips the UTF-8 validation of incoming text from a trusted peer; requires `text:
   * "bytes"`. Default: `true`.
   */
  utf8Check?: boolean | undefined;
  /**
   * The maximum size of an incoming message in bytes, all fragments included; a larger one closes
   * the connection with 1009. 1 to 2147483647. Default: 16777216 (16 MiB).
   */
  maxMessageSize?: number | undefined;
  /**
   * The maximum frames per incoming message, empty ones included; more close the connection with
   * 1008. Default: 16384.
   */
  maxFragments?: number | undefined;
  /**
   * Compression of messages (RFC 7692), if the peer supports it; see {@linkcode
   * CompressionOptions}. `"compatible"` negotiates plain `permessage-deflate` with context takeover
   * and 15-bit windows, for peers that support nothing else (Jetty, Netty, Tornado); it costs up to
   * 64 KiB more per connection. Default: `false`.
   */
  compression?: boolean | "compatible" | CompressionOptions | undefined;
  /** Subprotocols to offer (`connect`) or to accept, in order of preference (`serve`). */
  subprotocols?: readonly string[] | undefined;
  /** Whether pings are answered with pongs (RFC 6455 section 5.5.3). Default: `true`. */
  autoPong?: boolean | undefined;
  /**
   * Milliseconds without progress after which the closing handshake is aborted and the socket cut;
   * sent output is progress. 0 cuts it immediately. Default: 5000.
   */
  closeTimeout?: number | undefined;
  /** Milliseconds between pings to the peer; 0 disables them. Default: 0. */
  pingInterval?: number | undefined;
  /**
   * Milliseconds of silence after a ping of `pingInterval` before the peer counts as dead; 0 disables the
   * limit. It needs `pingInterval`. Default: 0.
   */
  pongTimeout?: number | undefined;
  /** Milliseconds without a byte from the peer before it counts as dead; 0 disables it. Default: 0. */
  readTimeout?: number | undefined;
  /**
   * Milliseconds without progress of buffered output before the peer counts as dead; 0 disables the
   * limit. Default: 0.
   */
  writeTimeout?: number | undefined;
  /**
   * The maximum milliseconds from the first to the last byte of an incoming message; 0 disables the
   * limit. Default: 0.
   */
  messageTimeout?: number | undefined;
  /**
   * Milliseconds that messages wait for a reader if there is no `message` handler; then they are
   * discarded. A Close frame behind unread messages is processed by then at the latest. Default:
   * 30000.
   */
  unreadTimeout?: number | undefined;
  /**
   * Milliseconds after which a connection is closed with 1001, with up to 10% random variation; 0
   * disables the limit. Default: 0.
   */
  maxLifetime?: number | undefined;
  /**
   * The maximum memory in bytes for all connections of the process: partial and unread messages,
   * buffered output, waiting messages, compression contexts. Above it the connections that hold
   * most are closed with 1013; near it servers answer new handshakes with 503. Default: 1073741824
   * (1 GiB), or twice `maxMessageSize` if that is more.
   */
  memoryLimit?: number | undefined;
  /** The limits for the input of each connection; see {@linkcode RateLimitOptions}. Default: no limit. */
  rateLimit?: RateLimitOptions | undefined;
  /** When `sendDelayed` writes. Default: `{ maxMessages: 10, maxDelay: 10, bufferSize: 8192 }`. */
  delayedWrite?: DelayedWriteOptions | undefined;
  /** Buffered bytes above which `send` returns `false`. Default: 1048576 (1 MiB). */
  highWaterMark?: number | undefined;
  /**
   * Buffered bytes above which a slow peer is disconnected (error `SLOW_CONSUMER`). A single larger
   * message does not count. Default: 67108864 (64 MiB).
   */
  maxBufferedAmount?: number | undefined;
  /** Whether small writes are sent immediately (TCP_NODELAY). Default: `true`. */
  noDelay?: boolean | undefined;
  /**
   * The initial size in bytes of a connection's read buffer on Deno: 512 to 1048576. Default:
   * chosen by the transport. Ignored on Node and Bun, which use their own buffers.
   */
  readBufferSize?: number | undefined;
}

/** The names of {@linkcode ConnectionOptions}, for validation. */
export const CONNECTION_OPTION_NAMES = [
  "text",
  "binaryType",
  "utf8Check",
  "maxMessageSize",
  "maxFragments",
  "compression",
  "subprotocols",
  "autoPong",
  "closeTimeout",
  "pingInterval",
  "pongTimeout",
  "readTimeout",
  "writeTimeout",
  "messageTimeout",
  "unreadTimeout",
  "maxLifetime",
  "memoryLimit",
  "rateLimit",
  "delayedWrite",
  "highWaterMark",
  "maxBufferedAmount",
  "noDelay",
  "readBufferSize",
] as const;

/** The checked options of a connection, shared by all connections of a server. */
export interface ConnectionRules extends SessionRules, KeepaliveRules {
  /** See {@linkcode ConnectionOptions.binaryType}. */
  readonly binaryType: "uint8array" | "arraybuffer";
  /** See {@linkcode ConnectionOptions.unreadTimeout}. */
  readonly unreadTimeout: number;
  /** See {@linkcode ConnectionOptions.rateLimit}. */
  readonly rateLimit: RateLimitRules | undefined;
  /** See {@linkcode ConnectionOptions.memoryLimit}. */
  readonly memoryLimit: number;
  /** See {@linkcode ConnectionOptions.maxLifetime}. */
  readonly maxLifetime: number;
  /** See {@linkcode ConnectionOptions.compression}. */
  readonly compression: CompressionRules | undefined;
  /** The same rules for a connection with compression. */
  readonly whenCompressed: SessionRules;
  /** See {@linkcode ConnectionOptions.closeTimeout}. */
  readonly closeTimeout: number;
  /** See {@linkcode ConnectionOptions.delayedWrite}. */
  readonly delayedWrite: Required<DelayedWriteOptions>;
  /** See {@linkcode ConnectionOptions.highWaterMark}. */
  readonly highWaterMark: number;
  /** See {@linkcode ConnectionOptions.maxBufferedAmount}. */
  readonly maxBufferedAmount: number;
}

/** The maximum value of options in bytes or milliseconds. */
export const MAX_INT32 = 0x7fffffff;

/**
 * Checks the options of both sides and fills in the defaults.
 *
 * @param options The user's options.
 * @param masked Whether incoming frames must be masked: `true` for a server.
 * @throws {TypeError | RangeError} When an option is of the wrong type or out of range.
 */
export function connectionRules(options: ConnectionOptions, masked: boolean): ConnectionRules {
  checkConnectionOptions(options);
  const { maxMessageSize = 16 << 20, maxBufferedAmount = 64 << 20, delayedWrite = {} } = options;
  const { maxMessages = 10, maxDelay = 10, bufferSize = 8192 } = delayedWrite;
  const session: SessionRules = {
    masked,
    rsv1: false,
    text: options.text ?? "string",
    utf8Check: options.utf8Check ?? true,
    maxMessageSize,
    maxFragments: options.maxFragments ?? 16384,
    autoPong: options.autoPong ?? true,
  };
  const memoryLimit = options.memoryLimit ?? Math.max(1 << 30, 2 * maxMessageSize);
  return {
    ...session,
    compression: compressionRules(options.compression, masked, memoryLimit),
    whenCompressed: { ...session, rsv1: true },
    closeTimeout: options.closeTimeout ?? 5000,
    pingInterval: options.pingInterval ?? 0,
    pongTimeout: options.pongTimeout ?? 0,
    readTimeout: options.readTimeout ?? 0,
    writeTimeout: options.writeTimeout ?? 0,
    messageTimeout: options.messageTimeout ?? 0,
    binaryType: options.binaryType ?? "uint8array",
    unreadTimeout: options.unreadTimeout ?? 30_000,
    maxLifetime: options.maxLifetime ?? 0,
    rateLimit: rateLimitRules(options.rateLimit),
    memoryLimit,
    delayedWrite: { maxMessages, maxDelay, bufferSize },
    // A default must not conflict with the other option.
    highWaterMark: options.highWaterMark ?? Math.min(1 << 20, maxBufferedAmount),
    maxBufferedAmount: Math.max(maxBufferedAmount, options.highWaterMark ?? 0),
  };
}

const TIMES = [
  "pingInterval",
  "pongTimeout",
  "readTimeout",
  "writeTimeout",
  "messageTimeout",
  "unreadTimeout",
  "maxLifetime",
] as const;

function checkConnectionOptions(options: ConnectionOptions): void {
  checkOneOf("text", options.text, ["string", "bytes"]);
  checkOneOf("binaryType", options.binaryType, ["uint8array", "arraybuffer"]);
  checkType("utf8Check", options.utf8Check, "boolean");
  if (options.utf8Check === false && options.text !== "bytes") {
    throw new TypeError('Option "utf8Check" can be false only together with text: "bytes"');
  }
  checkInteger("maxMessageSize", options.maxMessageSize, 1, MAX_INT32, "bytes");
  checkInteger("maxFragments", options.maxFragments, 1, MAX_INT32, "frames");
  checkType("autoPong", options.autoPong, "boolean");
  checkInteger("closeTimeout", options.closeTimeout, 0, MAX_INT32, "milliseconds");
  for (const name of TIMES) checkInteger(name, options[name], 0, MAX_INT32, "milliseconds");
  if ((options.pongTimeout ?? 0) > 0 && (options.pingInterval ?? 0) === 0) {
    throw new TypeError(
      `Option "pongTimeout" (${options.pongTimeout}) needs "pingInterval": it is the time after a ping`,
    );
  }
  const max = Number.MAX_SAFE_INTEGER;
  checkInteger("memoryLimit", options.memoryLimit, 0, max, "bytes");
  if (options.delayedWrite !== undefined) checkDelayedWrite(options.delayedWrite);
  checkInteger("highWaterMark", options.highWaterMark, 0, MAX_INT32, "bytes");
  const least = options.highWaterMark ?? 0;
  checkInteger("maxBufferedAmount", options.maxBufferedAmount, least, MAX_INT32, "bytes");
  checkType("noDelay", options.noDelay, "boolean");
  checkInteger("readBufferSize", options.readBufferSize, 512, 1 << 20, "bytes");
  checkSubprotocols(options.subprotocols);
}

function checkDelayedWrite(value: DelayedWriteOptions): void {
  checkNames('Option "delayedWrite"', value, ["maxMessages", "maxDelay", "bufferSize"]);
  checkInteger("delayedWrite.maxMessages", value.maxMessages, 1, MAX_INT32, "messages");
  checkInteger("delayedWrite.maxDelay", value.maxDelay, 1, MAX_INT32, "milliseconds");
  checkInteger("delayedWrite.bufferSize", value.bufferSize, 1, 1 << 20, "bytes");
}

function checkSubprotocols(value: unknown): void {
  if (value === undefined) return;
  if (!Array.isArray(value)) throw wrongType("subprotocols", "an array of strings", value);
  assertSubprotocols(value);
}

/**
 * The values of the option `text`.
 *
 * @category Connection
 */
export type TextType = "string" | "bytes";

/**
 * The values of the option `binaryType`.
 *
 * @category Connection
 */
export type BinaryType = "uint8array" | "arraybuffer";

/**
 * The messages of a connection with the options `text: X` and `binaryType: B`. A value that is not
 * a literal type counts as the default.
 *
 * @category Connection
 */
export type MessageOf<X extends TextType, B extends BinaryType> =
  | ([X] extends ["bytes"] ? Uint8Array<ArrayBuffer> : string)
  | ([B] extends ["arraybuffer"] ? ArrayBuffer : Uint8Array<ArrayBuffer>);

/**
 * The options that choose the types of messages.
 *
 * @category Connection
 */
export interface MessageTypeOptions<X extends TextType, B extends BinaryType> {
  /** See `ConnectionOptions.text`. */
  text?: X | undefined;
  /** See `ConnectionOptions.binaryType`. */
  binaryType?: B | undefined;
}
