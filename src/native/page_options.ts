// The options of `connect` over the global WebSocket: what it cannot do is refused by name and reason.

import type { ConnectOptions } from "../client/connect_options.ts";

/** The largest number of bytes or milliseconds. */
const MAX = 0x7fffffff;

/** The checks of values, by the names of options. */
export type Checks = Readonly<Record<string, (value: unknown) => boolean>>;

/** Whether a value is a number of bytes or milliseconds. */
export const isNumber = (value: unknown): boolean =>
  Number.isInteger(value) && value as number >= 0 && value as number <= MAX;
/** The same, without 0. */
export const isPositive = (value: unknown): boolean => value !== 0 && isNumber(value);
/** Whether a value is a function. */
export const isFunction = (value: unknown): boolean => typeof value === "function";
/** Whether a value is a signal. */
export const isSignal = (value: unknown): boolean => value instanceof AbortSignal;

/** Checks that several options have, in the order of their descriptions in errors. */
const CHECKS_BY_KIND = [isFunction, isSignal, isPositive, isNumber];

/** The options that the global WebSocket can honor, each with the check of its value. */
const CHECKS: Checks = {
  open: isFunction,
  message: isFunction,
  drain: isFunction,
  close: isFunction,
  onError: isFunction,
  // Called for reconnecting connections only; the others have none of these limits.
  onLimit: isFunction,
  text: (value) => value === "string" || value === "bytes",
  binaryType: (value) => value === "uint8array" || value === "arraybuffer",
  maxMessageSize: isPositive,
  closeTimeout: isNumber,
  handshakeTimeout: isNumber,
  highWaterMark: isNumber,
  maxBufferedAmount: isNumber,
  subprotocols: Array.isArray,
  signal: isSignal,
  data: () => true,
};

/** The options of a connection over the global WebSocket, once checked. */
export interface PageRules {
  /** Whether text is delivered as bytes. */
  readonly asBytes: boolean;
  /** Whether binary messages are delivered as `ArrayBuffer`. */
  readonly asBuffer: boolean;
  /** See `maxMessageSize`. */
  readonly maxMessageSize: number;
  /** See `closeTimeout`. */
  readonly closeTimeout: number;
  /** See `handshakeTimeout`. */
  readonly handshakeTimeout: number;
  /** See `highWaterMark`. */
  readonly highWaterMark: number;
  /** See `maxBufferedAmount`. */
  readonly maxBufferedAmount: number;
  /** See `subprotocols`. */
  readonly subprotocols: readonly string[];
}

/**
 * Checks the options and fills in the defaults; the promise rejects with what is wrong.
 *
 * @throws {TypeError | RangeError} When a name is unknown, a value is wrong, or the global WebSocket
 * cannot honor an option.
 */
export async function pageRules<T>(options: ConnectOptions<T>): Promise<PageRules> {
  await check(CHECKS, options);
  const { text, binaryType }: { text?: unknown; binaryType?: unknown } = options as object;
  const {
    maxMessageSize = 16 << 20,
    closeTimeout = 5000,
    handshakeTimeout = 30_000,
    maxBufferedAmount = 64 << 20,
    highWaterMark = Math.min(1 << 20, maxBufferedAmount),
    subprotocols = [],
  } = options;
  return {
    asBytes: text === "bytes",
    asBuffer: binaryType === "arraybuffer",
    maxMessageSize,
    closeTimeout,
    handshakeTimeout,
    maxBufferedAmount,
    highWaterMark,
    subprotocols,
  };
}

/**
 * Checks options; the promise rejects with what is wrong.
 *
 * @param prefix The prefix of option names in errors.
 */
export async function check(checks: Checks, options: object, prefix = ""): Promise<void> {
  // A promise or a `Map` has no own names, and would pass for no options at all.
  if (Object.prototype.toString.call(options) !== "[object Object]") {
    (await import("./page_rare.ts")).checkPlain(prefix, options);
  }
  for (const [name, value] of Object.entries(options)) {
    // Options without effect are accepted, so that they can be shared with other runtimes.
    if (value === undefined || (checks[name]?.(value) ?? !value)) continue;
    throw (await import("./page_rare.ts")).refusal(
      prefix + name,
      value,
      checks[name] && CHECKS_BY_KIND.indexOf(checks[name]),
    );
  }
}
