// What comes from a client that listens to topics by itself: its requests are answered here, and its
// messages go on without their line.

import { InvalidPayloadError, MessageTooBigError, type WebSocketError } from "../errors.ts";
import { encodeLongText } from "../message/utf8.ts";
import {
  asRequest,
  LINE_FEED,
  lineEnd,
  readLine,
  type TopicRequest,
} from "../pubsub/topic_protocol.ts";
import type { SessionEvents } from "../session/session.ts";
import type { MessageOpcode } from "../wire/opcode.ts";
import { show } from "../shared/check.ts";
import type { ClientTopicsRules } from "./client_topics.ts";
import type { LayeredDriver } from "../connection/driver.ts";
import type { ConnectionTopics } from "../connection/connection_driver.ts";
import { isPromiseLike } from "../shared/promise_like.ts";
import { checkTopic } from "../connection/publish_options.ts";

/** A request about which `allow` has yet to decide. */
interface Wish {
  /** The number of the last message that the client knows. */
  readonly after: number | undefined;
}

/** The requests of one client, and its messages. */
export class TopicRequests<T> implements SessionEvents {
  readonly #owner: LayeredDriver<T>;
  readonly #topics: ConnectionTopics;
  readonly #events: SessionEvents;
  readonly #rules: ClientTopicsRules<T>;
  /**
   * Topics about which `allow` has yet to decide, if there are any. One that the client wants no more
   * stays until then, so that a client cannot have more questions asked than it may have topics.
   */
  #undecided: Map<string, Wish | undefined> | undefined;

  /**
   * @param owner The connection.
   * @param topics The topics of its server.
   * @param events Where messages go.
   * @param rules The option.
   */
  constructor(
    owner: LayeredDriver<T>,
    topics: ConnectionTopics,
    events: SessionEvents,
    rules: ClientTopicsRules<T>,
  ) {
    this.#owner = owner;
    this.#topics = topics;
    this.#events = events;
    this.#rules = rules;
  }

  /** A text message came. */
  onText(text: string): void {
    if (text.charCodeAt(0) !== LINE_FEED) this.#request(text);
    else if (this.#fits(text)) this.#events.onText(text.slice(1));
  }

  /** Another message came. */
  onBytes(opcode: MessageOpcode, bytes: Uint8Array, start: number, end: number): void {
    if (start === end || bytes[start] !== LINE_FEED) this.#request(bytes.subarray(start, end));
    else if (this.#hasRoom(end - start - 1)) this.#events.onBytes(opcode, bytes, start + 1, end);
  }

  /** A ping came. */
  onPing(payload: Uint8Array): void {
    this.#events.onPing(payload);
  }

  /** A pong came. */
  onPong(payload: Uint8Array): void {
    this.#events.onPong(payload);
  }

  /** Whether a text with its line is within `maxMessageSize` without it. */
  #fits(text: string): boolean {
    const { maxMessageSize } = this.#rules;
    // With the line, the session has checked it unless this is less than a line may have.
    if (maxMessageSize >= this.#rules.connection.maxMessageSize - 1) return true;
    return this.#hasRoom(encodeLongText(text).length - 1);
  }

  #hasRoom(size: number): boolean {
    const { maxMessageSize } = this.#rules;
    if (size <= maxMessageSize) return true;
    this.#fail(
      new MessageTooBigError(
        `A message exceeds maxMessageSize: ${size} bytes where ${maxMessageSize} are allowed`,
      ),
    );
    return false;
  }

  #request(message: string | Uint8Array): void {
    const end = lineEnd(message);
    const line = readLine(message, end);
    const request = line ? asRequest(line) : undefined;
    if (request === undefined) {
      this.#fail(invalid("A message has no line in front, or one that is no request"));
    } else if (message.length > end) {
      this.#fail(invalid("A request has something behind its line"));
    } else if ("ping" in request) {
      this.#owner.topicListener?.pong(request.ping);
    } else if (!isTopic(topicOf(request))) {
      this.#fail(invalid("A request names what cannot be a topic"));
    } else if ("subscribe" in request) {
      this.#subscribe(request.subscribe, request.after);
    } else {
      this.#unsubscribe(request.unsubscribe);
    }
  }

  #subscribe(topic: string, after: number | undefined): void {
    const { max } = this.#rules;
    if (this.#undecided?.has(topic)) {
      this.#undecided.set(topic, { after });
    } else if (this.#topics.isSubscribed(this.#owner, topic)) {
      this.#topics.subscribe(this.#owner, topic, after);
    } else if (this.#topics.countOf(this.#owner) + (this.#undecided?.size ?? 0) >= max) {
      this.#refuse(topic, `a connection may have at most ${max} topics`);
    } else {
      this.#ask(topic, after);
    }
  }

  #unsubscribe(topic: string): void {
    if (this.#undecided?.has(topic)) this.#undecided.set(topic, undefined);
    this.#topics.unsubscribe(this.#owner, topic);
  }

  #ask(topic: string, after: number | undefined): void {
    let decision: unknown;
    try {
      decision = this.#rules.options.allow(this.#owner.connection, topic);
    } catch (error) {
      this.#failed(topic, { after }, error);
      return;
    }
    if (!isPromiseLike(decision)) {
      this.#settle(topic, { after }, decision);
      return;
    }
    this.#undecided ??= new Map();
    this.#undecided.set(topic, { after });
    Promise.resolve(decision).then(
      (decision) => this.#settle(topic, this.#take(topic), decision),
      (error: unknown) => this.#failed(topic, this.#take(topic), error),
    );
  }

  /** What the client wants of a topic about which there is a decision now. */
  #take(topic: string): Wish | undefined {
    const wish = this.#undecided?.get(topic);
    this.#undecided?.delete(topic);
    if (this.#undecided?.size === 0) this.#undecided = undefined;
    return wish;
  }

  #settle(topic: string, wish: Wish | undefined, decision: unknown): void {
    if (typeof decision !== "boolean") {
      const got = show(decision);
      this.#failed(
        topic,
        wish,
        new TypeError(`clientTopics.allow must give a boolean, got ${got}`),
      );
    } else if (wish !== undefined) {
      if (decision) this.#topics.subscribe(this.#owner, topic, wish.after);
      else this.#refuse(topic, "not allowed");
    }
  }

  #failed(topic: string, wish: Wish | undefined, error: unknown): void {
    if (wish !== undefined) this.#refuse(topic, "the server failed to decide");
    this.#owner.reportError(error);
  }

  #refuse(topic: string, reason: string): void {
    // The server's own code may have subscribed it while `allow` decided.
    if (this.#topics.isSubscribed(this.#owner, topic)) return;
    this.#owner.topicListener?.refused(topic, reason);
  }

  #fail(error: WebSocketError): void {
    this.#owner.fail(error);
  }
}

function topicOf(request: Exclude<TopicRequest, { readonly ping: number }>): string {
  return "subscribe" in request ? request.subscribe : request.unsubscribe;
}

function isTopic(topic: string): boolean {
  try {
    checkTopic(topic);
    return true;
  } catch {
    return false;
  }
}

function invalid(message: string): InvalidPayloadError {
  return new InvalidPayloadError("TOPIC_LINE_INVALID", message);
}
