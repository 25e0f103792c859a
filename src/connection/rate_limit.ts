// Limits the input of one peer with two token buckets, for messages and bytes.

import { checkInteger, checkNames, checkOneOf } from "../shared/check.ts";

/**
 * The limits for the input of each connection.
 *
 * @category Connection
 */
export interface RateLimitOptions {
  /** Messages per interval; pings and pongs count as well. Default: no limit. */
  messages?: number | undefined;
  /**
   * Bytes per interval before decompression, frame headers included. `createSockets` counts whole
   * messages, without headers and after decompression. Default: no limit.
   */
  bytes?: number | undefined;
  /** The interval in milliseconds. Default: 1000. */
  interval?: number | undefined;
  /** The maximum burst after a pause, in intervals. Default: 1. */
  burst?: number | undefined;
  /**
   * `"pause"` stops reading until there is room again, which applies backpressure; `"close"` closes
   * the connection with 1008; `"report"` only calls `onLimit`. `createSockets` cannot pause.
   * Default: `"pause"`.
   */
  onExceed?: "pause" | "close" | "report" | undefined;
}

/** The checked option. */
export interface RateLimitRules {
  /** Messages per millisecond. */
  readonly messages: number;
  /** Bytes per millisecond. */
  readonly bytes: number;
  /** The interval in milliseconds. */
  readonly interval: number;
  /** Messages that may arrive at once. */
  readonly maxMessages: number;
  /** Bytes that may arrive at once. */
  readonly maxBytes: number;
  /** The action when the limit is exceeded. */
  readonly onExceed: "pause" | "close" | "report";
}

/**
 * Checks the option and fills in the defaults.
 *
 * @throws {TypeError | RangeError} When a value has the wrong type or is out of range.
 */
export function rateLimitRules(options: RateLimitOptions | undefined): RateLimitRules | undefined {
  if (options === undefined) return undefined;
  checkNames('Option "rateLimit"', options, ["messages", "bytes", "interval", "burst", "onExceed"]);
  const max = 0x7fffffff;
  checkInteger("rateLimit.messages", options.messages, 1, max, "messages");
  checkInteger("rateLimit.bytes", options.bytes, 1, max, "bytes");
  checkInteger("rateLimit.interval", options.interval, 1, max, "milliseconds");
  checkInteger("rateLimit.burst", options.burst, 1, 1000, "intervals");
  checkOneOf("rateLimit.onExceed", options.onExceed, ["pause", "close", "report"]);
  const { messages = Infinity, bytes = Infinity, interval = 1000, burst = 1 } = options;
  if (messages === Infinity && bytes === Infinity) {
    throw new TypeError('Option "rateLimit" needs "messages" or "bytes"');
  }
  return {
    messages: messages / interval,
    bytes: bytes / interval,
    interval,
    maxMessages: messages * burst,
    maxBytes: bytes * burst,
    onExceed: options.onExceed ?? "pause",
  };
}

/**
 * The buckets of one connection. They may go below zero, because a message has already arrived when
 * it is counted.
 */
export class RateLimiter {
  readonly #rules: RateLimitRules;
  #messages: number;
  #bytes: number;
  #filledAt: number;
  /** Whether the limit is currently exceeded. */
  isExceeded = false;
  /** The value of the option, `messages` or `bytes`, that was exceeded last. */
  exceeded = 0;

  /**
   * @param rules The option.
   * @param now The time in milliseconds.
   */
  constructor(rules: RateLimitRules, now: number) {
    this.#rules = rules;
    this.#messages = rules.maxMessages;
    this.#bytes = rules.maxBytes;
    this.#filledAt = now;
  }

  /** The action when the limit is exceeded. */
  get onExceed(): "pause" | "close" | "report" {
    return this.#rules.onExceed;
  }

  /** Whether bytes have a limit. */
  get countsBytes(): boolean {
    return this.#rules.bytes !== Infinity;
  }

  /** Takes a message from its bucket. */
  takeMessage(): void {
    this.#messages--;
  }

  /** Takes bytes from their bucket. */
  takeBytes(count: number): void {
    this.#bytes -= count;
  }

  /**
   * The time until there is room again.
   *
   * @param now The time in milliseconds.
   * @returns Milliseconds; 0 while the limit is not exceeded.
   */
  wait(now: number): number {
    const { messages, bytes, interval, maxMessages, maxBytes } = this.#rules;
    const elapsed = Math.max(0, now - this.#filledAt);
    this.#filledAt = now;
    let missing = 0;
    let rate = 0;
    if (messages !== Infinity) {
      this.#messages = Math.min(maxMessages, this.#messages + elapsed * messages);
      missing = Math.max(missing, -this.#messages / messages);
      rate = messages;
    }
    if (bytes !== Infinity) {
      this.#bytes = Math.min(maxBytes, this.#bytes + elapsed * bytes);
      const missingForBytes = -this.#bytes / bytes;
      if (missingForBytes > missing) {
        missing = missingForBytes;
        rate = bytes;
      }
    }
    this.isExceeded = missing > 0;
    if (this.isExceeded) this.exceeded = Math.round(rate * interval);
    return missing;
  }
}
