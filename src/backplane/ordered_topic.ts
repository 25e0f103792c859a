// One server's view of a topic with sequence numbers: the position its subscribers have reached,
// the subscribers behind it, and the reads they need.
//
// Current subscribers share one position, and receive each message as it arrives. If a message is
// not the next one, they wait until the gap has been read. A subscriber that resumes from an
// earlier number is pending: it receives pages of the history at its own pace, then the messages
// received during the last read, and is then current.

import { DuplicateFilter, type Identified } from "./duplicate_filter.ts";

/** A message of the topic. */
export interface OrderedMessage extends Identified {
  /** Its size in bytes. */
  readonly size: number;
}

/** A checked page of the history. */
export interface Page<M> {
  /** The position of the topic. */
  readonly last: number;
  /** Whether no message is missing before the first one. */
  readonly complete: boolean;
  /** The messages in order; if the last one is before {@linkcode Page.last}, there are more. */
  readonly messages: readonly M[];
}

/** Limits of an {@linkcode OrderedTopic}. */
export interface OrderedTopicLimits {
  /** The maximum bytes of received messages to keep during a read. */
  readonly maxReceivedBytes: number;
  /** Called with each change in the number of these bytes. */
  readonly holding?: (difference: number) => void;
  /** Messages and bytes of one replay to one subscriber. */
  readonly maxReplayMessages: number;
  readonly maxReplayBytes: number;
}

/** The maximum distance between the numbers of subscribers that share a page. */
const SHARED_NUMBERS = 128;

/**
 * - `"unknown"`: the position is unknown; the next message determines it.
 * - `"current"`: messages arrive one after the other.
 * - `"gap"`: messages are missing and must be read first.
 */
type State = "unknown" | "current" | "gap";

/** A subscriber that is not current. */
interface Pending {
  /** The number of its last message; `undefined` if it needs new messages only. */
  after: number | undefined;
  /** Whether its subscription was confirmed. */
  confirmed: boolean;
  /** Whether a read has started since it became pending. */
  asked: boolean;
  /** Whether a page did not reach back to its number, although its part may be complete. */
  doubtful: boolean;
  /** The number of messages sent to it in this replay. */
  messages: number;
  bytes: number;
  duplicates: DuplicateFilter | undefined;
}

/**
 * A topic. A subclass carries out its decisions; none of those methods throws. Receivers are
 * distinguished by identity.
 */
export abstract class OrderedTopic<R extends object, M extends OrderedMessage> {
  readonly #limits: OrderedTopicLimits;
  readonly #duplicates: DuplicateFilter = new DuplicateFilter();
  #state: State = "unknown";
  /** The position: the number of the last message that current subscribers have received. */
  #last = 0;
  #starting = true;
  /** Ordered by when they were served last. */
  #pending: Map<R, Pending> | undefined;
  /** The messages that arrived since the current read started. */
  #received: Received<M> | undefined;
  /** The number after which the current read starts. */
  #from: number | undefined;
  /** The position when the current read started, if known. */
  #prevLast: number | undefined;

  /** @param limits Its limits. */
  constructor(limits: OrderedTopicLimits) {
    this.#limits = limits;
  }

  /** Delivers a message to all current subscribers. */
  protected abstract deliver(message: M): void;

  /** Delivers a message to a pending subscriber. */
  protected abstract deliverTo(receiver: R, message: M): void;

  /**
   * A receiver will get all messages after the number, or all new messages if there is no number.
   */
  protected abstract subscribed(receiver: R, number: number | undefined): void;

  /** A receiver has missed earlier messages. */
  protected abstract missed(receiver: R): void;

  /** All current subscribers have missed messages. */
  protected abstract missedByAll(): void;

  /** Requests a read of the history. */
  abstract wantRead(): void;

  /** The position is known, or cannot be determined. */
  protected abstract started(): void;

  /** Too many bytes arrived during a read: the subclass must cancel the read. */
  protected abstract overflowed(): void;

  /** The numbers have decreased. */
  protected abstract rewound(): void;

  /**
   * Whether a pending subscriber can receive more. If not, the subclass calls
   * {@linkcode OrderedTopic.wantRead} when it can.
   */
  protected abstract isReady(receiver: R): boolean;

  /** Whether the position is still unknown. */
  get starting(): boolean {
    return this.#starting;
  }

  /** Whether the history must be read. */
  get needsRead(): boolean {
    if (this.#starting || this.#state === "gap") return true;
    return this.#pending !== undefined && this.#nextPending() !== undefined;
  }

  /** Whether a receiver is pending, and thus skipped when current subscribers receive messages. */
  isPending(receiver: R): boolean {
    return this.#pending !== undefined && this.#pending.has(receiver);
  }

  /** A receiver subscribes, or resumes after a number. */
  join(receiver: R, after: number | undefined): void {
    if (this.#state === "current" && (after === undefined || after === this.#last)) {
      this.leave(receiver);
      this.subscribed(receiver, this.#last);
      return;
    }
    this.#pending ??= new Map();
    this.#pending.set(receiver, {
      after,
      confirmed: false,
      asked: false,
      doubtful: false,
      messages: 0,
      bytes: 0,
      duplicates: undefined,
    });
    this.wantRead();
  }

  /** A subscribed receiver subscribes again. */
  confirm(receiver: R): void {
    if (this.isPending(receiver)) return;
    this.subscribed(receiver, this.#state === "unknown" ? undefined : this.#last);
  }

  /** A receiver unsubscribes, or is no longer pending. */
  leave(receiver: R): void {
    if (this.#pending === undefined) return;
    this.#pending.delete(receiver);
    if (this.#pending.size === 0) this.#pending = undefined;
  }

  /**
   * A message arrived.
   *
   * @param previous The number of the message before it; 0 if that is no longer stored.
   */
  receive(message: M, previous: number): void {
    if (message.number <= this.#last) return;
    if (this.#state === "unknown") this.#setPosition(previous);
    if (this.#received?.add(message, previous)) this.#limits.holding?.(message.size);
    if (this.#state === "current") this.#next(message, previous);
    if (this.#received !== undefined && this.#received.size > this.#limits.maxReceivedBytes) {
      this.overflowed();
    }
  }

  /** The broker is unavailable: messages of the outage must be read before new ones. */
  interrupt(): void {
    this.#takeReceived();
    if (this.#state === "current" || this.#last > 0) this.#state = "gap";
    if (this.#state === "gap") return;
    this.#starting = true;
    this.missedByAll();
  }

  /** A failed subscription at the broker has been restored: messages may have been missed. */
  restart(): void {
    if (this.#state === "unknown") this.#starting = true;
  }

  /** Starts a read; returns the number to read after, or `undefined` to read the position only. */
  beginRead(): number | undefined {
    this.#takeReceived();
    this.#received = new Received();
    this.#prevLast = this.#state === "unknown" ? undefined : this.#last;
    this.#from = this.#state === "gap" ? this.#last : this.#nextPending()?.after;
    // A receiver that was connected to another server may be ahead of this one.
    if (this.#state === "current" && this.#from !== undefined) {
      this.#from = Math.min(this.#from, this.#last);
    }
    for (const pending of this.#pending?.values() ?? []) pending.asked = true;
    return this.#from;
  }

  /** A page was read. */
  read(page: Page<M>): void {
    const received = this.#takeReceived();
    if (this.#prevLast !== undefined && page.last < this.#prevLast) {
      this.#resetTo(page.last);
      return;
    }
    const isCurrent = this.#advance(page);
    for (const [receiver, pending] of [...this.#pending ?? []]) {
      this.#replay(receiver, pending, page);
      this.#finish(receiver, pending, page.last, received);
    }
    if (isCurrent) {
      this.#state = "current";
      received.after(this.#last).every(({ message, previous }) => this.#next(message, previous));
    }
    if (this.needsRead) this.wantRead();
  }

  /** A read failed: all subscribers are notified of missed messages and continue with new ones. */
  giveUp(): void {
    const received = this.#takeReceived();
    const all = [...this.#pending ?? []];
    this.#pending = undefined;
    for (const [receiver, pending] of all) this.#giveUpFor(receiver, pending, received);
    if (this.#state === "gap") {
      this.missedByAll();
      // Pending subscribers may be ahead of the current ones, and must not receive a message twice.
      for (const [, { confirmed, after = 0 }] of all) {
        if (confirmed) this.#last = Math.max(this.#last, after);
      }
      this.#state = "unknown";
      this.#catchUp(received);
    }
    this.#started();
  }

  #giveUpFor(receiver: R, { after, confirmed }: Pending, received: Received<M>): void {
    // The subscriber is now current; if it was ahead, it receives some messages again.
    const at = this.#state === "unknown" ? after : after && Math.min(after, this.#last);
    if (!confirmed) this.subscribed(receiver, at);
    if (this.#state === "gap" || at === undefined) return;
    this.missed(receiver);
    for (const { message } of received.after(at)) {
      if (!this.#duplicates.has(message)) this.deliverTo(receiver, message);
    }
  }

  /** Delivers the received messages, even with gaps. */
  #catchUp(received: Received<M>): void {
    for (const { message, previous } of received.after(this.#last)) {
      if (this.#state === "current" && previous > this.#last) this.missedByAll();
      this.#setPosition(previous);
      this.#next(message, this.#last);
    }
  }

  /** The position is known: subscribers that need new messages only become current. */
  #setPosition(number: number): void {
    this.#state = "current";
    this.#last = Math.max(this.#last, number);
    for (const [receiver, { after }] of [...this.#pending ?? []]) {
      if (after !== undefined) continue;
      this.leave(receiver);
      this.subscribed(receiver, this.#last);
    }
    this.#started();
  }

  #started(): void {
    if (!this.#starting) return;
    this.#starting = false;
    this.started();
  }

  /** Delivers a message to current subscribers if it is the next one; returns whether it is. */
  #next(message: M, previous: number): boolean {
    if (previous > this.#last) {
      this.#state = "gap";
      this.wantRead();
      return false;
    }
    this.#last = message.number;
    if (!this.#duplicates.isDuplicate(message)) this.deliver(message);
    return true;
  }

  /** Brings current subscribers to the end of a page; returns whether they are then up to date. */
  #advance(page: Page<M>): boolean {
    const { messages } = page;
    if (this.#state === "unknown") {
      // There are current subscribers only if an earlier read was given up.
      if (page.last > this.#last) this.missedByAll();
      this.#setPosition(page.last);
      return true;
    }
    if (page.last <= this.#last) return true;
    if (this.#from === undefined || this.#from > this.#last) return false;
    if (lacksMessages(page, this.#last)) {
      if (this.#from < this.#last) {
        // A read after a greater number may be complete.
        this.#state = "gap";
        return false;
      }
      this.missedByAll();
    }
    for (let i = firstAfter(messages, this.#last); i < messages.length; i++) {
      this.#next(messages[i], this.#last);
    }
    const end = endOf(page);
    this.#last = Math.max(this.#last, end);
    return end === page.last;
  }

  /** The pending subscriber to read for next: roughly the one served longest ago. */
  #nextPending(): Pending | undefined {
    let next: Pending | undefined;
    let least = 0;
    for (const [receiver, pending] of this.#pending ?? []) {
      if (!this.#isReady(receiver, pending)) continue;
      const { after, doubtful } = pending;
      if (next === undefined) {
        next = pending;
        // Subscribers with nearby numbers share the page.
        least = after === undefined ? 0 : after - SHARED_NUMBERS;
      }
      if (after === undefined || next.after === undefined || doubtful !== next.doubtful) continue;
      // If the history does not reach back to the greatest doubtful number, it does not reach
      // smaller ones.
      if (doubtful ? after > next.after : after >= least && after < next.after) next = pending;
    }
    return next;
  }

  /** The topic has lost its last subscriber. */
  end(): void {
    this.#takeReceived();
  }

  /** Removes and returns the messages received during the read. */
  #takeReceived(): Received<M> {
    const received = this.#received ?? new Received<M>();
    this.#received = undefined;
    if (received.size > 0) this.#limits.holding?.(-received.size);
    return received;
  }

  /**
   * Unless the position is unknown, only subscribers that resume from a number need a separate
   * read.
   */
  #isReady(receiver: R, { after }: Pending): boolean {
    if (after === undefined) return this.#state === "unknown";
    return this.isReady(receiver);
  }

  /** Sends a pending subscriber its part of a page. */
  #replay(receiver: R, pending: Pending, page: Page<M>): void {
    const { last, messages } = page;
    const { after = last } = pending;
    if (after > last) {
      // The receiver is ahead of the broker, although the read started later.
      if (pending.asked && after > this.#last) this.#notify(receiver, pending, last, true);
      return;
    }
    const from = this.#from ?? last;
    const lacks = lacksMessages(page, after);
    if (after < from && !lacks) return;
    if (after > from && lacks) {
      pending.doubtful = true;
      return;
    }
    const end = endOf(page);
    if (after > end || (after === end && end < last)) return;
    if (pending.after !== undefined && !this.isReady(receiver)) return;
    this.#notify(receiver, pending, after, lacks);
    pending.doubtful = false;
    // Moved to the end: other subscribers come first in the next read.
    if (end < last) {
      this.#pending!.delete(receiver);
      this.#pending!.set(receiver, pending);
    }
    for (let i = firstAfter(messages, after); i < messages.length; i++) {
      const message = messages[i];
      if (!this.#fits(receiver, pending, message)) return;
      this.#send(receiver, pending, message);
      pending.after = message.number;
      if (i + 1 < messages.length && !this.isReady(receiver)) return;
    }
    pending.after = end;
  }

  /**
   * Whether a message is within the limits of a replay; otherwise ends the replay with `missed`.
   */
  #fits(receiver: R, pending: Pending, message: M): boolean {
    const { maxReplayMessages, maxReplayBytes } = this.#limits;
    pending.messages++;
    pending.bytes += message.size;
    if (pending.messages <= maxReplayMessages && pending.bytes <= maxReplayBytes) return true;
    this.missed(receiver);
    this.leave(receiver);
    return false;
  }

  /** Sends a pending subscriber the messages received during the read, then makes it current. */
  #finish(receiver: R, pending: Pending, last: number, received: Received<M>): void {
    const { after } = pending;
    if (after === undefined || after < last || after > this.#last) return;
    if (!this.isPending(receiver)) return;
    const messages = received.between(after, this.#last);
    if (messages === undefined) return;
    this.#notify(receiver, pending, after, false);
    for (const message of messages) this.#send(receiver, pending, message);
    // A second copy of a message of the replay may follow.
    if (pending.duplicates !== undefined) this.#duplicates.add(pending.duplicates);
    this.leave(receiver);
  }

  /** The numbers have decreased: the broker has lost its data. */
  #resetTo(last: number): void {
    this.rewound();
    this.missedByAll();
    this.#state = "current";
    this.#last = last;
    for (const [receiver, pending] of this.#pending ?? []) {
      this.#notify(receiver, pending, last, pending.after !== undefined);
    }
    this.#pending = undefined;
  }

  /** Notifies a receiver once of its starting number and of missed messages. */
  #notify(receiver: R, pending: Pending, number: number, missed: boolean): void {
    if (!pending.confirmed) this.subscribed(receiver, number);
    pending.confirmed = true;
    pending.after = number;
    if (missed) this.missed(receiver);
  }

  /** Sends a pending subscriber a message, unless it is a duplicate. */
  #send(receiver: R, pending: Pending, message: M): void {
    pending.duplicates ??= new DuplicateFilter();
    if (pending.duplicates.isDuplicate(message) || this.#duplicates.has(message)) return;
    this.deliverTo(receiver, message);
  }
}

interface Arrival<M> {
  readonly message: M;
  /** The number of the message before it. */
  readonly previous: number;
}

/** The messages of a topic that arrived during a read, in order. */
class Received<M extends OrderedMessage> {
  readonly #items: Arrival<M>[] = [];
  #size = 0;

  /** Bytes of all messages. */
  get size(): number {
    return this.#size;
  }

  /** Adds a message unless a newer one was added; returns whether it was added. */
  add(message: M, previous: number): boolean {
    const newest = this.#items.at(-1);
    if (newest !== undefined && message.number <= newest.message.number) return false;
    this.#items.push({ message, previous });
    this.#size += message.size;
    return true;
  }

  /** The messages after a number. */
  after(number: number): Arrival<M>[] {
    return this.#items.filter(({ message }) => message.number > number);
  }

  /** All messages after a number up to another; `undefined` if one may be missing. */
  between(number: number, last: number): M[] | undefined {
    let at = number;
    const messages: M[] = [];
    for (const { message, previous } of this.#items) {
      if (message.number <= at || message.number > last) continue;
      if (previous > at) return undefined;
      messages.push(message);
      at = message.number;
    }
    return at === last ? messages : undefined;
  }
}

/** The number of the last message of a page, or the topic's last if the page is empty. */
function endOf({ last, messages }: Page<OrderedMessage>): number {
  return messages.length > 0 ? messages[messages.length - 1].number : last;
}

/** Whether a message between a number and the first message of a page may be missing. */
function lacksMessages({ complete, last, messages }: Page<OrderedMessage>, after: number): boolean {
  return !complete && after < (messages.length > 0 ? messages[0].number : last);
}

/** The index of the first message after a number. */
function firstAfter(messages: readonly OrderedMessage[], number: number): number {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (messages[middle].number > number) high = middle;
    else low = middle + 1;
  }
  return low;
}
