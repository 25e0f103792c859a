// Automatic reconnection: the option `reconnect`, its defaults and validation.

import type { ConnectOptions } from "../client/connect_options.ts";
import type { Message } from "../connection/connection_driver.ts";
import type { Handler, LimitReport } from "../connection/handlers.ts";
import type { CloseInfo } from "../session/end.ts";
import type { MessageOpcode } from "../wire/opcode.ts";
import type { ReconnectingConnection } from "./connection.ts";
import type { TopicMessageInfo } from "./subscriptions.ts";
import { checkInteger, checkNames, checkSignal, checkType, wrongType } from "../shared/check.ts";
import { HandshakeError } from "../errors.ts";

/** The maximum delay in milliseconds, and the maximum of counts. */
export const MAX_DELAY = 0x7fffffff;

/**
 * A lost connection or a failed attempt.
 *
 * @category Client
 */
export interface ConnectionLoss {
  /** How the connection ended; `undefined` if an attempt to open one failed. */
  readonly info: CloseInfo | undefined;
  /** The error; `undefined` if the server closed the connection. */
  readonly error: (Error & { readonly code?: string; readonly status?: number }) | undefined;
  /** The number of consecutive failures, including this one. */
  readonly attempt: number;
  /** Milliseconds until the next attempt. */
  readonly wait: number;
}

/**
 * The number of attempts, and the delays between them.
 *
 * @category Client
 */
export interface ReconnectOptions {
  /**
   * Milliseconds before the second attempt, doubled for each further attempt. The actual delay is a
   * random fraction ("full jitter"), so that clients disconnected together do not reconnect
   * together. Default: 500.
   */
  minDelay?: number | undefined;
  /** The maximum of the growing `minDelay`, in milliseconds. Default: 30000. */
  maxDelay?: number | undefined;
  /**
   * The number of consecutive failures after which it gives up, including connections shorter than
   * `minUptime`. Default: no limit, even for the first connection.
   */
  maxAttempts?: number | undefined;
  /** Milliseconds that a connection must last to reset the failure count. Default: 10000. */
  minUptime?: number | undefined;
  /**
   * The range of the random delay in milliseconds after close code 1012 ("service restart").
   * Default: `[5000, 30000]`, as in the close code registry.
   */
  restartDelay?: readonly [least: number, most: number] | undefined;
  /**
   * The same for 1013 ("try again later"), sent by overloaded servers. `false` disables further
   * attempts. Default: `[60000, 120000]`.
   */
  overloadDelay?: readonly [least: number, most: number] | false | undefined;
  /**
   * Overrides the rules, optionally with a promise: `false` gives up, `true` retries after `wait`,
   * a number retries after that many milliseconds, and `undefined` applies the rules. Called after
   * every failure, even if the rules would give up.
   */
  retry?:
    | ((
      loss: ConnectionLoss,
    ) => boolean | number | undefined | Promise<boolean | number | undefined>)
    | undefined;
  /**
   * The maximum bytes of messages queued while disconnected; each counts 32 extra. Beyond it
   * messages are dropped and `send` returns `false`. 0 disables the queue. Default: 65536.
   */
  maxQueue?: number | undefined;
  /**
   * Enables `subscribe` over the subprotocol `quickws.topics.1`, which the server must support.
   * Excludes `subprotocols`. Default: `false`.
   */
  topics?: boolean | undefined;
  /** Ends everything when it aborts; an open connection is closed with 1000. */
  signal?: AbortSignal | undefined;
}

/** Checked {@linkcode ReconnectOptions} with defaults. */
export interface ReconnectRules {
  /** See {@linkcode ReconnectOptions.minDelay}. */
  readonly minDelay: number;
  /** See {@linkcode ReconnectOptions.maxDelay}. */
  readonly maxDelay: number;
  /** See {@linkcode ReconnectOptions.maxAttempts}. */
  readonly maxAttempts: number;
  /** See {@linkcode ReconnectOptions.minUptime}. */
  readonly minUptime: number;
  /** See {@linkcode ReconnectOptions.restartDelay}. */
  readonly restartDelay: readonly [least: number, most: number];
  /** See {@linkcode ReconnectOptions.overloadDelay}. */
  readonly overloadDelay: readonly [least: number, most: number] | false;
  /** See {@linkcode ReconnectOptions.maxQueue}. */
  readonly maxQueue: number;
  /** See {@linkcode ReconnectOptions.topics}. */
  readonly topics: boolean;
  /** The rules for HTTP responses; absent in pages, which cannot see them. */
  readonly answers?: AnswerRules;
  /** The user's options, for the hook and the signal. */
  readonly options: ReconnectOptions;
}

/** The consequences of an HTTP response for the next attempt. */
export interface AnswerRules {
  /** Whether the failure is permanent; `undefined` if the error is not a response. */
  isFinal(error: unknown): boolean | undefined;
  /** The delay requested by the server, in milliseconds. */
  retryAfter(error: unknown, now: number): number;
}

/** HTTP status codes of temporary failures. */
const PASSING_STATUSES: readonly (number | undefined)[] = [408, 425, 429, 500, 502, 503, 504];

/** The maximum delay of a `Retry-After`, in milliseconds. */
export const MAX_RETRY_AFTER = 3_600_000;

/** The rules for clients that see HTTP responses; not part of page bundles. */
export const HTTP_ANSWERS: AnswerRules = {
  isFinal: (error) =>
    error instanceof HandshakeError ? !PASSING_STATUSES.includes(error.status) : undefined,

  // RFC 9110 10.2.3.
  retryAfter(error, now): number {
    if (!(error instanceof HandshakeError) || (error.status !== 429 && error.status !== 503)) {
      return 0;
    }
    const value = error.headers?.get("retry-after") ?? "";
    // RFC 9110 5.6.7: an HTTP-date is in GMT.
    let wait = 0;
    if (/^\d+$/.test(value)) wait = Number(value) * 1000;
    else if (value.endsWith(" GMT")) wait = Date.parse(value) - now;
    return Number.isNaN(wait) ? 0 : Math.min(Math.max(wait, 0), MAX_RETRY_AFTER);
  },
};

const NAMES: readonly (keyof ReconnectOptions)[] = [
  "minDelay",
  "maxDelay",
  "maxAttempts",
  "minUptime",
  "restartDelay",
  "overloadDelay",
  "retry",
  "maxQueue",
  "topics",
  "signal",
];

/**
 * Checks the option `reconnect` and fills in the defaults.
 *
 * @throws {TypeError | RangeError} When a name is unknown, or a value has the wrong type or range.
 */
export function reconnectRules(value: true | ReconnectOptions): ReconnectRules {
  const options: ReconnectOptions = value === true ? {} : value;
  checkNames('Option "reconnect", unless it is true or false,', options, NAMES);
  const { maxAttempts = Infinity } = options;
  checkInteger("reconnect.minDelay", options.minDelay, 1, MAX_DELAY, "milliseconds");
  const least = options.minDelay ?? 1;
  checkInteger("reconnect.maxDelay", options.maxDelay, least, MAX_DELAY, "milliseconds");
  if (maxAttempts !== Infinity) {
    checkInteger("reconnect.maxAttempts", maxAttempts, 1, MAX_DELAY, "attempts");
  }
  checkInteger("reconnect.minUptime", options.minUptime, 0, MAX_DELAY, "milliseconds");
  checkRange("reconnect.restartDelay", options.restartDelay);
  if (options.overloadDelay !== false) {
    checkRange("reconnect.overloadDelay", options.overloadDelay, " or false");
  }
  checkType("reconnect.retry", options.retry, "function");
  checkInteger("reconnect.maxQueue", options.maxQueue, 0, MAX_DELAY, "bytes");
  checkType("reconnect.topics", options.topics, "boolean");
  checkSignal(options.signal);
  return { ...reconnectDefaults(options), answers: HTTP_ANSWERS };
}

/** The {@linkcode ReconnectRules} of checked options. */
export function reconnectDefaults(options: ReconnectOptions): ReconnectRules {
  const { minDelay = 500, minUptime = 10_000, maxAttempts = Infinity } = options;
  return {
    minDelay,
    // A default must not conflict with the other option.
    maxDelay: options.maxDelay ?? Math.max(30_000, minDelay),
    maxAttempts,
    minUptime,
    restartDelay: copy(options.restartDelay) ?? [5000, 30_000],
    overloadDelay: options.overloadDelay === false
      ? false
      : copy(options.overloadDelay) ?? [60_000, 120_000],
    maxQueue: options.maxQueue ?? 65_536,
    topics: options.topics ?? false,
    options,
  };
}

type Range = readonly [least: number, most: number];

function copy(range: Range | undefined): Range | undefined {
  return range && [range[0], range[1]];
}

function checkRange(name: string, value: unknown, or = ""): void {
  if (value === undefined) return;
  if (!Array.isArray(value) || value.length !== 2) {
    throw wrongType(name, `[least, most] in milliseconds${or}`, value);
  }
  const [least, most] = value;
  for (const end of [least, most]) {
    if (typeof end !== "number") throw wrongType(name, "two numbers of milliseconds", end);
  }
  checkInteger(`${name}[0]`, least, 0, MAX_DELAY, "milliseconds");
  checkInteger(`${name}[1]`, most, least, MAX_DELAY, "milliseconds");
}

/**
 * The handlers of a reconnecting connection, all optional, called like those of a single
 * connection. If one throws or rejects, the connection ends permanently, because the error would
 * recur; `retry` can override this.
 *
 * @category Client
 */
export interface ReconnectingHandlers<T = unknown> {
  /**
   * The first or a later connection was opened. Messages sent here precede renewed topic
   * subscriptions and queued messages.
   */
  open?: Handler<[connection: ReconnectingConnection<T>]> | undefined;
  /** A whole message arrived. Without this handler, messages are queued for an iterator. */
  message?:
    | Handler<[connection: ReconnectingConnection<T>, data: Message, opcode: MessageOpcode]>
    | undefined;
  /** A message arrived for a topic subscribed by the server, not by `subscribe`. */
  topicMessage?:
    | Handler<
      [connection: ReconnectingConnection<T>, topic: string, data: Message, about: TopicMessageInfo]
    >
    | undefined;
  /** The connection was lost or an attempt failed, and another attempt follows after a delay. */
  reconnecting?: Handler<[connection: ReconnectingConnection<T>, info: ConnectionLoss]> | undefined;
  /** A new connection was opened after one was lost. Called after `open`. */
  reconnected?: Handler<[connection: ReconnectingConnection<T>]> | undefined;
  /** A ping arrived. */
  ping?: Handler<[connection: ReconnectingConnection<T>, payload: Uint8Array]> | undefined;
  /** A pong arrived, solicited or not. */
  pong?: Handler<[connection: ReconnectingConnection<T>, payload: Uint8Array]> | undefined;
  /** Buffered output has fallen to `highWaterMark` or below after `send` returned `false`. */
  drain?: Handler<[connection: ReconnectingConnection<T>]> | undefined;
  /** The connection has ended permanently. Called once, last, and only if it was ever open. */
  close?: Handler<[connection: ReconnectingConnection<T>, info: CloseInfo]> | undefined;
  /** Called once for each error that a handler throws or rejects with. Default: `console.error`. */
  onError?: Handler<[error: unknown, connection?: ReconnectingConnection<T>]> | undefined;
  /**
   * Called when `rateLimit`, `unreadTimeout` or `memoryLimit` is reached, and for the first message
   * dropped because of `reconnect.maxQueue`, until the queue has been sent. Errors that it throws
   * go to `onError`. Default: none.
   */
  onLimit?: Handler<[report: LimitReport<ReconnectingConnection<T>>]> | undefined;
}

/** The checked options, by purpose. */
export interface ReconnectingRules<T> {
  /** When and how often to reconnect. */
  readonly reconnect: ReconnectRules;
  /** The user's handlers. */
  readonly handlers: ReconnectingHandlers<T>;
  /** The options of each connection, without handlers. */
  readonly connect: ConnectOptions;
}
