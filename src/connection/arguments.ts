// Validates the arguments of a connection's methods: send and publish options, close codes, topics.

import { MAX_CONTROL_PAYLOAD } from "../wire/opcode.ts";
import { toBytes } from "../shared/bytes.ts";
import { checkNames, checkOneOf, checkType, show } from "../shared/check.ts";
import { PreparedMessage } from "../message/prepared_message.ts";
import { isCloseCode, MAX_CLOSE_REASON } from "../wire/close.ts";

/**
 * Options of `sendStream`.
 *
 * @category Connection
 */
export interface StreamOptions {
  /** `false` sends it uncompressed even if the connection has compression. Default: `true`. */
  compress?: boolean | undefined;
}

/**
 * Options of `send`.
 *
 * @category Connection
 */
export interface SendOptions extends StreamOptions {
  /**
   * Called once, when the message has left the process, or with the error that prevented it. Never
   * called synchronously by `send`.
   */
  written?: ((error?: Error) => void) | undefined;
}

/**
 * Options of `sendFragment`.
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
 * The policy for slow receivers, those with more than `highWaterMark` buffered bytes:
 *
 * - `"queue"`: the message is buffered, up to `maxBufferedAmount`, as with `send`.
 * - `"drop"`: the message is dropped for this receiver.
 * - `"conflate"`: the message waits outside the buffer, replaces the waiting one of the same topic
 *   and key, and is sent when the receiver has caught up.
 * - `"close"`: the receiver is disconnected (error `SLOW_CONSUMER`).
 *
 * @category Pub/sub
 */
export type OnSlow = "queue" | "drop" | "conflate" | "close";

/**
 * Options of `publish`.
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
 * The number of receivers for each outcome of a publish. Each open subscriber counts once.
 *
 * @category Pub/sub
 */
export interface PublishResult {
  /** Receivers for which the message was sent or buffered. */
  sent: number;
  /**
   * Receivers that get the message later: when they have caught up (`"conflate"`), or, with
   * `history`, when the broker has numbered it.
   */
  waiting: number;
  /** Receivers among `waiting` for which the message replaced an older one. */
  replaced: number;
  /** Slow receivers for which the message was dropped (`"drop"`). */
  dropped: number;
  /** Receivers that were disconnected: by `"close"`, or because of `maxBufferedAmount`. */
  closed: number;
}

/** Called when a message has left the process, or with the error that prevented it. */
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

/** The `written` callback of checked options, bound to them. */
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

/** The maximum size of a topic name or a key, in bytes of UTF-8. */
export const MAX_TOPIC_BYTES = 1024;

/** The maximum bytes of UTF-8 for one UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;

/** @throws {TypeError | RangeError} Unless it is a valid topic name. */
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
 * Checks the options of a publish.
 *
 * @param known The names of the known options.
 * @throws {TypeError} When an option has the wrong type, is unknown, or conflicts with another.
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
 * Checks a close code and reason.
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
