// The arguments of publish: the topic, and the policy for slow receivers.

import { checkNames, checkOneOf, checkType, show } from "../shared/check.ts";

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
