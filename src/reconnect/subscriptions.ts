// The subscribed topics of a client across its connections: sends requests and delivers messages.
// Each numbered message is delivered once, in order.

import { WebSocketError } from "../errors.ts";
import {
  asNotice,
  lineEnd,
  readLine,
  type TopicNotice,
  type TopicRequest,
} from "../pubsub/protocol.ts";
import type { MessageOpcode } from "../wire/opcode.ts";
import { checkNames, show } from "../shared/check.ts";
import type { AnyMessage, Message } from "../connection/connection_driver.ts";

/**
 * Details of a message of a topic.
 *
 * @category Pub/sub
 */
export interface TopicMessageInfo {
  /** Its number, if the server has a history. Numbers increase, not always by one. */
  readonly number: number | undefined;
  /** Text or binary. */
  readonly opcode: MessageOpcode;
}

/**
 * The handlers of a subscribed topic. They are called like other handlers.
 *
 * @category Pub/sub
 */
export interface TopicHandlers {
  /** A message arrived. */
  message(data: Message, about: TopicMessageInfo): unknown;
  /** Missed messages are not available from the server: reload the state of the topic. */
  missed?: (() => unknown) | undefined;
  /** The server rejects or ends the subscription; the client is no longer subscribed. */
  refused?: ((reason: string) => unknown) | undefined;
}

/** The connection of {@linkcode Subscriptions}. */
export interface SubscriptionsOwner {
  /** Sends a request on the current connection. */
  request(request: TopicRequest): void;
  /** A message without a topic arrived. */
  deliver(data: AnyMessage, opcode: MessageOpcode): unknown;
  /** A message arrived for a topic that is not subscribed. */
  deliverOther(topic: string, data: AnyMessage, about: TopicMessageInfo): unknown;
  /** Calls a handler, now or after a pause; returns its result if called now. */
  call(handler: () => unknown): unknown;
  /** The server broke the rules of the subprotocol. */
  malformed(reason: string): void;
}

interface Subscription {
  readonly handlers: TopicHandlers;
  /** The number of the last message received without a gap. */
  last: number | undefined;
  /** Whether the server has confirmed it on the current connection. */
  isConfirmed: boolean;
  /** Whether it was confirmed on an earlier connection, so that messages may be missing. */
  hasGap: boolean;
  /** The promise of the first confirmation. */
  waiter: Waiter | undefined;
}

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

const TOPIC_HANDLERS = ["message", "missed", "refused"] as const;

const UNCONFIRMED = { isConfirmed: false, hasGap: false };

/** The topics of one client. */
export class Subscriptions {
  readonly #owner: SubscriptionsOwner;
  readonly #topics: Map<string, Subscription> = new Map();
  #connected = false;
  #ended = false;

  /** @param owner The connection. */
  constructor(owner: SubscriptionsOwner) {
    this.#owner = owner;
  }

  /** The subscribed topics, in subscription order. */
  get names(): string[] {
    return [...this.#topics.keys()];
  }

  /**
   * Subscribes to a topic.
   *
   * @throws {TypeError} When a handler is invalid, or the topic is already subscribed.
   */
  subscribe(topic: string, handlers: TopicHandlers): Promise<void> {
    checkTopicHandlers(handlers);
    if (this.#topics.has(topic)) {
      throw new TypeError(`Cannot subscribe: already subscribed to ${show(topic)}`);
    }
    const confirmed = new Promise<void>((resolve, reject) => {
      const waiter = { resolve, reject };
      if (this.#ended) {
        reject(
          new WebSocketError(
            "NOT_OPEN",
            `Cannot subscribe to ${show(topic)}: the connection is closed`,
          ),
        );
      } else this.#topics.set(topic, { ...UNCONFIRMED, handlers, last: undefined, waiter });
    });
    // If the caller does not await it, the handler reports a rejection.
    confirmed.catch(() => {});
    if (this.#connected) this.#owner.request({ subscribe: topic });
    return confirmed;
  }

  /** Unsubscribes from a topic; returns whether it was subscribed. */
  unsubscribe(topic: string): boolean {
    const subscription = this.#topics.get(topic);
    if (subscription === undefined) return false;
    this.#topics.delete(topic);
    subscription.waiter?.reject(
      new WebSocketError(
        "NOT_OPEN",
        `${show(topic)} was unsubscribed before the server confirmed it`,
      ),
    );
    if (this.#connected) this.#owner.request({ unsubscribe: topic });
    return true;
  }

  /** Connected: requests all subscribed topics. */
  connected(): void {
    this.#connected = true;
    for (const [subscribe, { last }] of [...this.#topics]) {
      if (!this.#connected) return;
      this.#owner.request(last === undefined ? { subscribe } : { subscribe, after: last });
    }
  }

  /** The connection is lost. */
  disconnected(): void {
    this.#connected = false;
    for (const subscription of this.#topics.values()) {
      subscription.hasGap ||= subscription.isConfirmed;
      subscription.isConfirmed = false;
    }
  }

  /** The connection has ended permanently. */
  end(): void {
    this.#connected = false;
    this.#ended = true;
    for (const [topic, { waiter }] of this.#topics) {
      waiter?.reject(
        new WebSocketError(
          "NOT_OPEN",
          `The connection closed before the server confirmed ${show(topic)}`,
        ),
      );
    }
    this.#topics.clear();
  }

  /** A message arrived; returns the result of the handler. */
  receive(message: AnyMessage, opcode: MessageOpcode): unknown {
    const data = message instanceof ArrayBuffer ? new Uint8Array(message) : message;
    const end = lineEnd(data);
    const line = end === 0 ? null : readLine(data, end);
    if (line === undefined) return this.#owner.deliver(rest(message, end), opcode);
    const notice = line === null ? undefined : asNotice(line);
    if (notice === undefined) {
      this.#owner.malformed("A message has no line, or an unknown one");
      return undefined;
    }
    if ("topic" in notice) {
      return this.#message(notice.topic, rest(message, end), { number: notice.number, opcode });
    }
    if (data.length > end) {
      this.#owner.malformed("A notice about a topic has data after its line");
      return undefined;
    }
    return this.#handle(notice);
  }

  #message(topic: string, data: AnyMessage, about: TopicMessageInfo): unknown {
    const subscription = this.#topics.get(topic);
    if (subscription === undefined) return this.#owner.deliverOther(topic, data, about);
    const { number } = about;
    if (number !== undefined) {
      if (subscription.last !== undefined && number <= subscription.last) return undefined;
      subscription.last = number;
    }
    const { handlers } = subscription;
    return this.#owner.call(() => handlers.message(data as Message, about));
  }

  #handle(notice: Exclude<TopicNotice, { readonly topic: string }>): unknown {
    if ("subscribed" in notice) return this.#confirmed(notice.subscribed, notice.number);
    if ("refused" in notice) return this.#refused(notice.refused, notice.reason);
    // Any message proves that the server is alive.
    if ("pong" in notice) return undefined;
    if ("missed" in notice) return this.#missed(this.#topics.get(notice.missed));
    const subscription = this.#topics.get(notice.passed);
    if (subscription !== undefined && notice.number > (subscription.last ?? -1)) {
      subscription.last = notice.number;
    }
    return undefined;
  }

  #confirmed(topic: string, number: number | undefined): unknown {
    const subscription = this.#topics.get(topic);
    if (subscription === undefined) return undefined;
    // Numbers may decrease after a data loss of the broker; the server then also sends "missed".
    if (number !== undefined) subscription.last = number;
    subscription.isConfirmed = true;
    subscription.waiter?.resolve();
    subscription.waiter = undefined;
    // Without a number there is no history, and messages published meanwhile are lost.
    const lacksSome = subscription.hasGap && number === undefined;
    subscription.hasGap = false;
    return lacksSome ? this.#missed(subscription) : undefined;
  }

  #missed(subscription: Subscription | undefined): unknown {
    return this.#owner.call(() => subscription?.handlers.missed?.());
  }

  #refused(topic: string, reason: string): unknown {
    const subscription = this.#topics.get(topic);
    if (subscription === undefined) return undefined;
    this.#topics.delete(topic);
    subscription.waiter?.reject(
      new WebSocketError(
        "TOPIC_REFUSED",
        `The server rejects the subscription to ${show(topic)}: ${reason}`,
      ),
    );
    return this.#owner.call(() => subscription.handlers.refused?.(reason));
  }
}

function rest(data: AnyMessage, end: number): AnyMessage {
  return data instanceof Uint8Array ? data.subarray(end) : data.slice(end);
}

function checkTopicHandlers(handlers: TopicHandlers): void {
  checkNames("The handlers of a topic", handlers, TOPIC_HANDLERS);
  for (const name of TOPIC_HANDLERS) {
    const handler: unknown = handlers[name];
    if (typeof handler === "function" || handler === undefined && name !== "message") continue;
    throw new TypeError(`The topic handler "${name}" must be a function, got ${show(handler)}`);
  }
}
