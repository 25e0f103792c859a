// The topics of one server: joins the registry of subscriptions to the connections, and decides what
// becomes of those that are slow.

import { PreparedMessage } from "../message/prepared_message.ts";
import { ConflationQueue } from "../pubsub/conflation_queue.ts";
import { TopicRegistry } from "../pubsub/topic_registry.ts";
import { toBytes } from "./bytes.ts";
import type { ConnectionControl, ConnectionTopics } from "./connection_link.ts";
import type { OnSlow, PublishOptions, PublishResult } from "./publish_options.ts";

/**
 * The topics of one server.
 *
 * No code of the user's runs while a message is handed to its receivers: those that have to be cut,
 * which calls their `close` handlers, are cut afterwards. So what a handler publishes follows the
 * message it reacts to at every receiver, and who subscribes in one gets later messages only.
 */
export class Topics implements ConnectionTopics {
  readonly #registry: TopicRegistry<ConnectionControl> = new TopicRegistry();
  readonly #waiting: Map<ConnectionControl, ConflationQueue<PreparedMessage>> = new Map();

  /** How many connections listen to a topic. */
  count(topic: string): number {
    return this.#registry.count(topic);
  }

  /** Subscribes; returns `false` when the connection is no longer open. */
  subscribe(receiver: ConnectionControl, topic: string): boolean {
    if (receiver.state !== "open") return false;
    this.#registry.subscribe(receiver, topic);
    return true;
  }

  /** Unsubscribes; returns whether the connection was subscribed. */
  unsubscribe(receiver: ConnectionControl, topic: string): boolean {
    return this.#registry.unsubscribe(receiver, topic);
  }

  /** The topics of a connection. */
  namesOf(receiver: ConnectionControl): string[] {
    return this.#registry.namesOf(receiver);
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
    data: string | Uint8Array | ArrayBuffer | PreparedMessage,
    options: PublishOptions,
    except: ConnectionControl | undefined,
  ): PublishResult {
    const result = { sent: 0, waiting: 0, replaced: 0, dropped: 0, closed: 0 };
    const { onSlow = "queue", key = "" } = options;
    let content = typeof data === "string" || data instanceof PreparedMessage
      ? data
      : toBytes(data);
    // The length of the topic tells where the key begins.
    const place = onSlow === "conflate" ? `${topic.length} ${topic}${key}` : "";
    let tooSlow: ConnectionControl[] | undefined;
    for (const receiver of this.#registry.subscribers(topic)) {
      if (receiver === except || receiver.state !== "open") continue;
      if (!(content instanceof PreparedMessage)) content = new PreparedMessage(content);
      if (!this.#offer(receiver, content, onSlow, place, result)) (tooSlow ??= []).push(receiver);
    }
    if (tooSlow !== undefined) {
      result.closed = tooSlow.length;
      for (const receiver of tooSlow) {
        receiver.sender.cutSlow(this.#waiting.get(receiver)?.size ?? 0);
      }
    }
    return result;
  }

  /**
   * Sends what waits for a connection that has caught up, until it is slow again.
   *
   * @returns Whether there was any.
   */
  release(receiver: ConnectionControl): boolean {
    const queue = this.#waiting.get(receiver);
    if (queue === undefined) return false;
    queue.release((message) => receiver.sender.sendPrepared(message));
    if (queue.length === 0 || receiver.state !== "open") this.#waiting.delete(receiver);
    return true;
  }

  /** A connection is over: it listens to nothing any more, and nothing waits for it. */
  withdraw(receiver: ConnectionControl): void {
    this.#waiting.delete(receiver);
    this.#registry.withdraw(receiver);
  }

  /** The `close` handler of a connection has run: the names of its topics are forgotten, too. */
  forget(receiver: ConnectionControl): void {
    this.#registry.forget(receiver);
  }

  /** Hands a message to a receiver as the policy has it; returns `false` when that is to be cut. */
  #offer(
    receiver: ConnectionControl,
    message: PreparedMessage,
    onSlow: OnSlow,
    place: string,
    result: PublishResult,
  ): boolean {
    const { sender } = receiver;
    if (onSlow === "queue" || !this.#isBehind(receiver, onSlow)) {
      if (!sender.sendPublished(message)) return false;
      result.sent++;
      return true;
    }
    if (onSlow === "close") return false;
    if (onSlow === "drop") {
      result.dropped++;
      return true;
    }
    const queue = this.#queueOf(receiver);
    const replaced = queue.put(place, message, message.frame.length);
    if (!sender.awaitDrain(queue.size)) return false;
    result.waiting++;
    if (replaced) result.replaced++;
    return true;
  }

  #isBehind(receiver: ConnectionControl, onSlow: OnSlow): boolean {
    // Nothing newer may overtake what still waits, even if there is room again.
    return receiver.sender.slow || (onSlow === "conflate" && this.#waiting.has(receiver));
  }

  #queueOf(receiver: ConnectionControl): ConflationQueue<PreparedMessage> {
    let queue = this.#waiting.get(receiver);
    if (queue === undefined) this.#waiting.set(receiver, queue = new ConflationQueue());
    return queue;
  }
}
