// The history of one topic with subscribers on this server: its subscription at the broker, then
// its reads.

import type { HistoryPage } from "./backplane.ts";
import { type Envelope, readEnvelope } from "./envelope.ts";
import { type HistoryReader, type HistoryReaderTopic, pageFault } from "./history_reader.ts";
import { type OrderedMessage, OrderedTopic, type OrderedTopicLimits } from "./ordered_topic.ts";
import type { BrokerSubscriptions } from "./subscriptions.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";

/** The topics of the server. No method throws. */
export interface RelayOwner<R extends object, M extends OrderedMessage> {
  /** The topics that have subscribers. */
  names(): Iterable<string>;
  /** The topics of a subscriber. */
  namesOf(receiver: R): Iterable<string>;
  /** Whether a receiver is open and has room in its buffer. */
  hasRoom(receiver: R): boolean;
  /**
   * Creates a message.
   *
   * @param number Its sequence number; 0 if there is no history.
   * @param except The receiver to skip.
   */
  createMessage(topic: string, envelope: Envelope, number: number, except: R | undefined): M;
  /** Delivers a message to the topic's subscribers, except the pending ones. */
  deliver(message: M, isPending?: (receiver: R) => boolean): void;
  /** Delivers a message to one subscriber. */
  deliverTo(receiver: R, message: M): void;
  /** A subscriber will get all messages after the number. */
  subscribed(receiver: R, topic: string, number: number | undefined): void;
  /** A subscriber has missed messages. */
  missed(receiver: R, topic: string): void;
  /** All subscribers except the pending ones have missed messages. */
  missedByAll(topic: string, isPending: (receiver: R) => boolean): void;
  /** All messages this server published to a topic have returned or failed. */
  settled(topic: string): void;
  /** Called with each change in the bytes of messages received during reads of the history. */
  holding?(difference: number): void;
  /** Passes an error to `onError`. */
  reportError(error: unknown): void;
}

/** The shared context of the topics of a server. */
export interface TopicHistoryContext<R extends object, M extends OrderedMessage> {
  readonly limits: OrderedTopicLimits;
  readonly reader: HistoryReader;
  readonly subscriptions: BrokerSubscriptions;
  /** Receives the notifications of subscribers. */
  readonly owner: Pick<RelayOwner<R, M>, "subscribed" | "missed" | "missedByAll">;
  /** Creates a message. */
  createMessage(topic: string, envelope: Envelope, number: number): M;
  /** Delivers a message to the topic's subscribers, except the pending ones. */
  deliver(topic: string, message: M, isPending: (receiver: R) => boolean): void;
  /** Delivers a message to one subscriber. */
  deliverTo(receiver: R, message: M): void;
  /** Whether a subscriber can receive more of a replay. */
  isReady(receiver: R): boolean;
  /** A request to the broker failed. */
  requestFailed(cause: unknown): void;
  /** The broker sent something invalid. */
  invalid(what: string): void;
  /** Messages were dropped. */
  overflowed(what: string): void;
}

/** The history of a topic. */
export class TopicHistory<R extends object, M extends OrderedMessage> extends OrderedTopic<R, M>
  implements HistoryReaderTopic, TimerTarget {
  readonly #context: TopicHistoryContext<R, M>;
  readonly #isPending = (receiver: R): boolean => this.isPending(receiver);
  /** Its name. */
  readonly name: string;
  #isSubscribed = false;
  /** Whether the last attempt to subscribe failed; the next request retries. */
  #hasFailed = false;
  /** Counts the attempts to subscribe, to ignore results of earlier ones. */
  #attempt = 0;
  #timer: Timer | undefined;
  /** The number after which the pending read starts. */
  #after: number | undefined;
  /** Called when the position is known. */
  #waiting: Array<() => void> | undefined;

  /**
   * @param name The topic.
   * @param context The context shared by all topics.
   */
  constructor(name: string, context: TopicHistoryContext<R, M>) {
    super(context.limits);
    this.name = name;
    this.#context = context;
  }

  /** Subscribes at the broker, for the first time or again. */
  subscribe(): void {
    this.#stop();
    const attempt = this.#attempt;
    this.#hasFailed = false;
    this.#timer = timers.start(this.#context.reader.timeout, this, 0);
    this.#context.subscriptions.request(this.name, () => {
      if (this.#attempt === attempt) this.#subscribed();
    }, (error) => {
      if (this.#attempt === attempt) this.#subscribeFailed(error);
    });
  }

  /** The broker is down. */
  override interrupt(): void {
    this.#stop();
    this.#waiting = undefined;
    super.interrupt();
  }

  /** The topic has lost its last subscriber. */
  override end(): void {
    this.#stop();
    this.#context.reader.forget(this);
    super.end();
    this.started();
  }

  /** The subscription timed out; it may still be made. */
  timerFired(): void {
    this.#subscribeFailed(this.#context.reader.timedOut("a subscription"));
  }

  /**
   * Calls back when the position is known: messages published earlier are not meant for new
   * subscribers.
   */
  whenStarted(callback: () => void): void {
    if (this.starting) (this.#waiting ??= []).push(callback);
    else callback();
  }

  /** A message arrived. */
  receiveBytes(bytes: unknown, number: number, previous: number): void {
    const message = this.#parse(bytes, number);
    if (message !== undefined) this.receive(message, previous);
  }

  // Reads.

  /** Whether the history must be read now. */
  get wantsRead(): boolean {
    return this.#isSubscribed && this.needsRead;
  }

  /** A read starts. */
  override beginRead(): number | undefined {
    this.#after = super.beginRead();
    return this.#after;
  }

  /** A read has a result. */
  readDone(page: unknown): void {
    const fault = pageFault(page, this.#after);
    if (fault !== undefined) {
      this.#context.invalid(`the page of the topic "${this.name}": ${fault}`);
      this.giveUp();
      return;
    }
    const { last, complete, messages } = page as HistoryPage;
    if (this.#after === undefined) {
      this.read({ last, complete: true, messages: [] });
      return;
    }
    const parsed: M[] = [];
    let end = last;
    for (const { number, message } of messages) {
      const one = this.#parse(message, number);
      if (one !== undefined) parsed.push(one);
      end = number;
    }
    // Invalid messages are skipped, even if the page has no others.
    if (parsed.length === 0) this.read({ last: end, complete, messages: parsed });
    else this.read({ last, complete, messages: parsed });
  }

  /** A read failed. */
  readFailed(error: unknown): void {
    this.#context.requestFailed(error);
    this.giveUp();
  }

  // The decisions of the topic.

  /** Delivers a message to all current subscribers. */
  protected deliver(message: M): void {
    this.#context.deliver(this.name, message, this.#isPending);
  }

  /** Delivers a message to a pending subscriber. */
  protected deliverTo(receiver: R, message: M): void {
    this.#context.deliverTo(receiver, message);
  }

  /** A subscriber will get all messages after the number. */
  protected subscribed(receiver: R, number: number | undefined): void {
    this.#context.owner.subscribed(receiver, this.name, number);
  }

  /** A subscriber has missed messages. */
  protected missed(receiver: R): void {
    this.#context.owner.missed(receiver, this.name);
  }

  /** All current subscribers have missed messages. */
  protected missedByAll(): void {
    this.#context.owner.missedByAll(this.name, this.#isPending);
  }

  /** Whether a subscriber can receive more of a replay. */
  protected isReady(receiver: R): boolean {
    return this.#context.isReady(receiver);
  }

  /** Requests a read of the history. */
  wantRead(): void {
    if (this.#isSubscribed) this.#context.reader.want(this);
    else if (this.#hasFailed) this.subscribe();
  }

  /** The position is known. */
  protected started(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    for (const callback of waiting ?? []) callback();
  }

  /** The limit of bytes received during a read was exceeded. */
  protected overflowed(): void {
    this.#context.reader.forget(this);
    this.#context.overflowed(
      `more than ${this.#context.limits.maxReceivedBytes} bytes of the topic "${this.name}" ` +
        `arrived during one read`,
    );
    this.giveUp();
  }

  /** The numbers have decreased. */
  protected rewound(): void {
    this.#context.invalid(`the sequence numbers of the topic "${this.name}" have decreased`);
  }

  #parse(bytes: unknown, number: number): M | undefined {
    const envelope = bytes instanceof Uint8Array ? readEnvelope(bytes) : undefined;
    if (envelope !== undefined) return this.#context.createMessage(this.name, envelope, number);
    this.#context.invalid(`a message of the topic "${this.name}" was not sent by a server`);
    return undefined;
  }

  #subscribed(): void {
    timers.cancel(this.#timer);
    this.#isSubscribed = true;
    this.#hasFailed = false;
    this.#context.subscriptions.made(this.name);
    if (this.needsRead) this.#context.reader.want(this);
  }

  #subscribeFailed(error: unknown): void {
    timers.cancel(this.#timer);
    this.#hasFailed = true;
    this.#context.subscriptions.failed(this.name, error);
    this.giveUp();
    // After a later attempt succeeds, subscribers receive the messages they missed.
    this.restart();
  }

  #stop(): void {
    this.#attempt++;
    this.#isSubscribed = false;
    timers.cancel(this.#timer);
  }
}
