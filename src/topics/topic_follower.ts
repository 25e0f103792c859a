// One topic that somebody listens to here, as the engine is asked for it: first the subscription, and
// when that is in force, what has to be read.

import type { HistoryPage } from "../pubsub/backplane.ts";
import { faultOfPage } from "../pubsub/history_page.ts";
import { NumberedTopic } from "../pubsub/numbered_topic.ts";
import type { NumberedTopicOwner } from "../pubsub/numbered_topic_owner.ts";
import type { ConnectionDriver } from "../connection/connection_driver.ts";
import type { HistoryMessage } from "./history_message.ts";
import type { HistoryReader, HistoryReads } from "./history_reads.ts";
import { isPromiseLike } from "../shared/promise_like.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";

/** Bytes of messages that are held while a topic's history is read; over it some are missed. */
const MAX_HELD = 1 << 20;

/** A topic that some of those who listen have yet to join. */
export interface Joinable {
  /** Whether a receiver gets nothing yet together with the others. */
  isJoining(receiver: ConnectionDriver): boolean;
}

/** What all topics of one server share. */
export interface FollowerContext {
  /** What reads. */
  readonly reads: HistoryReads;
  /** Asks the engine for the messages of a topic. May throw. */
  ask(topic: string): unknown;
  /** Makes a message of what the engine brought; nothing, once that was reported, of rubbish. */
  parse(topic: string, bytes: unknown, number: number): HistoryMessage | undefined;
  /** Hands a message to all that listen here but those that join. */
  deliver(message: HistoryMessage, topic: Joinable): void;
  /** Hands a message to one of them. */
  deliverTo(receiver: ConnectionDriver, message: HistoryMessage): void;
  /** All that listen here but those that join have missed some. */
  missed(name: string, topic: Joinable): void;
  /** The engine has failed. */
  failed(cause: unknown): void;
  /** The engine has brought rubbish. */
  garbled(what: string): void;
  /** More came than there is room for. */
  overflowed(what: string): void;
}

/** The topic. */
export class TopicFollower
  implements NumberedTopicOwner<ConnectionDriver, HistoryMessage>, HistoryReader, TimerTarget {
  readonly #context: FollowerContext;
  /** Its name. */
  readonly name: string;
  /** Where it stands, and who listens. */
  readonly topic: NumberedTopic<ConnectionDriver, HistoryMessage>;
  #isSubscribed = false;
  /** Whether the last subscription has come to nothing: who comes next, tries again. */
  #isRefused = false;
  /** Which subscription is waited for; grows with each. */
  #attempt = 0;
  #timer: Timer | undefined;
  /** What the read under way was asked for. */
  #asked: number | undefined;
  /** What waits until it is known where the topic stands. */
  #waiting: Array<() => void> | undefined;

  /**
   * @param name The topic.
   * @param context What it shares with others.
   */
  constructor(name: string, context: FollowerContext) {
    this.name = name;
    this.#context = context;
    this.topic = new NumberedTopic(this, MAX_HELD);
  }

  /** Asks for the messages: for the first time, or anew. */
  subscribe(): void {
    this.#stop();
    const attempt = this.#attempt;
    this.#isRefused = false;
    const done = (): void => {
      if (this.#attempt === attempt) this.#subscribed();
    };
    const failed = (error: unknown): void => {
      if (this.#attempt === attempt) this.#subscribeFailed(error);
    };
    try {
      const result = this.#context.ask(this.name);
      if (isPromiseLike(result)) {
        this.#timer = timers.start(this.#context.reads.timeout, this, 0);
        result.then(done, failed);
      } else {
        done();
      }
    } catch (error) {
      failed(error);
    }
  }

  /** The engine is away. */
  interrupt(): void {
    this.#stop();
    this.#waiting = undefined;
    this.topic.interrupt();
  }

  /** Nobody listens any more. */
  end(): void {
    this.#stop();
    this.#context.reads.forget(this);
    this.started();
  }

  /** The subscription takes too long: it may still come. */
  timerFired(): void {
    this.#subscribeFailed(this.#context.reads.noAnswer("a subscription"));
  }

  /**
   * Does something as soon as it is known where the topic stands: what is published before is not for
   * those that listen since.
   */
  whenStarted(act: () => void): void {
    if (this.topic.starting) (this.#waiting ??= []).push(act);
    else act();
  }

  /** A message came. */
  receive(bytes: unknown, number: number, previous: number): void {
    const message = this.#context.parse(this.name, bytes, number);
    if (message !== undefined) this.topic.receive(message, previous);
  }

  // What the reads ask and tell.

  /** Whether the history has to be read. */
  get needsRead(): boolean {
    return this.#isSubscribed && this.topic.needsRead;
  }

  /** The read begins. */
  beginRead(): number | undefined {
    this.#asked = this.topic.beginRead();
    return this.#asked;
  }

  /** The answer is here. */
  readDone(page: unknown): void {
    const fault = faultOfPage(page, this.#asked);
    if (fault !== undefined) {
      this.#context.garbled(`what was read of the topic "${this.name}" is no page: ${fault}`);
      this.topic.giveUp();
      return;
    }
    const { last, complete, messages } = page as HistoryPage;
    if (this.#asked === undefined) {
      this.topic.read({ last, complete: true, messages: [] });
      return;
    }
    const parsed: HistoryMessage[] = [];
    for (const { number, message } of messages) {
      const one = this.#context.parse(this.name, message, number);
      if (one !== undefined) parsed.push(one);
    }
    this.topic.read({ last, complete, messages: parsed });
  }

  /** There is no answer. */
  readFailed(error: unknown): void {
    this.#giveUp(error);
  }

  // What the topic decides.

  /** To all but those that join. */
  deliver(message: HistoryMessage): void {
    this.#context.deliver(message, this.topic);
  }

  /** To one of these. */
  deliverTo(receiver: ConnectionDriver, message: HistoryMessage): void {
    this.#context.deliverTo(receiver, message);
  }

  /** It listens from here on. */
  subscribed(receiver: ConnectionDriver, number: number | undefined): void {
    receiver.topicListener?.subscribed(this.name, number);
  }

  /** It has missed some. */
  missed(receiver: ConnectionDriver): void {
    receiver.topicListener?.missed(this.name);
  }

  /** All but those that join have. */
  missedByAll(): void {
    this.#context.missed(this.name, this.topic);
  }

  /** There is something to read. */
  wantRead(): void {
    if (this.#isSubscribed) this.#context.reads.want(this);
    else if (this.#isRefused) this.subscribe();
  }

  /** It is known where the topic stands. */
  started(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    for (const act of waiting ?? []) act();
  }

  /** More came than can be held. */
  overflowed(): void {
    this.#context.reads.forget(this);
    this.#context.overflowed(
      `while the history of the topic "${this.name}" was read, more than ${MAX_HELD} bytes came`,
    );
    this.topic.giveUp();
  }

  /** The numbers have gone back. */
  wentBack(): void {
    this.#context.garbled(`the numbers of the topic "${this.name}" have gone back`);
  }

  #subscribed(): void {
    timers.cancel(this.#timer);
    this.#isSubscribed = true;
    this.#isRefused = false;
    if (this.topic.needsRead) this.#context.reads.want(this);
  }

  #subscribeFailed(error: unknown): void {
    timers.cancel(this.#timer);
    this.#isRefused = true;
    this.#giveUp(error);
  }

  #giveUp(error: unknown): void {
    this.#context.failed(error);
    this.topic.giveUp();
  }

  #stop(): void {
    this.#attempt++;
    this.#isSubscribed = false;
    timers.cancel(this.#timer);
  }
}
