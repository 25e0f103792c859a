// Reads from the history, only so many at a time: a server that is back has all its topics to read at
// once. Each has a time to be answered in.

import type { BackplaneHistory } from "../pubsub/backplane.ts";
import { isPromiseLike } from "../shared/promise_like.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";

/** Who wants to read. */
export interface HistoryReader {
  /** The topic. */
  readonly name: string;
  /** Whether there is still something to read. */
  readonly needsRead: boolean;
  /** The read begins; returns the number after which to read, nothing for where the topic stands. */
  beginRead(): number | undefined;
  /** The answer is here, unchecked. */
  readDone(page: unknown): void;
  /** There is no answer. */
  readFailed(error: unknown): void;
}

/** Reads that are under way at a time. */
const MAX_READS = 64;

/** Milliseconds after which an answer of the engine is no longer waited for. */
const ANSWER_TIMEOUT = 10_000;

/** One read that is under way. */
class PendingRead implements TimerTarget {
  readonly #timedOut: (read: PendingRead) => void;
  /** Who waits for it; nobody any more. */
  reader: HistoryReader | undefined;
  readonly timer: Timer;

  constructor(
    reader: HistoryReader,
    timeout: number,
    timedOut: (read: PendingRead) => void,
  ) {
    this.reader = reader;
    this.#timedOut = timedOut;
    this.timer = timers.start(timeout, this, 0);
  }

  timerFired(): void {
    this.#timedOut(this);
  }
}

/** The reads of one server. */
export class HistoryReads {
  readonly #history: BackplaneHistory;
  readonly #waiting: Set<HistoryReader> = new Set();
  readonly #pending: Set<PendingRead> = new Set();
  readonly #reading: Map<HistoryReader, PendingRead> = new Map();

  /** Milliseconds that the engine has for an answer. */
  readonly timeout: number;

  /**
   * @param history What is read.
   * @param timeout Milliseconds that the engine has for an answer.
   */
  constructor(history: BackplaneHistory, timeout: number = ANSWER_TIMEOUT) {
    this.#history = history;
    this.timeout = timeout;
  }

  /** Reads for it as soon as there is room, unless a read for it is under way. */
  want(reader: HistoryReader): void {
    if (this.#reading.has(reader)) return;
    this.#waiting.add(reader);
    this.#begin();
  }

  /** It does not wait any more for what it asked for. The engine may still be busy with it. */
  forget(reader: HistoryReader): void {
    this.#waiting.delete(reader);
    const read = this.#reading.get(reader);
    if (read === undefined) return;
    read.reader = undefined;
    this.#reading.delete(reader);
  }

  /** The engine is away: nobody waits for anything. */
  stop(): void {
    this.#waiting.clear();
    this.#reading.clear();
    for (const read of this.#pending) {
      read.reader = undefined;
      timers.cancel(read.timer);
    }
    this.#pending.clear();
  }

  /** What is reported where an answer was waited for in vain. */
  noAnswer(what: string): Error {
    return new Error(`The engine has not answered to ${what} within ${this.timeout} ms`);
  }

  #begin(): void {
    for (const reader of this.#waiting) {
      if (this.#pending.size >= MAX_READS) return;
      this.#waiting.delete(reader);
      if (reader.needsRead) this.#read(reader);
    }
  }

  #read(reader: HistoryReader): void {
    const read = new PendingRead(reader, this.timeout, (late) => {
      this.#end(late)?.readFailed(this.noAnswer("a read"));
      this.#begin();
    });
    this.#pending.add(read);
    this.#reading.set(reader, read);
    const failed = (error: unknown): void => {
      this.#end(read)?.readFailed(error);
      this.#begin();
    };
    const done = (page: unknown): void => {
      this.#end(read)?.readDone(page);
      this.#begin();
    };
    const after = reader.beginRead();
    try {
      const page: unknown = after === undefined
        ? this.#history.read(reader.name)
        : this.#history.read(reader.name, after);
      if (isPromiseLike(page)) page.then(done, failed);
      else Promise.resolve(page).then(done);
    } catch (error) {
      Promise.reject(error).catch(failed);
    }
  }

  /** A read is over; returns who waits for it. */
  #end(read: PendingRead): HistoryReader | undefined {
    const { reader } = read;
    if (!this.#pending.delete(read)) return undefined;
    timers.cancel(read.timer);
    if (reader === undefined) return undefined;
    this.#reading.delete(reader);
    return reader;
  }
}
