// The topics of one server: joins the registry of subscriptions to the connections, and decides what
// becomes of those that are slow.

import { PreparedMessage } from "../message/prepared_message.ts";
import { ConflationQueue } from "../pubsub/conflation_queue.ts";
import { TopicRegistry } from "../pubsub/topic_registry.ts";
import { toBytes } from "../shared/bytes.ts";
import { show } from "../shared/check.ts";
import { Publication } from "./publication.ts";
import type {
  ConnectionDriver,
  ConnectionTopics,
  MessageData,
} from "../connection/connection_driver.ts";
import type { HistoryMessage } from "./history_message.ts";
import type { HistoryRelay } from "./history_relay.ts";
import type { Relay } from "./relay.ts";
import type { OnSlow, PublishOptions, PublishResult } from "../connection/publish_options.ts";
import type { Joinable } from "./topic_follower.ts";

/**
 * The topics of one server.
 *
 * No code of the user's runs while a message is handed to its receivers, even where some are cut:
 * what a transport has to tell never comes from inside a call. So what a handler publishes follows the
 * message that it reacts to at every receiver.
 */
export class Topics implements ConnectionTopics {
  readonly #registry: TopicRegistry<ConnectionDriver> = new TopicRegistry();
  readonly #waiting: Map<ConnectionDriver, ConflationQueue<PreparedMessage>> = new Map();
  /** The way to the servers of other processes, if there is one. */
  #relay: Relay | undefined;
  /** The way to a history, and back from there, if there is one. */
  #history: HistoryRelay | undefined;

  /** From here on others hear of what is published here, and the other way round. */
  join(relay: Relay): void {
    this.#relay = relay;
  }

  /** From here on all that is published goes into a history, and comes from there. */
  resume(history: HistoryRelay): void {
    this.#history = history;
  }

  /** The topics that somebody listens to. */
  names(): Iterable<string> {
    return this.#registry.names();
  }

  /** How many connections listen to a topic. */
  count(topic: string): number {
    return this.#registry.count(topic);
  }

  /**
   * Subscribes; returns `false` when the connection is no longer open.
   *
   * @param after The number of the last message that it knows, where it wants what came since.
   */
  subscribe(receiver: ConnectionDriver, topic: string, after?: number): boolean {
    if (receiver.state !== "open") return false;
    const isNew = this.#registry.subscribe(receiver, topic);
    if (this.#history !== undefined) {
      this.#history.join(receiver, this.#registry.keptName(topic), after, isNew);
      return true;
    }
    // First, because an engine may deliver while it is asked.
    receiver.topicListener?.subscribed(topic, undefined);
    if (after !== undefined) receiver.topicListener?.missed(topic);
    if (isNew && this.#registry.count(topic) === 1) this.#relay?.subscribe(topic);
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

  /** How many topics a connection has. */
  countOf(receiver: ConnectionDriver): number {
    return this.#registry.countOf(receiver);
  }

  /** Whether a connection listens to a topic. */
  isSubscribed(receiver: ConnectionDriver, topic: string): boolean {
    return this.#registry.has(receiver, topic);
  }

  /**
   * Sends a message to the subscribers of a topic.
   *
   * @param options How, checked.
   * @param except Who does not get it.
   * @throws {TypeError} When the data is of a type that cannot be sent.
   */
  publish(
    topic: string,
    data: MessageData | PreparedMessage,
    options: PublishOptions,
    except: ConnectionDriver | undefined,
  ): PublishResult {
    // Of `publish("hello")` the topic is there and the message is not.
    if (data === undefined) {
      throw new TypeError(`Cannot publish(topic, data): no data was given for ${show(topic)}`);
    }
    const content = typeof data === "string" || data instanceof PreparedMessage
      ? data
      : toBytes(data, "Cannot publish(topic, data)");
    if (this.#history !== undefined) {
      const publication = new Publication(topic, content);
      this.#history.publish(topic, publication.plain, options, except);
      return this.#promise(topic, except);
    }
    if (this.#relay === undefined) {
      return this.#deliver(new Publication(topic, content), options, except);
    }
    const publication = new Publication(topic, content);
    const result = this.#deliver(publication, options, except);
    this.#relay.publish(topic, publication.plain, options);
    return result;
  }

  /** Hands on what was published elsewhere. */
  deliver(topic: string, message: PreparedMessage, options: PublishOptions): void {
    this.#deliver(new Publication(topic, message), options, undefined);
  }

  /** Hands on what has come from the history. */
  deliverNumbered(message: HistoryMessage, topic: Joinable): void {
    this.#deliver(message, message.options, message.except, topic);
  }

  /** Hands one connection what has come from the history. */
  deliverTo(receiver: ConnectionDriver, message: HistoryMessage): void {
    const { options: { onSlow = "queue", key = "" }, except } = message;
    if (receiver.state !== "open") return;
    if (receiver === except) this.#passOver(receiver, message);
    else this.#offer(receiver, message, onSlow, placeOf(message, onSlow, key), noResult());
  }

  /** Tells those that listen to a topic that they have missed some. */
  missed(name: string, topic: Joinable): void {
    for (const receiver of this.#registry.subscribers(name)) {
      if (!topic.isJoining(receiver)) receiver.topicListener?.missed(name);
    }
  }

  /**
   * Sends what waits for a connection that has caught up, until it is slow again.
   *
   * @returns Whether there was any.
   */
  release(receiver: ConnectionDriver): boolean {
    const queue = this.#waiting.get(receiver);
    if (queue === undefined) return false;
    queue.release((message) => receiver.sendPrepared(message));
    if (queue.length === 0) this.#waiting.delete(receiver);
    return true;
  }

  /** A connection is over: it listens to nothing any more, and nothing waits for it. */
  withdraw(receiver: ConnectionDriver): void {
    this.#waiting.delete(receiver);
    this.#registry.withdraw(receiver);
    this.#history?.forget(receiver);
    if (this.#relay === undefined && this.#history === undefined) return;
    for (const topic of this.#registry.namesOf(receiver)) this.#left(receiver, topic);
  }

  /** The `close` handler of a connection has run: the names of its topics are forgotten, too. */
  forget(receiver: ConnectionDriver): void {
    this.#registry.forget(receiver);
  }

  /** A connection does not listen to a topic any more. */
  #left(receiver: ConnectionDriver, topic: string): void {
    const isLast = this.#registry.count(topic) === 0;
    if (isLast) this.#relay?.unsubscribe(topic);
    this.#history?.leave(receiver, topic, isLast);
  }

  /** What is said of a message that will come back from the history. */
  #promise(topic: string, except: ConnectionDriver | undefined): PublishResult {
    const isLeftOut = except !== undefined && this.#registry.has(except, topic);
    return { ...noResult(), waiting: this.#registry.count(topic) - (isLeftOut ? 1 : 0) };
  }

  /**
   * Hands a message to those who listen here.
   *
   * @param topic What some of them may have yet to join.
   */
  #deliver(
    publication: Publication,
    options: PublishOptions,
    except: ConnectionDriver | undefined,
    topic?: Joinable,
  ): PublishResult {
    const result = noResult();
    const { onSlow = "queue", key = "" } = options;
    const place = placeOf(publication, onSlow, key);
    for (const receiver of this.#registry.subscribers(publication.topic)) {
      if (receiver.state !== "open" || topic?.isJoining(receiver)) continue;
      if (receiver === except) this.#passOver(receiver, publication);
      else this.#offer(receiver, publication, onSlow, place, result);
    }
    return result;
  }

  /** Tells a client that listens by itself which message is not for it. */
  #passOver(receiver: ConnectionDriver, { topic, number }: Publication): void {
    if (number !== undefined) receiver.topicListener?.passed(topic, number);
  }

  /** Hands a message to a receiver, as the policy has it. */
  #offer(
    receiver: ConnectionDriver,
    publication: Publication,
    onSlow: OnSlow,
    place: string,
    result: PublishResult,
  ): void {
    const { topicListener } = receiver;
    const message = topicListener === undefined ? publication.plain : publication.labelled;
    if (onSlow === "queue" || !this.#isBehind(receiver, onSlow)) {
      if (receiver.sendPrepared(message) || receiver.state === "open") result.sent++;
      else result.closed++;
    } else if (onSlow === "drop") {
      result.dropped++;
    } else if (onSlow === "close") {
      receiver.cutSlow();
      result.closed++;
    } else {
      this.#hold(receiver, message, place, result);
    }
  }

  /** Lets a message wait until its receiver has caught up. */
  #hold(
    receiver: ConnectionDriver,
    message: PreparedMessage,
    place: string,
    result: PublishResult,
  ): void {
    let queue = this.#waiting.get(receiver);
    if (queue === undefined) this.#waiting.set(receiver, queue = new ConflationQueue());
    const replaced = queue.put(place, message, message.frame.length);
    if (!receiver.awaitDrain(queue.size, message.frame.length)) {
      this.#waiting.delete(receiver);
      result.closed++;
      return;
    }
    result.waiting++;
    if (replaced) result.replaced++;
  }

  #isBehind(receiver: ConnectionDriver, onSlow: OnSlow): boolean {
    // Nothing newer may overtake what still waits, even if there is room again.
    return receiver.slow || (onSlow === "conflate" && this.#waiting.has(receiver));
  }
}

function noResult(): PublishResult {
  return { sent: 0, waiting: 0, replaced: 0, dropped: 0, closed: 0 };
}

/** What a message replaces, if it has to wait for a receiver. */
function placeOf({ topic }: Publication, onSlow: OnSlow, key: string): string {
  // The length of the topic tells where the key begins.
  return onSlow === "conflate" ? `${topic.length} ${topic}${key}` : "";
}
