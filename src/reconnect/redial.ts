// One attempt after another: the waits between them, and the end of them.

import { WebSocketError } from "../errors.ts";
import { show } from "../shared/check.ts";
import type { ConnectionLoss, ReconnectRules } from "./reconnect_options.ts";
import { decide, delayAfter, type Failure } from "./reconnect_policy.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";

/** Whose connections are opened. */
export interface RedialOwner {
  /** Opens a connection; whoever does says so by {@linkcode Redial.opened}. */
  dial(signal: AbortSignal): Promise<unknown>;
  /** There will be another attempt after a wait, unless it is stopped now. */
  waits(loss: ConnectionLoss): void;
  /**
   * There will be no other attempt.
   *
   * @param failure What was the last straw.
   * @param error The same as an error, where there is one.
   */
  gaveUp(failure: Failure, error: Error | undefined): void;
}

/** The attempts of one client. */
export class Redial implements TimerTarget {
  readonly #rules: ReconnectRules;
  readonly #owner: RedialOwner;
  #attempt: AbortController | undefined;
  #timer: Timer | undefined;
  #failures = 0;
  #openedAt = 0;
  #stopped = false;

  /**
   * @param rules When to try again.
   * @param owner Who opens the connections.
   */
  constructor(rules: ReconnectRules, owner: RedialOwner) {
    this.#rules = rules;
    this.#owner = owner;
  }

  /** Makes an attempt: the first, or the next when the wait is over. */
  timerFired(): void {
    this.#timer = undefined;
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#owner.dial(attempt.signal).then(undefined, (error: unknown) => {
      if (this.#attempt === attempt) this.lost({ error });
    });
  }

  /** The attempt has led to a connection. */
  opened(): void {
    this.#attempt = undefined;
    this.#openedAt = performance.now();
  }

  /** The connection was lost, or the attempt has failed. */
  lost(failure: Failure): void {
    this.#attempt = undefined;
    const { info, error } = failure;
    const hasHeld = performance.now() - this.#openedAt >= this.#rules.minUptime;
    if (info !== undefined && hasHeld) this.#failures = 0;
    const attempt = ++this.#failures;
    const loss: ConnectionLoss = {
      info,
      error: error === undefined && info !== undefined ? undefined : asError(error),
      attempt,
      wait: delayAfter(failure, attempt, this.#rules, Math.random(), Date.now()),
    };
    let wait: number | undefined;
    try {
      wait = decide(failure, loss, this.#rules);
    } catch (cause) {
      const error = new WebSocketError("HANDLER_FAILED", "The hook retry failed", { cause });
      if (!this.#stopped) this.#owner.gaveUp({ error }, error);
      return;
    }
    // The hook may have stopped it, and so may whoever is told.
    if (this.#stopped) return;
    if (wait === undefined) return this.#owner.gaveUp(failure, loss.error);
    this.#owner.waits({ ...loss, wait });
    if (!this.#stopped) this.#timer = timers.start(wait, this, 0);
  }

  /** Ends the wait; returns whether there was one. */
  hurry(): boolean {
    if (this.#timer === undefined) return false;
    timers.cancel(this.#timer);
    this.timerFired();
    return true;
  }

  /** Calls off the wait or the attempt, for good. */
  stop(): void {
    this.#stopped = true;
    timers.cancel(this.#timer);
    this.#timer = undefined;
    const attempt = this.#attempt;
    this.#attempt = undefined;
    attempt?.abort();
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(show(error), { cause: error });
}
