// Reads pages of the history, a limited number at a time and in turn: after a reconnection a server
// reads all of its topics. Each read has a time limit, and each page is validated.

import type { BackplaneHistory, HistoryPage, NumberedMessage, ReadLimit } from "./backplane.ts";
import { isPromiseLike } from "../shared/user_code.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";

/** A topic that requests reads. */
export interface HistoryReaderTopic {
  /** Its name. */
  readonly name: string;
  /** Whether it still has to read. */
  readonly wantsRead: boolean;
  /** A read starts; returns the number to read after, or `undefined` to read the position only. */
  beginRead(): number | undefined;
  /** The result, not yet validated. */
  readDone(page: unknown): void;
  /** The read failed or timed out. */
  readFailed(error: unknown): void;
}

/** The limit of one read, which bounds the memory per receiver. */
export const PAGE_LIMIT: ReadLimit = { maxMessages: 256, maxBytes: 256 << 10 };

/** The maximum number of pending reads. */
const MAX_READS = 64;

/**
 * The maximum messages per turn of the event loop: an in-memory broker returns all results at once.
 */
const MESSAGES_PER_TURN = 1024;

/** Milliseconds in which the broker must answer. */
const ANSWER_TIMEOUT = 30_000;

/** A pending read. */
class PendingRead implements TimerTarget {
  readonly #timedOut: (read: PendingRead) => void;
  /** The topic that requested it, unless it has canceled. */
  topic: HistoryReaderTopic | undefined;
  readonly timer: Timer;

  constructor(
    topic: HistoryReaderTopic,
    timeout: number,
    timedOut: (read: PendingRead) => void,
  ) {
    this.topic = topic;
    this.#timedOut = timedOut;
    this.timer = timers.start(timeout, this, 0);
  }

  timerFired(): void {
    this.#timedOut(this);
  }
}

/** The reads of one server. */
export class HistoryReader {
  readonly #history: BackplaneHistory;
  readonly #waiting: Set<HistoryReaderTopic> = new Set();
  readonly #pending: Set<PendingRead> = new Set();
  readonly #reading: Map<HistoryReaderTopic, PendingRead> = new Map();
  /** The messages read in this turn, and the timer that ends the turn. */
  #messages = 0;
  #turn: ReturnType<typeof setTimeout> | undefined;
  /** Milliseconds in which the broker must answer. */
  readonly timeout: number;

  /**
   * @param history The history.
   * @param timeout Milliseconds in which the broker must answer.
   */
  constructor(history: BackplaneHistory, timeout: number = ANSWER_TIMEOUT) {
    this.#history = history;
    this.timeout = timeout;
  }

  /** Queues a read for a topic, unless one is pending. */
  want(topic: HistoryReaderTopic): void {
    if (this.#reading.has(topic)) return;
    this.#waiting.add(topic);
    this.#begin();
  }

  /** Cancels the read of a topic, which the broker may still be processing. */
  forget(topic: HistoryReaderTopic): void {
    this.#waiting.delete(topic);
    const read = this.#reading.get(topic);
    if (read === undefined) return;
    read.topic = undefined;
    this.#reading.delete(topic);
  }

  /** Cancels all reads: the broker is down, or the server shuts down. */
  stop(): void {
    clearTimeout(this.#turn);
    this.#turn = undefined;
    this.#messages = 0;
    this.#waiting.clear();
    this.#reading.clear();
    for (const read of this.#pending) {
      read.topic = undefined;
      timers.cancel(read.timer);
    }
    this.#pending.clear();
  }

  /** The error of a request that timed out. */
  timedOut(what: string): Error {
    return new Error(`The broker has not answered ${what} within ${this.timeout} ms`);
  }

  #begin(): void {
    for (const topic of this.#waiting) {
      if (this.#pending.size >= MAX_READS || this.#messages >= MESSAGES_PER_TURN) return;
      this.#waiting.delete(topic);
      if (topic.wantsRead) this.#read(topic);
    }
  }

  #read(topic: HistoryReaderTopic): void {
    const read = new PendingRead(topic, this.timeout, (late) => {
      this.#end(late)?.readFailed(this.timedOut("a read"));
      this.#begin();
    });
    this.#pending.add(read);
    this.#reading.set(topic, read);
    const failed = (error: unknown): void => {
      this.#end(read)?.readFailed(error);
      this.#begin();
    };
    const done = (page: unknown): void => {
      this.#count(page);
      this.#end(read)?.readDone(page);
      this.#begin();
    };
    const after = topic.beginRead();
    try {
      const page: unknown = after === undefined
        ? this.#history.read(topic.name)
        : this.#history.read(topic.name, after, PAGE_LIMIT);
      if (isPromiseLike(page)) page.then(done, failed);
      else Promise.resolve(page).then(done);
    } catch (error) {
      Promise.reject(error).catch(failed);
    }
  }

  /** Counts the messages of a page; beyond the limit, reads continue in the next turn. */
  #count(page: unknown): void {
    const { messages } = Object(page) as { messages?: unknown };
    if (!Array.isArray(messages) || messages.length === 0) return;
    this.#messages += messages.length;
    this.#turn ??= setTimeout(() => {
      this.#turn = undefined;
      this.#messages = 0;
      this.#begin();
    });
  }

  /** Ends a read; returns the topic that requested it. */
  #end(read: PendingRead): HistoryReaderTopic | undefined {
    const { topic } = read;
    if (!this.#pending.delete(read)) return undefined;
    timers.cancel(read.timer);
    if (topic === undefined) return undefined;
    this.#reading.delete(topic);
    return topic;
  }
}

/** Whether a value is the sequence number of a message. */
export function isMessageNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number > 0;
}

/** Whether a value is a position: the sequence number of a message, or 0 before the first. */
export function isPosition(value: unknown): value is number {
  return value === 0 || isMessageNumber(value);
}

/**
 * Describes the fault in the result of a read; `undefined` if it is valid.
 *
 * @param page The result.
 * @param after The number to read after; `undefined` if only the position was read.
 */
export function pageFault(page: unknown, after: number | undefined): string | undefined {
  if (typeof page !== "object" || page === null) return "it is not an object";
  const { last, complete, messages } = page as Partial<HistoryPage>;
  if (!isPosition(last)) return `"last" is not a sequence number`;
  if (after === undefined) return undefined;
  if (typeof complete !== "boolean") return `"complete" is not a boolean`;
  if (!Array.isArray(messages)) return `"messages" is not an array`;
  let previous = after;
  for (const entry of messages as readonly unknown[]) {
    if (typeof entry !== "object" || entry === null) return "a message is not an object";
    const { number, message } = entry as Partial<NumberedMessage>;
    if (!isMessageNumber(number)) return `a "number" is not a sequence number`;
    if (number <= previous) return "the numbers do not increase";
    if (!(message instanceof Uint8Array)) return `a "message" is not a Uint8Array`;
    previous = number;
  }
  return messages.length > 0 && previous > last ? `the messages go beyond "last"` : undefined;
}
