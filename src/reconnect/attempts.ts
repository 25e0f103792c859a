// Connection attempts: decides whether to retry, and after which delay.

import { WebSocketError } from "../errors.ts";
import type { CloseInfo } from "../session/end.ts";
import { show } from "../shared/check.ts";
import { isPromiseLike } from "../shared/user_code.ts";
import { type ConnectionLoss, MAX_DELAY, type ReconnectRules } from "./options.ts";

/** A lost connection or a failed attempt. */
export interface Failure {
  /** How the connection ended. */
  readonly info?: CloseInfo | undefined;
  /** The failure. */
  readonly error?: unknown;
}

/**
 * Close codes after which a new connection would end the same way: the server is done, or the
 * client is at fault. Numbers, because the object of all names would make pages larger. 3000 and
 * 3003 are "unauthorized" and "forbidden" in IANA's registry.
 */
const FINAL_CODES: readonly number[] = [
  1000,
  1002,
  1003,
  1007,
  1008,
  1009,
  1010,
  3000,
  3003,
];

/** Registered close codes (RFC 6455): the service restarts or is overloaded. */
const SERVICE_RESTART = 1012;
const TRY_AGAIN_LATER = 1013;

/** The first code of the application range (RFC 6455 section 7.4.2). */
const FIRST_PRIVATE_CODE = 4000;

/** Codes of permanent errors: user code or the server must be changed. */
const FINAL_ERRORS: readonly string[] = ["HANDLER_FAILED", "TOPICS_UNSUPPORTED"];

/** Whether another attempt is useless. */
export function isFinal({ info, error }: Failure, rules: ReconnectRules): boolean {
  if (error instanceof WebSocketError && FINAL_ERRORS.includes(error.code)) return true;
  if (info !== undefined) {
    // A local failure, such as invalid input or a silent peer, may be temporary.
    if (info.initiator === "local") return false;
    if (info.code === TRY_AGAIN_LATER) return rules.overloadDelay === false;
    return FINAL_CODES.includes(info.code) || info.code >= FIRST_PRIVATE_CODE;
  }
  // Any error other than a WebSocketError is misuse by the caller.
  return rules.answers?.isFinal(error) ?? !(error instanceof WebSocketError);
}

/**
 * The delay before the next attempt, in whole milliseconds.
 *
 * @param attempt The number of consecutive failures: at least 1.
 * @param random A random number from 0 to 1.
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
    if (info.code === SERVICE_RESTART) return within(rules.restartDelay, random);
    if (info.code === TRY_AGAIN_LATER && rules.overloadDelay !== false) {
      return within(rules.overloadDelay, random);
    }
  }
  const bound = Math.min(rules.maxDelay, rules.minDelay * 2 ** (attempt - 1));
  return Math.round((rules.answers?.retryAfter(error, now) ?? 0) + random * bound);
}

function within([least, most]: readonly [number, number], random: number): number {
  return Math.round(least + random * (most - least));
}

/** The connection attempts of one client. A subclass opens the connections. */
export abstract class Attempts {
  readonly #retry: ReconnectRules;
  #attempt: AbortController | undefined;
  // Not a wheel timer, to keep pages small: a client has one delay at a time.
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #openedAt = 0;
  #stopped = false;

  /** @param rules The rules for retries. */
  constructor(rules: ReconnectRules) {
    this.#retry = rules;
  }

  /** Opens a connection and calls {@linkcode Attempts.attemptOpened} when it is open. */
  protected abstract dial(signal: AbortSignal): Promise<unknown>;

  /** Another attempt follows after a delay, unless stopped now. */
  protected abstract waits(loss: ConnectionLoss): void;

  /** Reports that the hook `retry` threw or returned an invalid value. */
  protected abstract report(error: unknown): void;

  /**
   * No further attempt follows.
   *
   * @param failure The final failure.
   * @param error The failure as an error, if any.
   */
  protected abstract gaveUp(failure: Failure, error: Error | undefined): void;

  /** Makes the next attempt. */
  nextAttempt(): void {
    this.#timer = undefined;
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.dial(attempt.signal).then(undefined, (error: unknown) => {
      if (this.#attempt === attempt) this.attemptFailed({ error });
    });
  }

  /** The attempt was successful. */
  attemptOpened(): void {
    this.#attempt = undefined;
    this.#openedAt = performance.now();
  }

  /** The connection was lost or the attempt failed. */
  attemptFailed(failure: Failure): void {
    this.#attempt = undefined;
    const { info, error } = failure;
    const hasHeld = performance.now() - this.#openedAt >= this.#retry.minUptime;
    if (info !== undefined && hasHeld) this.#failures = 0;
    const attempt = ++this.#failures;
    const loss: ConnectionLoss = {
      info,
      error: error === undefined && info !== undefined ? undefined : asError(error),
      attempt,
      wait: delayAfter(failure, attempt, this.#retry, Math.random(), Date.now()),
    };
    const { retry } = this.#retry.options;
    if (retry === undefined) return this.#decide(failure, loss, undefined);
    try {
      const answer = retry.call(this.#retry.options, loss);
      if (!isPromiseLike(answer)) return this.#decide(failure, loss, answer);
      answer.then(
        (answer) => this.#decide(failure, loss, answer),
        (cause) => this.#hookFailed(cause),
      );
    } catch (cause) {
      this.#hookFailed(cause);
    }
  }

  /** The hook has decided, or is not set. */
  #decide(failure: Failure, loss: ConnectionLoss, answer: unknown): void {
    // The hook may have stopped the attempts, as may the next handler.
    if (this.#stopped) return;
    const hasEnded = loss.attempt >= this.#retry.maxAttempts || isFinal(failure, this.#retry);
    let wait: number | undefined;
    if (answer === undefined) wait = hasEnded ? undefined : loss.wait;
    else if (typeof answer === "boolean") wait = answer ? loss.wait : undefined;
    else if (typeof answer === "number" && answer >= 0 && answer <= MAX_DELAY) wait = answer;
    else return this.#hookFailed(wrongAnswer(answer));
    if (wait === undefined) return this.gaveUp(failure, loss.error);
    this.waits({ ...loss, wait });
    if (!this.#stopped) this.#timer = setTimeout(() => this.nextAttempt(), wait);
  }

  #hookFailed(cause: unknown): void {
    this.report(cause);
    if (this.#stopped) return;
    const error = new WebSocketError("HANDLER_FAILED", "The hook retry failed", { cause });
    this.gaveUp({ error }, error);
  }

  /** Ends the wait; returns whether there was one. */
  reconnectNow(): boolean {
    if (this.#timer === undefined) return false;
    clearTimeout(this.#timer);
    this.nextAttempt();
    return true;
  }

  /** Cancels the wait or the attempt permanently. */
  stopAttempts(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.abort();
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(show(error), { cause: error });
}

function wrongAnswer(answer: unknown): TypeError {
  return new TypeError(
    `reconnect.retry must return a boolean, 0 to ${MAX_DELAY} milliseconds or undefined, or a promise ` +
      `of one of them, got ${show(answer)}`,
  );
}
