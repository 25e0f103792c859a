// The arguments of a connection's methods: how a message is sent or published, and the close code.

import { MAX_CONTROL_PAYLOAD } from "../wire/opcode.ts";
import { toBytes } from "../shared/bytes.ts";
import { checkNames, checkOneOf, checkType, show } from "../shared/check.ts";
import { PreparedMessage } from "../message/prepared_message.ts";
import { isCloseCode, MAX_CLOSE_REASON } from "../wire/close.ts";

/**
 * How a stream is sent as one message.
 *
 * @category Connection
 */
export interface StreamOptions {
  /** `false` sends it uncompressed on a connection that has compression. Default: `true`. */
  compress?: boolean | undefined;
}

/**
 * How one message is sent by `send`.
 *
 * @category Connection
 */
export interface SendOptions extends StreamOptions {
  /**
   * Called once, when the message has left the process, or with the error that prevented that.
   * Never called from inside `send`.
   */
  written?(error?: Error): void;
}

/**
 * How a fragment is sent.
 *
 * @category Connection
 */
export interface FragmentOptions extends StreamOptions {
  /** Whether it is the last fragment of its message. Default: `false`. */
  fin?: boolean | undefined;
}

/**
 * Encodes a message once, to be sent on many connections with `connection.sendPrepared`.
 *
 * @param data A string is sent as text, bytes (which are copied) as binary.
 * @throws {TypeError} When the data is of another type.
 *
 * @example
 * ```ts
 * import { prepareMessage, serve } from "@quickws/quickws";
 *
 * await using server = await serve({ port: 0 });
 * const tick = prepareMessage(JSON.stringify({ price: 42 }));
 * for (const conn of server.clients()) conn.sendPrepared(tick);
 * ```
 *
 * @category Connection
 */
export function prepareMessage(data: string | ArrayBuffer | ArrayBufferView): PreparedMessage {
  return new PreparedMessage(typeof data === "string" ? data : toBytes(data));
}

/**
 * The treatment of a slow receiver, one for which more than `highWaterMark` bytes are buffered:
 *
 * - `"queue"`: it is buffered, up to `maxBufferedAmount`, as with `send`.
 * - `"drop"`: the receiver does not get it.
 * - `"conflate"`: it replaces the message of the same topic and key that waits outside the buffer, and
 *   is sent when the receiver has caught up.
 * - `"close"`: the receiver is disconnected (error `SLOW_CONSUMER`).
 *
 * @category Pub/sub
 */
export type OnSlow = "queue" | "drop" | "conflate" | "close";

/**
 * How a message is published.
 *
 * @category Pub/sub
 */
export interface PublishOptions {
  /** The policy for slow receivers. Default: `"queue"`. */
  onSlow?: OnSlow | undefined;
  /**
   * With `onSlow: "conflate"` only: the message replaces the waiting one of the same topic and key. At
   * most 1024 bytes of UTF-8. Default: an empty string, one key for the whole topic.
   */
  key?: string | undefined;
}

/**
 * The outcome of a publish, in numbers of receivers: each open subscriber counts once.
 *
 * @category Pub/sub
 */
export interface PublishResult {
  /** Receivers to which the message was sent, or for which it is buffered. */
  sent: number;
  /**
   * Receivers that get the message later: once they have caught up (`"conflate"`), or, with the
   * option `history`, all of them once the broker has numbered it.
   */
  waiting: number;
  /** Receivers among `waiting` for which the message has replaced an older one. */
  replaced: number;
  /** Receivers that do not get the message because they are slow (`"drop"`). */
  dropped: number;
  /** Receivers that were disconnected: by `"close"`, or because of `maxBufferedAmount`. */
  closed: number;
}

/** Called when a message has left the process, or with the error that kept it from leaving. */
export type WrittenCallback = (error?: Error) => void;

const SEND_OPTIONS = ["compress", "written"] as const;

/**
 * Whether a message may be compressed.
 *
 * @throws {TypeError} When the options are of the wrong type.
 */
export function wantsCompression(
  method: string,
  options: StreamOptions | undefined,
  names: readonly string[] = SEND_OPTIONS,
): boolean {
  if (options === undefined) return true;
  checkNames(`The options of ${method}`, options, names);
  checkType("compress", options.compress, "boolean");
  checkType("written", (options as SendOptions).written, "function");
  return options.compress !== false;
}

/** The callback of `written` among checked options, bound to them. */
export function writtenOf(options: SendOptions | undefined): WrittenCallback | undefined {
  if (options?.written === undefined) return undefined;
  return (error) => options.written!(error);
}

/**
 * The payload of a ping or a pong.
 *
 * @throws {RangeError} When it is too long for a control frame.
 */
export function controlPayload(payload: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : toBytes(payload);
  if (bytes.length > MAX_CONTROL_PAYLOAD) {
    throw new RangeError(
      `Cannot send: a ping or pong takes at most ${MAX_CONTROL_PAYLOAD} bytes, got ${bytes.length}`,
    );
  }
  return bytes;
}

/** The bytes of UTF-8 that the name of a topic, or a key, may have. */
export const MAX_TOPIC_BYTES = 1024;

/** UTF-8 takes at most this many bytes for a unit of UTF-16. */
const MAX_BYTES_PER_UNIT = 3;

/** @throws {TypeError | RangeError} Unless it can be the name of a topic. */
export function checkTopic(topic: unknown): asserts topic is string {
  if (typeof topic !== "string") {
    throw new TypeError(`A topic must be a string, got ${show(topic)}`);
  }
  if (topic === "") throw new RangeError('A topic must not be empty, got ""');
  checkText("A topic", topic);
}

function checkText(what: string, text: string): void {
  if (!text.isWellFormed()) {
    throw new TypeError(`${what} must be well-formed, got one with half of a surrogate pair`);
  }
  if (text.length * MAX_BYTES_PER_UNIT <= MAX_TOPIC_BYTES) return;
  const bytes = text.length > MAX_TOPIC_BYTES ? text.length : new TextEncoder().encode(text).length;
  if (bytes <= MAX_TOPIC_BYTES) return;
  throw new RangeError(
    `${what} must have at most ${MAX_TOPIC_BYTES} bytes of UTF-8, got ${show(text)}`,
  );
}

/**
 * Checks how a message is published.
 *
 * @param known The names of the known options.
 * @throws {TypeError} When an option is of the wrong type, unknown, or does not fit the others.
 * @throws {RangeError} When the key is too long.
 */
export function checkPublishOptions(options: PublishOptions, known: readonly string[]): void {
  checkNames("The options of publish", options, known);
  checkOneOf("onSlow", options.onSlow, ["queue", "drop", "conflate", "close"]);
  checkType("key", options.key, "string");
  if (options.key === undefined) return;
  checkText('Option "key"', options.key);
  if (options.onSlow !== "conflate") {
    throw new TypeError('Option "key" can be given only together with onSlow: "conflate"');
  }
}

const CLOSE_CODES = "an integer of 1000-1003, 1007-1014 or 3000-4999";

/**
 * Checks the code and the reason of a close.
 *
 * @throws {TypeError} When the code is not an integer or the reason not a string.
 * @throws {RangeError} When the code may not be sent or the reason is over 123 bytes of UTF-8.
 */
export function checkCloseArguments(code: number, reason: string): void {
  if (!Number.isInteger(code)) {
    throw new TypeError(`Cannot close: the code must be ${CLOSE_CODES}, got ${show(code)}`);
  }
  if (typeof reason !== "string") {
    throw new TypeError(`Cannot close: the reason must be a string, got ${show(reason)}`);
  }
  if (!isCloseCode(code)) {
    throw new RangeError(`Cannot close: the code must be ${CLOSE_CODES}, got ${code}`);
  }
  const size = new TextEncoder().encode(reason).length;
  if (size > MAX_CLOSE_REASON) {
    throw new RangeError(
      `Cannot close: the reason must be at most ${MAX_CLOSE_REASON} bytes of UTF-8, got ${size}`,
    );
  }
}
