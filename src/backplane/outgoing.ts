// Sends published messages to the broker in order, and queues a bounded number while it is down.

import type { BackplaneQueueOptions } from "./backplane.ts";
import { Queue } from "../shared/queue.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";

/** A queued message. */
export interface QueuedMessage {
  /** Its topic. */
  readonly topic: string;
  /** The message. */
  readonly message: Uint8Array;
}

/** A message queue bounded by bytes. */
export class BoundedQueue {
  readonly #maxBytes: number;
  readonly #drop: "oldest" | "newest";
  readonly #messages: Queue<QueuedMessage> = new Queue();
  #size = 0;
  #dropped = 0;

  /** @param options Its limits, checked. */
  constructor(options: BackplaneQueueOptions = {}) {
    this.#maxBytes = options.maxBytes ?? 16 << 20;
    this.#drop = options.drop ?? "oldest";
  }

  /** Bytes of all queued messages. */
  get size(): number {
    return this.#size;
  }

  /** How many messages are queued. */
  get length(): number {
    return this.#messages.length;
  }

  /** Adds a message; when the queue is full, drops it or older ones. */
  push(topic: string, message: Uint8Array): void {
    const size = sizeOf(topic, message);
    const isFull = this.#size + size > this.#maxBytes;
    if (size > this.#maxBytes || (isFull && this.#drop === "newest")) {
      this.#dropped++;
      return;
    }
    this.#messages.push({ topic, message });
    this.#size += size;
    while (this.#size > this.#maxBytes) {
      this.shift();
      this.#dropped++;
    }
  }

  /** Removes and returns the oldest message. */
  shift(): QueuedMessage | undefined {
    const next = this.#messages.shift();
    if (next !== undefined) this.#size -= sizeOf(next.topic, next.message);
    return next;
  }

  /** Puts a message back at the front. */
  unshift(message: QueuedMessage): void {
    this.#messages.unshift(message);
    this.#size += sizeOf(message.topic, message.message);
  }

  /** How many messages were dropped since the last call. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }
}

function sizeOf(topic: string, message: Uint8Array): number {
  return topic.length + message.length;
}

/** Sends messages to a broker. */
export interface Outgoing {
  /** The number of messages the broker has not confirmed. */
  readonly length: number;
  /** Sends a message, or queues it. */
  push(topic: string, message: Uint8Array): void;
  /** The broker can be used. */
  up(): void;
  /** The broker is down. */
  down(): void;
  /**
   * Calls back when no message is left, or when none has been accepted for `timeout` milliseconds.
   */
  drain(timeout: number, done: () => void): void;
  /** How many messages were dropped since the last call. */
  takeDropped(): number;
}

/** Sends messages to a broker without a history: each once, without awaiting the result. */
export class PublishQueue implements Outgoing {
  readonly #queue: BoundedQueue;
  readonly #send: (topic: string, message: Uint8Array) => boolean;
  readonly #dropped: (count: number) => void;
  #isUp = false;

  /**
   * @param limits The limits of the queue.
   * @param send Sends a message; returns `false` if the broker is down and has not accepted it.
   * @param dropped Called, when the broker is up again, with the number of dropped messages.
   */
  constructor(
    limits: BackplaneQueueOptions | undefined,
    send: (topic: string, message: Uint8Array) => boolean,
    dropped: (count: number) => void,
  ) {
    this.#queue = new BoundedQueue(limits);
    this.#send = send;
    this.#dropped = dropped;
  }

  /** Queued messages. */
  get length(): number {
    return this.#queue.length;
  }

  /** Sends a message, or queues it behind others. */
  push(topic: string, message: Uint8Array): void {
    const isSent = this.#isUp && this.#queue.length === 0 && this.#send(topic, message);
    if (!isSent) this.#queue.push(topic, message);
  }

  /** Sends the queued messages, as long as the broker is up. */
  up(): void {
    this.#isUp = true;
    const dropped = this.#queue.takeDropped();
    if (dropped > 0) this.#dropped(dropped);
    while (this.#isUp) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      if (!this.#send(next.topic, next.message)) this.#queue.unshift(next);
    }
  }

  /** Queues messages from now on. */
  down(): void {
    this.#isUp = false;
  }

  /** Calls back immediately: everything that can be sent has been sent. */
  drain(_timeout: number, done: () => void): void {
    done();
  }

  /** How many messages were dropped since the last call. */
  takeDropped(): number {
    return this.#queue.takeDropped();
  }
}

/** The maximum pending appends, and their maximum bytes; a single message may exceed it. */
const MAX_PENDING = 1024;
const MAX_PENDING_BYTES = 4 << 20;

/**
 * Milliseconds to wait after a rejection for the broker to report an outage. The wait lasts one to
 * two times this long. After an outage the message is appended again; otherwise it is dropped.
 */
const REJECTION_DELAY = 500;

/** The purposes of the timers of an {@linkcode AppendQueue}. */
const REJECTION = 0;
const DRAIN = 1;

interface Append {
  readonly topic: string;
  readonly message: Uint8Array;
  /** Its place in the order of all messages. */
  readonly place: number;
  /** How often it was appended. */
  attempts: number;
  /** Whether the last attempt has failed. */
  failed: boolean;
  /** Whether it had failed when the current delay started. */
  waited: boolean;
  error: unknown;
  /** Whether a later message of the topic was stored: appending this one would change the order. */
  isOvertaken: boolean;
}

/**
 * Appends messages to a history in order, a limited number at a time, without waiting for replies.
 * Appends interrupted by an outage are repeated.
 */
export class AppendQueue implements Outgoing, TimerTarget {
  readonly #append: (topic: string, message: Uint8Array) => unknown;
  readonly #failed: (error: unknown, topic: string, message: Uint8Array) => void;
  readonly #dropped: (count: number) => void;
  readonly #queue: BoundedQueue;
  /** The appended messages not yet confirmed as stored, in order. */
  readonly #pending: Set<Append> = new Set();
  #pendingBytes = 0;
  #places = 0;
  #isUp = false;
  #rejection: Timer | undefined;
  #drain: { readonly timeout: number; readonly done: () => void; timer: Timer } | undefined;

  /**
   * @param limits The limits of the queue.
   * @param append Appends a message. May throw.
   * @param failed Called when a message was given up, because the broker rejected it.
   * @param dropped Called when messages were dropped, because the queue was full.
   */
  constructor(
    limits: BackplaneQueueOptions | undefined,
    append: (topic: string, message: Uint8Array) => unknown,
    failed: (error: unknown, topic: string, message: Uint8Array) => void,
    dropped: (count: number) => void,
  ) {
    this.#queue = new BoundedQueue(limits);
    this.#append = append;
    this.#failed = failed;
    this.#dropped = dropped;
  }

  /** Queued and pending messages. */
  get length(): number {
    return this.#queue.length + this.#pending.size;
  }

  /** Appends a message, or queues it. */
  push(topic: string, message: Uint8Array): void {
    if (this.#hasRoom && this.#queue.length === 0) this.#begin(topic, message);
    else this.#queue.push(topic, message);
  }

  /** Repeats interrupted appends, then sends the queued messages. */
  up(): void {
    this.#isUp = true;
    for (const append of [...this.#pending]) {
      if (append.isOvertaken) this.#giveUp(append);
      else if (this.#isUp) this.#attempt(append);
    }
    this.#flush();
  }

  /** Queues messages from now on. */
  down(): void {
    this.#isUp = false;
    timers.cancel(this.#rejection);
    this.#endDrain();
  }

  /**
   * Calls back when no message is left, or when none has been stored for `timeout` milliseconds.
   */
  drain(timeout: number, done: () => void): void {
    this.#drain = { timeout, done, timer: timers.start(timeout, this, DRAIN) };
    if (!this.#isUp || this.length === 0) this.#endDrain();
  }

  /** How many messages were dropped since the last call. */
  takeDropped(): number {
    return this.#queue.takeDropped();
  }

  /** A timer is due. */
  timerFired(kind: number): void {
    if (kind === DRAIN) return this.#endDrain();
    if (!this.#isUp) return;
    // The broker has not reported an outage: drop the messages it rejected.
    for (const append of this.#pending) {
      if (append.waited) this.#giveUp(append);
      else if (append.failed) {
        append.waited = true;
        this.#awaitOutage();
      }
    }
    this.#flush();
  }

  get #hasRoom(): boolean {
    if (!this.#isUp) return false;
    if (this.#pending.size === 0) return true;
    return this.#pending.size < MAX_PENDING && this.#pendingBytes < MAX_PENDING_BYTES;
  }

  #flush(): void {
    const dropped = this.#queue.takeDropped();
    if (dropped > 0) this.#dropped(dropped);
    while (this.#hasRoom) {
      const next = this.#queue.shift();
      if (next === undefined) break;
      this.#begin(next.topic, next.message);
    }
    if (this.#drain !== undefined && this.length === 0) this.#endDrain();
  }

  #begin(topic: string, message: Uint8Array): void {
    const place = this.#places++;
    const append: Append = {
      topic,
      message,
      place,
      attempts: 0,
      failed: false,
      waited: false,
      error: undefined,
      isOvertaken: false,
    };
    this.#pending.add(append);
    this.#pendingBytes += message.length;
    this.#attempt(append);
  }

  #attempt(append: Append): void {
    const attempt = ++append.attempts;
    append.failed = append.waited = false;
    const failed = (error: unknown): void => {
      if (append.attempts === attempt) this.#attemptFailed(append, error);
    };
    try {
      const result = this.#append(append.topic, append.message);
      Promise.resolve(result).then(() => this.#stored(append), failed);
    } catch (error) {
      failed(error);
    }
  }

  #stored(append: Append): void {
    if (!this.#pending.has(append)) return;
    // Servers drop the second copy as a duplicate if a later message was stored before it.
    if (append.isOvertaken && append.attempts > 1) return this.#giveUp(append);
    this.#remove(append);
    if (this.#drain !== undefined) {
      timers.cancel(this.#drain.timer);
      this.#drain.timer = timers.start(this.#drain.timeout, this, DRAIN);
    }
    for (const earlier of this.#pending) {
      if (earlier.place > append.place) break;
      if (earlier.topic !== append.topic) continue;
      earlier.isOvertaken = true;
      if (earlier.failed) this.#giveUp(earlier);
    }
    if (this.#isUp) this.#flush();
  }

  #attemptFailed(append: Append, error: unknown): void {
    if (!this.#pending.has(append)) return;
    append.failed = true;
    append.error = error;
    if (this.#isUp) this.#awaitOutage();
  }

  #awaitOutage(): void {
    if (this.#rejection?.target !== undefined) return;
    this.#rejection = timers.start(REJECTION_DELAY, this, REJECTION);
  }

  #giveUp(append: Append): void {
    const { failed, topic, message } = append;
    const error = failed
      ? append.error
      : new Error("The broker confirmed later messages, but not this one");
    this.#remove(append);
    this.#failed(error, topic, message);
  }

  #remove(append: Append): void {
    this.#pending.delete(append);
    this.#pendingBytes -= append.message.length;
  }

  #endDrain(): void {
    const drain = this.#drain;
    if (drain === undefined) return;
    this.#drain = undefined;
    timers.cancel(drain.timer);
    drain.done();
  }
}
