// The topics of one server: delivers published messages to subscribers, and applies `onSlow` to
// slow ones.

import type { Envelope } from "../backplane/envelope.ts";
import type { Relay } from "../backplane/relay.ts";
import type { RelayOwner } from "../backplane/topic_history.ts";
import type {
  ConnectionDriver,
  ConnectionTopics,
  MessageData,
} from "../connection/connection_driver.ts";
import type { OnSlow, PublishOptions, PublishResult } from "../connection/arguments.ts";
import { MemoryGovernor } from "../message/memory_governor.ts";
import { PreparedMessage } from "../message/prepared_message.ts";
import { toBytes } from "../shared/bytes.ts";
import { show } from "../shared/check.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";
import { Opcode } from "../wire/opcode.ts";
import { ConflationQueue } from "./conflation_queue.ts";
import { TopicRegistry } from "./registry.ts";
import { RelayedMessage, TopicMessage } from "./topic_message.ts";

/** The frames shared by connections, counted for the whole process. */
const { frames } = MemoryGovernor.ofProcess;

/**
 * The topics of one server.
 *
 * No user code runs while a message is delivered, even if receivers are cut, because transports
 * report nothing synchronously. So if a handler publishes in response to a message, all receivers
 * get the original message first.
 */
export class Topics implements ConnectionTopics, RelayOwner<ConnectionDriver, RelayedMessage> {
  readonly #registry: TopicRegistry<ConnectionDriver> = new TopicRegistry();
  readonly #conflated: Map<ConnectionDriver, ConflationQueue<PreparedMessage>> = new Map();
  /** Connections that close once earlier published messages have returned. */
  readonly #closing: Map<ConnectionDriver, Closing> = new Map();
  readonly #reportError: (error: unknown) => void;
  #relay: Relay<ConnectionDriver, RelayedMessage> | undefined;

  /** @param reportError Passes an error to `onError`. */
  constructor(reportError: (error: unknown) => void = () => {}) {
    this.#reportError = reportError;
  }

  /**
   * Connects the topics to a broker.
   *
   * @param relayTo Creates the relay to the broker.
   */
  join(relayTo: (owner: this) => Relay<ConnectionDriver, RelayedMessage>): void {
    this.#relay = relayTo(this);
    this.#relay.start();
  }

  /**
   * The server shuts down. Resolves when all published messages were sent to the broker, or none
   * was for `timeout` milliseconds. Never rejects.
   */
  async close(timeout: number): Promise<void> {
    await this.#relay?.close(timeout);
  }

  /** The number of subscribers of a topic. */
  count(topic: string): number {
    return this.#registry.count(topic);
  }

  // Requests of connections.

  /**
   * Subscribes; returns `false` if the connection is closing or closed.
   *
   * @param after The number of its last message, to receive later ones.
   */
  subscribe(receiver: ConnectionDriver, topic: string, after?: number): boolean {
    if (receiver.state !== "open") return false;
    const isNew = this.#registry.subscribe(receiver, topic);
    const relay = this.#relay;
    if (relay !== undefined && relay.hasHistory) {
      relay.subscribe(this.#registry.keptName(topic), receiver, after, isNew);
      return true;
    }
    // Before the relay subscribes, because a backplane may deliver messages synchronously.
    receiver.topicListener?.subscribed(topic, undefined);
    if (after !== undefined) receiver.topicListener?.missed(topic);
    const isFirst = isNew && this.#registry.count(topic) === 1;
    if (isFirst) relay?.subscribe(this.#registry.keptName(topic), receiver, after, isNew);
    return true;
  }

  /** Unsubscribes; returns whether the connection was subscribed. */
  unsubscribe(receiver: ConnectionDriver, topic: string): boolean {
    const subscribed = this.#registry.unsubscribe(receiver, topic);
    if (subscribed) this.#left(receiver, topic);
    return subscribed;
  }

  /** The topics of a connection. */
  namesOf(receiver: ConnectionDriver): string[] {
    return this.#registry.namesOf(receiver);
  }

  /** The number of topics of a connection. */
  countOf(receiver: ConnectionDriver): number {
    return this.#registry.countOf(receiver);
  }

  /** Whether a connection is subscribed to a topic. */
  isSubscribed(receiver: ConnectionDriver, topic: string): boolean {
    return this.#registry.has(receiver, topic);
  }

  /**
   * Publishes a message.
   *
   * @param options The options, checked.
   * @param except The receiver that must not get it.
   * @throws {TypeError} When the data has a type that cannot be sent.
   */
  publish(
    topic: string,
    data: MessageData | PreparedMessage,
    options: PublishOptions,
    except: ConnectionDriver | undefined,
  ): PublishResult {
    // In `publish("hello")` the topic is missing, not the message.
    if (data === undefined) {
      throw new TypeError(`Cannot publish(topic, data): no data was given for ${show(topic)}`);
    }
    const content = typeof data === "string" || data instanceof PreparedMessage
      ? data
      : toBytes(data, "Cannot publish(topic, data)");
    const message = new TopicMessage(topic, content, options, except);
    const relay = this.#relay;
    // With a history the message is delivered when the broker returns it with its number.
    const result = relay?.hasHistory ? this.#expected(message) : this.#deliver(message);
    if (relay !== undefined) {
      const { onSlow = "queue", key = "" } = options;
      const { opcode, payload } = message.plain;
      const published = { isText: opcode === Opcode.Text, onSlow, key, payload };
      relay.publish(topic, published, except?.state === "open" ? except : undefined);
    }
    return result;
  }

  /**
   * Sends conflated messages to a connection that has caught up, until it is slow again, and continues
   * its replays.
   *
   * @returns Whether there were conflated messages.
   */
  release(receiver: ConnectionDriver): boolean {
    this.#relay?.resumeReplays(receiver);
    const queue = this.#conflated.get(receiver);
    if (queue === undefined) return false;
    queue.release((message) => {
      const goesOn = receiver.sendPrepared(message);
      frames.release(message.frame);
      return goesOn;
    });
    if (queue.length === 0) this.#conflated.delete(receiver);
    return true;
  }

  /**
   * Whether a message published before the close of a connection has not yet returned from the
   * history.
   *
   * @param proceed Called when it has returned or timed out.
   */
  delaysClose(receiver: ConnectionDriver, proceed: () => void): boolean {
    const known = this.#closing.get(receiver);
    if (known === undefined) {
      const awaited = this.#awaitedBy(receiver);
      if (awaited === undefined) return false;
      this.#closing.set(receiver, new Closing(awaited, proceed));
      return true;
    }
    if (!known.isLate && !this.#hasSettled(known)) return true;
    known.cancel();
    this.#closing.delete(receiver);
    return false;
  }

  /** A connection's share of the memory of messages waiting for it to catch up. */
  weightOf(receiver: ConnectionDriver): number {
    let sum = 0;
    for (const { frame } of this.#conflated.get(receiver)?.messages() ?? []) {
      sum += frames.shareOf(frame);
    }
    return sum;
  }

  /** Discards the messages waiting for a connection to catch up. */
  discard(receiver: ConnectionDriver): void {
    for (const { frame } of this.#conflated.get(receiver)?.messages() ?? []) frames.release(frame);
    this.#conflated.delete(receiver);
  }

  /** A connection has ended: removes its subscriptions. */
  withdraw(receiver: ConnectionDriver): void {
    this.discard(receiver);
    this.#closing.get(receiver)?.cancel();
    this.#closing.delete(receiver);
    this.#registry.withdraw(receiver);
    if (this.#relay === undefined) return;
    this.#relay.forget(receiver);
    for (const topic of this.#registry.namesOf(receiver)) this.#left(receiver, topic);
  }

  /** The `close` handler of a connection has run: forgets the names of its topics. */
  forget(receiver: ConnectionDriver): void {
    this.#registry.forget(receiver);
  }

  // The port of the relay.

  /** The topics with subscribers. */
  names(): Iterable<string> {
    return this.#registry.names();
  }

  /**
   * Whether a receiver is open with room in its buffer; if not, `release` is called when it has
   * room.
   */
  hasRoom(receiver: ConnectionDriver): boolean {
    if (receiver.state !== "open") return false;
    if (!receiver.slow) return true;
    receiver.awaitDrain(0);
    return false;
  }

  /** Creates a message that arrived. */
  createMessage(
    topic: string,
    envelope: Envelope,
    number: number,
    except: ConnectionDriver | undefined,
  ): RelayedMessage {
    return new RelayedMessage(topic, envelope, number, except);
  }

  /** Delivers a message that arrived. */
  deliver(message: RelayedMessage, isPending?: (receiver: ConnectionDriver) => boolean): void {
    this.#deliver(message, isPending);
  }

  /** Delivers a message to one receiver. */
  deliverTo(receiver: ConnectionDriver, message: RelayedMessage): void {
    const { options: { onSlow = "queue" }, except } = message;
    if (receiver.state !== "open") return;
    if (receiver === except) this.#skip(receiver, message);
    else this.#offer(receiver, message, onSlow, conflationKey(message), noResult());
  }

  /** A receiver will get all messages after the number. */
  subscribed(receiver: ConnectionDriver, topic: string, number: number | undefined): void {
    receiver.topicListener?.subscribed(topic, number);
  }

  /** A receiver has missed messages. */
  missed(receiver: ConnectionDriver, topic: string): void {
    receiver.topicListener?.missed(topic);
  }

  /** All subscribers except the pending ones have missed messages. */
  missedByAll(topic: string, isPending: (receiver: ConnectionDriver) => boolean): void {
    for (const receiver of this.#registry.subscribers(topic)) {
      if (!isPending(receiver)) receiver.topicListener?.missed(topic);
    }
  }

  /** All messages this server published to a topic have returned or failed. */
  settled(topic: string): void {
    if (this.#closing.size === 0) return;
    for (const closing of [...this.#closing.values()]) {
      if (closing.awaited.has(topic) && this.#hasSettled(closing)) closing.proceed();
    }
  }

  /** Adds a change in the bytes of messages received during reads of the history. */
  holding(difference: number): void {
    MemoryGovernor.ofProcess.countReplays(difference);
  }

  /** Passes an error to `onError`. */
  reportError(error: unknown): void {
    this.#reportError(error);
  }

  // Delivery.

  #left(receiver: ConnectionDriver, topic: string): void {
    this.#relay?.unsubscribe(topic, receiver, this.#registry.count(topic) === 0);
  }

  /** The result of a publish whose message is delivered later, from the history. */
  #expected({ topic, except }: TopicMessage): PublishResult {
    const result = noResult();
    for (const receiver of this.#registry.subscribers(topic)) {
      if (receiver.state === "open" && receiver !== except) result.waiting++;
    }
    return result;
  }

  #deliver(
    message: TopicMessage,
    isPending?: (receiver: ConnectionDriver) => boolean,
  ): PublishResult {
    const result = noResult();
    const { topic, except, options: { onSlow = "queue" } } = message;
    const place = conflationKey(message);
    for (const receiver of this.#registry.subscribers(topic)) {
      if (isPending?.(receiver)) continue;
      if (receiver.state !== "open") this.#offerClosing(receiver, message);
      else if (receiver === except) this.#skip(receiver, message);
      else this.#offer(receiver, message, onSlow, place, result);
    }
    return result;
  }

  /** Notifies a client with the subprotocol of a number that it will not receive. */
  #skip(receiver: ConnectionDriver, { topic, number }: TopicMessage): void {
    if (number > 0) receiver.topicListener?.passed(topic, number);
  }

  /** Queues a message for a closing connection, which closes after sending it. */
  #offerClosing(receiver: ConnectionDriver, message: TopicMessage): void {
    if (receiver === message.except || !this.#closing.has(receiver)) return;
    const form = receiver.topicListener === undefined ? message.plain : message.withLine;
    let queue = this.#conflated.get(receiver);
    if (queue === undefined) this.#conflated.set(receiver, queue = new ConflationQueue());
    // A key that no conflated message has.
    keep(queue, `number ${message.number} ${message.topic}`, form, 0);
  }

  /** The messages published here that have not returned for a receiver, as counts by topic. */
  #awaitedBy(receiver: ConnectionDriver): Map<string, number> | undefined {
    const relay = this.#relay;
    if (relay === undefined || !relay.hasHistory) return undefined;
    const counts = new Map<string, number>();
    for (const topic of this.#registry.namesOf(receiver)) {
      const count = relay.awaited(topic);
      if (count !== undefined) counts.set(topic, count);
    }
    return counts.size === 0 ? undefined : counts;
  }

  #hasSettled({ awaited }: Closing): boolean {
    return [...awaited].every(([topic, count]) => this.#relay!.hasSettled(topic, count));
  }

  /** Sends a message to a receiver, or applies `onSlow`. */
  #offer(
    receiver: ConnectionDriver,
    message: TopicMessage,
    onSlow: OnSlow,
    place: string,
    result: PublishResult,
  ): void {
    const { topicListener } = receiver;
    const form = topicListener === undefined ? message.plain : message.withLine;
    if (onSlow === "queue" || !this.#isSlow(receiver, onSlow)) {
      if (receiver.sendPrepared(form) || receiver.state === "open") result.sent++;
      else result.closed++;
    } else if (onSlow === "drop") {
      result.dropped++;
    } else if (onSlow === "close") {
      receiver.cutSlow();
      result.closed++;
    } else {
      this.#conflate(receiver, form, place, result);
    }
  }

  #conflate(
    receiver: ConnectionDriver,
    message: PreparedMessage,
    place: string,
    result: PublishResult,
  ): void {
    let queue = this.#conflated.get(receiver);
    if (queue === undefined) this.#conflated.set(receiver, queue = new ConflationQueue());
    const replaced = keep(queue, place, message, message.frame.length);
    if (!receiver.awaitDrain(queue.size, message.frame.length)) {
      this.discard(receiver);
      result.closed++;
      return;
    }
    result.waiting++;
    if (replaced) result.replaced++;
  }

  #isSlow(receiver: ConnectionDriver, onSlow: OnSlow): boolean {
    // A newer message must not overtake a conflated one, even if there is room.
    return receiver.slow || (onSlow === "conflate" && this.#conflated.has(receiver));
  }
}

/** Milliseconds that a closing connection waits for earlier published messages. */
const CLOSE_DELAY = 1000;

/** A connection that closes once earlier published messages have returned. */
class Closing implements TimerTarget {
  /** The counts of the messages that it waits for, by topics. */
  readonly awaited: ReadonlyMap<string, number>;
  readonly proceed: () => void;
  readonly #timer: Timer;
  /** Whether it has waited too long. */
  isLate = false;

  /**
   * @param awaited The counts of the messages that it waits for, by topics.
   * @param proceed Closes it.
   */
  constructor(awaited: ReadonlyMap<string, number>, proceed: () => void) {
    this.awaited = awaited;
    this.proceed = proceed;
    this.#timer = timers.start(CLOSE_DELAY, this, 0);
  }

  /** Stops waiting. */
  cancel(): void {
    timers.cancel(this.#timer);
  }

  timerFired(): void {
    this.isLate = true;
    this.proceed();
  }
}

/** Queues a message; returns whether it replaced another one. */
function keep(
  queue: ConflationQueue<PreparedMessage>,
  place: string,
  message: PreparedMessage,
  size: number,
): boolean {
  const before = queue.get(place);
  // The frame may be shared with other connections.
  frames.hold(message.frame);
  if (before !== undefined) frames.release(before.frame);
  return queue.put(place, message, size);
}

function noResult(): PublishResult {
  return { sent: 0, waiting: 0, replaced: 0, dropped: 0, closed: 0 };
}

/** The key in the conflation queue. */
function conflationKey({ topic, options: { onSlow, key = "" } }: TopicMessage): string {
  // The length of the topic separates it from the key.
  return onSlow === "conflate" ? `${topic.length} ${topic}${key}` : "";
}
