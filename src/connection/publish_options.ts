// What a user hands in to publish: the name of a topic, and what becomes of receivers that are slow.

import { checkNames, checkOneOf, checkType, show } from "../shared/check.ts";

/**
 * What a published message does to a receiver for which more than `highWaterMark` bytes wait:
 *
 * - `"queue"`: it waits behind the others, up to `maxBufferedAmount`, as with `send`.
 * - `"drop"`: this receiver does not get it.
 * - `"conflate"`: it waits outside of the queue, in the place of the message of the same topic and key
 *   that waits there already, and is sent when the receiver has caught up.
 * - `"close"`: the receiver is cut (close info: 1008, error `SLOW_CONSUMER`).
 */
export type OnSlow = "queue" | "drop" | "conflate" | "close";

/** How a message is published. */
export interface PublishOptions {
  /** What becomes of receivers that are slow. Default: `"queue"`. */
  onSlow?: OnSlow;
  /**
   * What the message is about, with `onSlow: "conflate"` only: it replaces the message of the same
   * topic and key that waits. At most 1024 bytes of UTF-8. Default: the empty string, which is one key
   * for the whole topic.
   */
  key?: string;
}

/** What became of a published message: each subscriber that is open counts once. */
export interface PublishResult {
  /** To how many it was sent, those included for which it waits in the queue of their connection. */
  sent: number;
  /**
   * For how many it waits to be sent when they have caught up (`"conflate"`). With the option `resume`
   * it waits for all: it is delivered when the engine has numbered it.
   */
  waiting: number;
  /** For how many of `waiting` it has replaced an older message, which they will not get. */
  replaced: number;
  /** How many do not get it because they are slow (`"drop"`). */
  dropped: number;
  /** How many were cut: by `"close"`, or because more than `maxBufferedAmount` waited for them. */
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
 * @param known The names of the options that there are.
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
