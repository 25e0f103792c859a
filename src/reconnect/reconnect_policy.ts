// Whether another attempt makes sense, and after how long. No clock and no chance of its own.

import { HandshakeError, WebSocketError } from "../errors.ts";
import type { CloseInfo } from "../session/close_info.ts";
import { CloseCode } from "../wire/close.ts";
import { show } from "../shared/check.ts";
import { MAX_INT32 } from "../connection/connection_options.ts";
import { isPromiseLike } from "../shared/promise_like.ts";
import type { ConnectionLoss, ReconnectRules } from "./reconnect_options.ts";

/** A connection that was lost, or an attempt that failed. */
export interface Failure {
  /** How the connection ended. */
  readonly info?: CloseInfo | undefined;
  /** What went wrong. */
  readonly error?: unknown;
}

/**
 * Close codes of a server after which another connection would end in the same way: it is done with us,
 * or we did something wrong. 3000 and 3003 are "unauthorized" and "forbidden" in IANA's registry.
 */
const FINAL_CODES: readonly number[] = [
  CloseCode.Normal,
  CloseCode.ProtocolError,
  CloseCode.UnsupportedData,
  CloseCode.InvalidPayload,
  CloseCode.PolicyViolation,
  CloseCode.MessageTooBig,
  CloseCode.MandatoryExtension,
  3000,
  3003,
];

/** From here on codes are the application's (RFC 6455 section 7.4.2): it has said what it means. */
const FIRST_PRIVATE_CODE = 4000;

/** HTTP answers that may be another one next time. */
const PASSING_STATUSES: readonly (number | undefined)[] = [408, 425, 429, 500, 502, 503, 504];

/** Codes of errors that will come again: the user's code, or what the server lacks, is to be changed. */
const FINAL_ERRORS: readonly string[] = ["HANDLER_FAILED", "TOPICS_UNSUPPORTED"];

/** The longest time that a `Retry-After` can keep a client away, in milliseconds. */
export const MAX_RETRY_AFTER = 3_600_000;

/** Whether another attempt makes no sense. */
export function isFinal({ info, error }: Failure, rules: ReconnectRules): boolean {
  if (error instanceof WebSocketError && FINAL_ERRORS.includes(error.code)) return true;
  if (info !== undefined) {
    // What we failed ourselves, for a bad byte or a silent peer, may go better next time.
    if (info.initiator === "local") return false;
    if (info.code === CloseCode.TryAgainLater) return rules.overloadDelay === false;
    return FINAL_CODES.includes(info.code) || info.code >= FIRST_PRIVATE_CODE;
  }
  if (error instanceof HandshakeError) return !PASSING_STATUSES.includes(error.status);
  // What is no WebSocketError is a mistake of the user's.
  return !(error instanceof WebSocketError);
}

/**
 * How long to wait before the next attempt, in whole milliseconds.
 *
 * @param attempt How many have failed in a row: at least 1.
 * @param random From 0 to 1.
 * @param now The time in milliseconds since 1970, for a `Retry-After` with a date.
 */
export function delayAfter(
  { info, error }: Failure,
  attempt: number,
  rules: ReconnectRules,
  random: number,
  now: number,
): number {
  if (info?.initiator === "remote") {
    if (info.code === CloseCode.ServiceRestart) return within(rules.restartDelay, random);
    if (info.code === CloseCode.TryAgainLater && rules.overloadDelay !== false) {
      return within(rules.overloadDelay, random);
    }
  }
  const bound = Math.min(rules.maxDelay, rules.minDelay * 2 ** (attempt - 1));
  return Math.round(retryAfter(error, now) + random * bound);
}

function within([least, most]: readonly [number, number], random: number): number {
  return Math.round(least + random * (most - least));
}

/** RFC 9110 10.2.3: how long the server asks us to stay away, in milliseconds. */
function retryAfter(error: unknown, now: number): number {
  if (!(error instanceof HandshakeError) || (error.status !== 429 && error.status !== 503)) {
    return 0;
  }
  const value = error.headers?.get("retry-after") ?? "";
  // RFC 9110 5.6.7: an HTTP-date is in GMT.
  const wait = /^\d+$/.test(value)
    ? Number(value) * 1000
    : value.endsWith(" GMT")
    ? Date.parse(value) - now
    : 0;
  return Number.isNaN(wait) ? 0 : Math.min(Math.max(wait, 0), MAX_RETRY_AFTER);
}

/**
 * What the rules and the user's hook make of a loss: the wait before the next attempt, or `undefined`
 * when it is the end.
 *
 * @throws {unknown} What the hook throws, or a `TypeError` when it returns what it must not.
 */
export function decide(
  failure: Failure,
  loss: ConnectionLoss,
  rules: ReconnectRules,
): number | undefined {
  const { attempt, wait } = loss;
  const isOver = attempt >= rules.attempts || isFinal(failure, rules);
  const answer: unknown = rules.options.retry?.(loss);
  if (answer === undefined) return isOver ? undefined : wait;
  if (typeof answer === "boolean") return answer ? wait : undefined;
  if (typeof answer === "number" && answer >= 0 && answer <= MAX_INT32) return answer;
  // It must not be a promise, and if it is one, nobody else would see it reject.
  if (isPromiseLike(answer)) answer.then(undefined, () => {});
  throw new TypeError(
    `reconnect.retry must return a boolean, 0 to ${MAX_INT32} milliseconds or undefined, ` +
      `got ${show(answer)}`,
  );
}
