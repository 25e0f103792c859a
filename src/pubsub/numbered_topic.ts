// One topic whose messages are numbered, as one server hears of it: where it stands, who of those that
// listen is not there yet, and what has to be read from the history so that nobody misses anything.
//
// Those that listen stand together where the topic stands, and get each message as it comes. When one
// comes that is not the next, they wait until what is missing was read. Who comes back and wants what
// came meanwhile joins: it gets its part of what is read, then what came while that was read, and then
// stands where all stand.

import { Arrivals } from "./arrivals.ts";
import { type Joiner, Joiners } from "./joiners.ts";
import type { NumberedTopicOwner } from "./numbered_topic_owner.ts";
import { Repeats } from "./repeats.ts";
import { firstAfter, lacksSome, type TopicMessage, type TopicPage } from "./topic_page.ts";

/**
 * - `"unplaced"`: it is not known where the topic stands; the next message will tell.
 * - `"live"`: messages come one after the other.
 * - `"stalled"`: some have not come, and have to be read first.
 */
type Place = "unplaced" | "live" | "stalled";

/** The topic. Receivers are told apart by identity. */
export class NumberedTopic<R extends object, M extends TopicMessage> {
  readonly #owner: NumberedTopicOwner<R, M>;
  readonly #maxHeld: number;
  readonly #repeats: Repeats = new Repeats();
  #place: Place = "unplaced";
  /** The number up to which all that stand together have what they are to have. */
  #last = 0;
  #starting = true;
  #joiners: Joiners<R> | undefined;
  /** What came since the read under way began. */
  #arrivals: Arrivals<M> | undefined;
  /** What the read under way was asked for. */
  #from: number | undefined;
  /** Where the topic stood when the read under way began, if that was known. */
  #lastThen: number | undefined;

  /**
   * @param owner Who hands on what it decides.
   * @param maxHeld Bytes of messages that are held while the history is read.
   */
  constructor(owner: NumberedTopicOwner<R, M>, maxHeld: number) {
    this.#owner = owner;
    this.#maxHeld = maxHeld;
  }

  /** Whether it is yet to be found out where the topic stands. */
  get starting(): boolean {
    return this.#starting;
  }

  /** Whether the history has to be read. */
  get needsRead(): boolean {
    return this.#starting || this.#place === "stalled" || this.#joiners !== undefined;
  }

  /** Whether a receiver does not stand where all stand, and gets nothing together with them. */
  isJoining(receiver: R): boolean {
    return this.#joiners !== undefined && this.#joiners.has(receiver);
  }

  /** A receiver begins to listen, or wants again what came after a number. */
  join(receiver: R, after: number | undefined): void {
    if (this.#place === "live" && (after === undefined || after === this.#last)) {
      this.leave(receiver);
      this.#owner.subscribed(receiver, this.#last);
      return;
    }
    this.#joiners ??= new Joiners();
    this.#joiners.add(receiver, after);
    this.#owner.wantRead();
  }

  /** A receiver that listens asks once more whether it does. */
  confirm(receiver: R): void {
    if (this.isJoining(receiver)) return;
    this.#owner.subscribed(receiver, this.#place === "unplaced" ? undefined : this.#last);
  }

  /** A receiver listens no more. */
  leave(receiver: R): void {
    if (this.#joiners === undefined) return;
    this.#joiners.delete(receiver);
    if (this.#joiners.size === 0) this.#joiners = undefined;
  }

  /**
   * A message came.
   *
   * @param previous The number of the one before it; 0 where there is none any more.
   */
  receive(message: M, previous: number): void {
    if (message.number <= this.#last) return;
    if (this.#place === "unplaced") this.#placeAt(previous);
    this.#arrivals?.add(message, previous);
    if (this.#place === "live") this.#next(message, previous);
    if (this.#arrivals !== undefined && this.#arrivals.size > this.#maxHeld) {
      this.#owner.overflowed();
    }
  }

  /** The engine is away: what it carries meanwhile has to be read before anything new. */
  interrupt(): void {
    this.#arrivals = undefined;
    if (this.#place === "live" || this.#last > 0) this.#place = "stalled";
    if (this.#place === "stalled") return;
    this.#starting = true;
    this.#owner.missedByAll();
  }

  /** Begins a read; returns the number after which to read, nothing for where the topic stands. */
  beginRead(): number | undefined {
    this.#arrivals = new Arrivals();
    this.#lastThen = this.#place === "unplaced" ? undefined : this.#last;
    this.#from = this.#place === "stalled" ? this.#last : this.#joiners?.wanted();
    // A receiver may know more than this server does, if it comes from another one.
    if (this.#place === "live" && this.#from !== undefined) {
      this.#from = Math.min(this.#from, this.#last);
    }
    this.#joiners?.ask();
    return this.#from;
  }

  /** What was asked for was read. */
  read(page: TopicPage<M>): void {
    const arrivals = this.#arrivals ?? new Arrivals();
    this.#arrivals = undefined;
    if (this.#lastThen !== undefined && page.last < this.#lastThen) {
      this.#beginAnew(page.last);
      return;
    }
    const isThere = this.#advance(page);
    const messages = this.#joiners === undefined ? [] : this.#repeats.without(page.messages);
    for (const [receiver, joiner] of this.#joiners?.list() ?? []) {
      this.#catchUp(receiver, joiner, page, messages);
      this.#goOn(receiver, joiner, page.last, arrivals);
    }
    if (isThere) {
      this.#place = "live";
      arrivals.after(this.#last).every(({ message, previous }) => this.#next(message, previous));
    }
    if (this.needsRead) this.#owner.wantRead();
  }

  /** What was asked for can't be had: all go on with what comes, and know that they have missed some. */
  giveUp(): void {
    const arrivals = this.#arrivals ?? new Arrivals();
    const joiners = this.#joiners?.list() ?? [];
    this.#arrivals = undefined;
    this.#joiners = undefined;
    for (const [receiver, joiner] of joiners) this.#giveUpFor(receiver, joiner, arrivals);
    if (this.#place === "stalled") {
      this.#owner.missedByAll();
      // Some have joined in front of the others, and must get nothing twice.
      for (const [, { told, after = 0 }] of joiners) {
        if (told) this.#last = Math.max(this.#last, after);
      }
      this.#place = "unplaced";
      this.#takeUp(arrivals);
    }
    this.#started();
  }

  #giveUpFor(receiver: R, { after, told }: Joiner, arrivals: Arrivals<M>): void {
    // From here on it stands where all stand; who knew more gets some of it once more.
    const at = this.#place === "unplaced" ? after : after && Math.min(after, this.#last);
    if (!told) this.#owner.subscribed(receiver, at);
    if (this.#place === "stalled" || at === undefined) return;
    this.#owner.missed(receiver);
    for (const { message } of arrivals.after(at)) this.#hand(receiver, message);
  }

  /** Hands on what was held, whatever is missing in between. */
  #takeUp(arrivals: Arrivals<M>): void {
    for (const { message, previous } of arrivals.after(this.#last)) {
      if (this.#place === "live" && previous > this.#last) this.#owner.missedByAll();
      this.#placeAt(previous);
      this.#next(message, this.#last);
    }
  }

  /** It is known where the topic stands: who wants nothing from before stands there, too. */
  #placeAt(number: number): void {
    this.#place = "live";
    this.#last = Math.max(this.#last, number);
    for (const [receiver, { after }] of this.#joiners?.list() ?? []) {
      if (after !== undefined) continue;
      this.leave(receiver);
      this.#owner.subscribed(receiver, this.#last);
    }
    this.#started();
  }

  #started(): void {
    if (!this.#starting) return;
    this.#starting = false;
    this.#owner.started();
  }

  /** Hands a message to all that stand together, if it is the next one; returns whether it is. */
  #next(message: M, previous: number): boolean {
    if (previous > this.#last) {
      this.#place = "stalled";
      this.#owner.wantRead();
      return false;
    }
    this.#last = message.number;
    if (!this.#repeats.isRepeat(message)) this.#owner.deliver(message);
    return true;
  }

  /** Brings those that stand together to where the page ends; returns whether they are there. */
  #advance(page: TopicPage<M>): boolean {
    const { messages } = page;
    if (this.#place === "unplaced") {
      // Somebody stands here only if an earlier read was given up.
      if (page.last > this.#last) this.#owner.missedByAll();
      this.#placeAt(page.last);
      return true;
    }
    if (page.last <= this.#last) return true;
    if (this.#from === undefined || this.#from > this.#last) return false;
    if (lacksSome(page, this.#last)) {
      if (this.#from < this.#last) {
        // Asked for less, the history may reach back.
        this.#place = "stalled";
        return false;
      }
      this.#owner.missedByAll();
    }
    for (let i = firstAfter(messages, this.#last); i < messages.length; i++) {
      this.#next(messages[i], this.#last);
    }
    this.#last = page.last;
    return true;
  }

  /** Hands a receiver its part of what was read. */
  #catchUp(receiver: R, joiner: Joiner, page: TopicPage<M>, messages: readonly M[]): void {
    const { last } = page;
    const { after = last } = joiner;
    if (after > last) {
      // The engine knows less than the receiver does, although it was asked later.
      if (joiner.asked && after > this.#last) this.#tell(receiver, joiner, last, true);
      return;
    }
    const from = this.#from ?? last;
    const lacks = lacksSome(page, after);
    if (after < from && !lacks) return;
    if (after > from && lacks) {
      joiner.doubtful = true;
      return;
    }
    this.#tell(receiver, joiner, after, lacks);
    for (let i = firstAfter(messages, after); i < messages.length; i++) {
      this.#hand(receiver, messages[i]);
    }
    joiner.after = last;
  }

  /** Hands a receiver what came while the history was read; then it stands where all stand. */
  #goOn(receiver: R, joiner: Joiner, last: number, arrivals: Arrivals<M>): void {
    const { after } = joiner;
    if (after === undefined || after < last || after > this.#last) return;
    const messages = arrivals.between(after, this.#last);
    if (messages === undefined) return;
    this.#tell(receiver, joiner, after, false);
    for (const message of messages) this.#hand(receiver, message);
    this.leave(receiver);
  }

  /** The numbers have gone back: the engine has lost what it knew. */
  #beginAnew(last: number): void {
    this.#owner.wentBack();
    this.#owner.missedByAll();
    this.#place = "live";
    this.#last = last;
    for (const [receiver, joiner] of this.#joiners?.list() ?? []) {
      this.#tell(receiver, joiner, last, joiner.after !== undefined);
    }
    this.#joiners = undefined;
  }

  /** Says where a receiver stands, once, and whether it has missed some. */
  #tell(receiver: R, joiner: Joiner, number: number, missed: boolean): void {
    if (!joiner.told) this.#owner.subscribed(receiver, number);
    joiner.told = true;
    joiner.after = number;
    if (missed) this.#owner.missed(receiver);
  }

  /** Hands a message to one that joins, unless it is a repeated one. */
  #hand(receiver: R, message: M): void {
    if (!this.#repeats.has(message)) this.#owner.deliverTo(receiver, message);
  }
}
