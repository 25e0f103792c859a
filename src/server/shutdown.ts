// Shutdown: the options, their validation, and the gradual closing of connections.

import { CloseCode } from "../wire/close.ts";
import { MAX_INT32 } from "../connection/connection_options.ts";
import { checkInteger, checkNames, checkType, wrongType } from "../shared/check.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";

/**
 * The options of `shutdown`.
 *
 * @category Server
 */
export interface ShutdownOptions {
  /**
   * Milliseconds without progress after which a connection in its closing handshake is cut; output
   * read by the client is progress. Default: the option `closeTimeout` of `serve`. With
   * `drainPeriod`, each connection's time starts with its own Close frame.
   */
  timeout?: number | undefined;
  /**
   * Milliseconds over which the connections are closed evenly, oldest first, so that clients do not
   * reconnect all at once. Default: 0, all at once.
   */
  drainPeriod?: number | undefined;
  /**
   * The close code: 1001 ("going away") or 1012 ("service restart"), after which clients wait 5 to
   * 30 seconds before reconnecting. Default: 1001.
   */
  code?: 1001 | 1012 | undefined;
  /**
   * `true`: `fetch` answers plain HTTP requests until the last connection has closed, so that a
   * health check can report the drain; upgrade requests get a 503. Default: `false`, the server
   * stops listening immediately.
   */
  keepHttp?: boolean | undefined;
}

/**
 * @throws {TypeError | RangeError} When an option is unknown, has another type or is out of range.
 */
export function checkShutdownOptions(options: ShutdownOptions): void {
  checkNames("The options of shutdown", options, ["timeout", "drainPeriod", "code", "keepHttp"]);
  checkInteger("timeout", options.timeout, 0, MAX_INT32, "milliseconds");
  checkInteger("drainPeriod", options.drainPeriod, 0, MAX_INT32, "milliseconds");
  checkType("keepHttp", options.keepHttp, "boolean");
  const { code } = options as { code?: unknown };
  if (code === undefined || code === CloseCode.GoingAway || code === CloseCode.ServiceRestart) {
    return;
  }
  if (typeof code !== "number") throw wrongType("code", "1001 or 1012", code);
  throw new RangeError(`Option "code" must be 1001 or 1012, got ${code}`);
}

/**
 * Calls a function for the items of a list, evenly spread over time, in order, the first
 * immediately.
 */
export class Drain<I> implements TimerTarget {
  readonly #items: readonly I[];
  readonly #over: number;
  readonly #each: (item: I) => void;
  readonly #done: () => void;
  readonly #now: () => number;
  readonly #start: number;
  #next = 0;
  #timer: Timer | undefined;
  #isOver = false;

  /**
   * @param items The items, in the order of the calls.
   * @param over The duration in milliseconds; 0 is immediate.
   * @param each Called for each item.
   * @param done Called after the last item.
   * @param now A clock in milliseconds. Default: `performance.now`.
   */
  constructor(
    items: readonly I[],
    over: number,
    each: (item: I) => void,
    done: () => void,
    now: () => number = () => performance.now(),
  ) {
    this.#items = items;
    this.#over = over;
    this.#each = each;
    this.#done = done;
    this.#now = now;
    this.#start = now();
  }

  /** Handles due items. */
  timerFired(): void {
    timers.cancel(this.#timer);
    const { length } = this.#items;
    const elapsed = this.#now() - this.#start;
    // The item at index i is due after i / length of the duration.
    const due = elapsed >= this.#over ? length : Math.floor(elapsed / this.#over * length) + 1;
    this.#upTo(Math.min(due, length));
    if (this.#isOver) return;
    if (this.#next === length) return this.#end();
    const wait = this.#next / length * this.#over - (this.#now() - this.#start);
    this.#timer = timers.start(Math.max(0, wait), this, 0);
  }

  /** Handles all remaining items immediately. */
  finish(): void {
    if (this.#isOver) return;
    timers.cancel(this.#timer);
    this.#upTo(this.#items.length);
    this.#end();
  }

  /** Handles no further items. */
  stop(): void {
    this.#isOver = true;
    timers.cancel(this.#timer);
  }

  #upTo(end: number): void {
    while (this.#next < end && !this.#isOver) this.#each(this.#items[this.#next++]);
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#done();
  }
}
