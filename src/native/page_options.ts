// The options of `connect` over the global WebSocket. Rejects unsupported ones by name, with the
// reason.

import type { ConnectOptions } from "../client/connect_options.ts";
import type { Checks, Kind } from "./page_rare.ts";

/** The maximum number of bytes or milliseconds. */
const MAX = 0x7fffffff;

/** Checks shared by several options, by kind of value. */
const KINDS: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  function: (value: unknown): boolean => typeof value === "function",
  signal: (value: unknown): boolean => value instanceof AbortSignal,
  // The mask changes negative and too large integers only.
  number: (value: unknown): boolean =>
    Number.isInteger(value) && ((value as number) & MAX) === value,
  positive: (value: unknown): boolean => value !== 0 && KINDS.number(value),
};

/** The options that the global WebSocket supports, and the checks of their values. */
const CHECKS: Checks = {
  open: "function",
  message: "function",
  drain: "function",
  close: "function",
  onError: "function",
  // Called for reconnecting connections only.
  onLimit: "function",
  text: (value) => value === "string" || value === "bytes",
  binaryType: (value) => value === "uint8array" || value === "arraybuffer",
  maxMessageSize: "positive",
  closeTimeout: "number",
  handshakeTimeout: "number",
  highWaterMark: "number",
  maxBufferedAmount: "number",
  subprotocols: Array.isArray,
  signal: "signal",
  data: () => true,
};

/** The checked options of a connection over the global WebSocket. */
export interface PageRules {
  /** See `text`. */
  readonly text?: string;
  /** See `binaryType`. */
  readonly binaryType?: string;
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
  /** See `pingInterval`. */
  readonly pingInterval?: number;
  /** See `pongTimeout`. */
  readonly pongTimeout?: number;
}

/**
 * Checks the options and fills in the defaults; the promise rejects with the error.
 *
 * @param more Checks of additional options.
 * @throws {TypeError | RangeError} When a name is unknown, a value is wrong, or the global WebSocket
 * cannot honor an option.
 */
export async function pageRules<T>(
  options: ConnectOptions<T>,
  more: Checks = {},
): Promise<PageRules> {
  const given: Partial<PageRules> = await check({ ...CHECKS, ...more }, options);
  const { maxBufferedAmount = 64 << 20 } = given;
  return {
    maxMessageSize: 16 << 20,
    closeTimeout: 5000,
    handshakeTimeout: 30_000,
    maxBufferedAmount,
    highWaterMark: Math.min(1 << 20, maxBufferedAmount),
    subprotocols: [],
    ...given,
  };
}

/** Loads rarely used functions. */
export const rare = (): Promise<typeof import("./page_rare.ts")> => import("./page_rare.ts");

/**
 * Checks options; the promise rejects with the error.
 *
 * @param prefix The prefix of option names in errors.
 * @returns The options without `undefined` values.
 */
export async function check(
  checks: Checks,
  options: object,
  prefix = "",
): Promise<Record<string, unknown>> {
  // A promise or a `Map` has no own properties and would pass as empty options.
  if (options?.constructor !== Object) (await rare()).checkPlain(prefix, options);
  const given: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const kind = checks[name];
    const isValid = KINDS[kind as Kind] ?? kind;
    // Options with a neutral value are accepted, so that they can be shared with other runtimes.
    if (!(isValid?.(value) ?? !value)) throw (await rare()).refusal(prefix + name, value, kind);
    given[name] = value;
  }
  return given;
}
