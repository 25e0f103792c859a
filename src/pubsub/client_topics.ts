// Client subscriptions: the option `clientTopics`, the layer for connections with the topics
// subprotocol, and the requests of their clients.

import { InvalidPayloadError, MessageTooBigError } from "../errors.ts";
import type { Connection } from "../connection/connection.ts";
import type { ConnectionTopics, TopicAnswers } from "../connection/connection_driver.ts";
import { type ConnectionRules, MAX_INT32 } from "../connection/connection_options.ts";
import type { DriverLayer, LayeredDriver } from "../connection/driver_context.ts";
import { checkTopic } from "../connection/arguments.ts";
import { encodeLongText } from "../message/utf8.ts";
import type { SessionEvents } from "../session/session.ts";
import { checkInteger, checkNames, show, wrongType } from "../shared/check.ts";
import { isPromiseLike } from "../shared/user_code.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";
import type { MessageOpcode } from "../wire/opcode.ts";
import {
  asRequest,
  bytesWithLine,
  LINE_FEED,
  lineEnd,
  MAX_LINE,
  preparedWithLine,
  readLine,
  textWithLine,
  type TopicNotice,
  type TopicRequest,
  writeLine,
} from "./protocol.ts";

/**
 * Rules for clients that subscribe to topics with the subprotocol `quickws.topics.1`.
 *
 * @example
 * ```ts
 * import { type ClientTopicsOptions, serve } from "@quickws/quickws";
 *
 * const clientTopics: ClientTopicsOptions = { allow: (_, topic) => topic.startsWith("public/") };
 * await using server = await serve({ port: 0, clientTopics });
 *
 * const socket = new WebSocket(server.url, "quickws.topics.1");
 * socket.onopen = () => socket.send('{"subscribe":"public/news"}\n');
 * const { data } = await new Promise<MessageEvent>((resolve) => socket.onmessage = resolve);
 * console.log(data); // {"subscribed":"public/news"}
 * socket.close();
 * ```
 *
 * @category Pub/sub
 */
export interface ClientTopicsOptions<T = undefined> {
  /**
   * Called for each topic a client requests; `false` rejects it. An error also rejects it and is
   * passed to `onError`. Not called for topics the connection is already subscribed to.
   */
  allow(connection: Connection<T>, topic: string): boolean | Promise<boolean>;
  /**
   * The maximum number of topics per connection, including pending calls of `allow`; more are
   * rejected. Default: 100.
   */
  max?: number | undefined;
  /**
   * The maximum subscriptions and resumptions per second and connection, after a burst of twice
   * `max`, at least 100. More are delayed, and count toward `max` meanwhile. 0 disables the limit.
   * Default: 20.
   */
  subscribeRate?: number | undefined;
}

/** The checked option with defaults. */
export interface ClientTopicsRules<T> {
  /** The user's functions. */
  readonly options: ClientTopicsOptions<T>;
  /** See {@linkcode ClientTopicsOptions.max}. */
  readonly max: number;
  /** See {@linkcode ClientTopicsOptions.subscribeRate}. */
  readonly subscribeRate: number;
  /** The maximum size of a message without its line, in bytes. */
  readonly maxMessageSize: number;
  /** The rules for messages with lines. */
  readonly connection: ConnectionRules;
}

/**
 * Checks the option and fills in the defaults.
 *
 * @param connection The rules for connections without the subprotocol.
 * @throws {TypeError | RangeError} When a value has the wrong type or is out of range.
 */
export function clientTopicsRules<T>(
  options: ClientTopicsOptions<T> | undefined,
  connection: ConnectionRules,
): ClientTopicsRules<T> | undefined {
  if (options === undefined) return undefined;
  checkNames('Option "clientTopics"', options, ["allow", "max", "subscribeRate"]);
  const { allow, max, subscribeRate }: Omit<typeof options, "allow"> & { allow?: unknown } =
    options;
  if (typeof allow !== "function") throw wrongType("clientTopics.allow", "a function", allow);
  checkInteger("clientTopics.max", max, 1, MAX_INT32, "topics");
  checkInteger(
    "clientTopics.subscribeRate",
    subscribeRate,
    0,
    MAX_INT32,
    "subscriptions per second",
  );
  const { maxMessageSize, whenCompressed } = connection;
  // The line is not part of the user's message and must fit in addition to it.
  const withLine = { maxMessageSize: Math.min(MAX_INT32, Math.max(MAX_LINE, maxMessageSize + 1)) };
  return {
    options,
    max: max ?? 100,
    subscribeRate: subscribeRate ?? 20,
    maxMessageSize,
    connection: {
      ...connection,
      ...withLine,
      whenCompressed: { ...whenCompressed, ...withLine },
    },
  };
}

// The layer: adds a line to outgoing messages, removes it from incoming ones, and sends notices
// about topics to the client.

/** Creates the layer for all connections of a server. */
export function clientTopicsLayer<T>(rules: ClientTopicsRules<T>): DriverLayer<T> {
  return {
    rules: rules.connection,
    events: (driver, events) => new TopicRequests(driver, driver.topics!, events, rules),
    listener: (send) => new TopicNotices(send),
    text: textWithLine,
    bytes: bytesWithLine,
    prepared: preparedWithLine,
  };
}

/** Sends topic notices to one client: messages that consist of a line only. */
export class TopicNotices implements TopicAnswers {
  readonly #send: (text: string) => void;

  /** @param send Sends a text message without adding a line. */
  constructor(send: (text: string) => void) {
    this.#send = send;
  }

  /** The client is subscribed. */
  subscribed(topic: string, number: number | undefined): void {
    this.#notify(number === undefined ? { subscribed: topic } : { subscribed: topic, number });
  }

  /** The client is not, or no longer, subscribed. */
  refused(topic: string, reason: string): void {
    this.#notify({ refused: topic, reason });
  }

  /** Earlier messages are no longer available. */
  missed(topic: string): void {
    this.#notify({ missed: topic });
  }

  /** A message came from the client itself and is not sent to it. */
  passed(topic: string, number: number): void {
    this.#notify({ passed: topic, number });
  }

  /** Answers a ping of the client. */
  pong(number: number): void {
    this.#notify({ pong: number });
  }

  #notify(notice: TopicNotice): void {
    this.#send(writeLine(notice));
  }
}

// Answers requests, and passes on other messages without their lines.

/** A request with a pending `allow`. */
interface Subscribing {
  /** The number of the client's last message. */
  readonly after: number | undefined;
}

/** The minimum burst of subscriptions per client. */
const MIN_BURST = 100;

/** The requests and messages of one client. */
export class TopicRequests<T> implements SessionEvents, TimerTarget {
  readonly #owner: LayeredDriver<T>;
  readonly #topics: ConnectionTopics;
  readonly #events: SessionEvents;
  readonly #rules: ClientTopicsRules<T>;
  readonly #now: () => number;
  /**
   * The topics with a pending `allow`. Topics the client has unsubscribed from remain, so that
   * pending decisions never exceed the maximum number of topics.
   */
  #pendingDecisions: Map<string, Subscribing | undefined> | undefined;
  /** The number of subscriptions allowed by the rate, and the time of the last update. */
  #tokens: number;
  #tokensAt = 0;
  /** Subscriptions that exceed the rate, in order, with the number to resume after. */
  #delayed: Map<string, number | undefined> | undefined;
  #timer: Timer | undefined;
  /** Whether the end of the connection cancels the timer. */
  #isWatched = false;

  /**
   * @param owner The connection.
   * @param topics The topics of its server.
   * @param events Receives the other messages.
   * @param rules The option `clientTopics`.
   * @param now A clock in milliseconds.
   */
  constructor(
    owner: LayeredDriver<T>,
    topics: ConnectionTopics,
    events: SessionEvents,
    rules: ClientTopicsRules<T>,
    now: () => number = () => performance.now(),
  ) {
    this.#owner = owner;
    this.#topics = topics;
    this.#events = events;
    this.#rules = rules;
    this.#now = now;
    this.#tokens = this.#burst;
  }

  /** A text message arrived. */
  onText(text: string): void {
    if (text.charCodeAt(0) !== LINE_FEED) this.#request(text);
    else if (this.#fits(text)) this.#events.onText(text.slice(1));
  }

  /** A binary message arrived. */
  onBytes(opcode: MessageOpcode, bytes: Uint8Array, start: number, end: number): void {
    if (start === end || bytes[start] !== LINE_FEED) this.#request(bytes.subarray(start, end));
    else if (this.#hasRoom(end - start - 1)) this.#events.onBytes(opcode, bytes, start + 1, end);
  }

  /** A ping arrived. */
  onPing(payload: Uint8Array): void {
    this.#events.onPing(payload);
  }

  /** A pong arrived. */
  onPong(payload: Uint8Array): void {
    this.#events.onPong(payload);
  }

  /** Makes delayed subscriptions. */
  timerFired(): void {
    for (const [topic, after] of this.#delayed ?? []) {
      if (this.#owner.state !== "open" || !this.#takeToken()) break;
      this.#cancelDelay(topic);
      this.#subscribe(topic, after, true);
    }
    if (this.#owner.state !== "open") this.#delayed = undefined;
    if (this.#delayed !== undefined) this.#startTimer();
  }

  /** Whether a text without its line is within `maxMessageSize`. */
  #fits(text: string): boolean {
    const { maxMessageSize } = this.#rules;
    // The session has already checked the text with its line, unless the limit is below the maximum
    // line size.
    if (maxMessageSize >= this.#rules.connection.maxMessageSize - 1) return true;
    return this.#hasRoom(encodeLongText(text).length - 1);
  }

  #hasRoom(size: number): boolean {
    const { maxMessageSize } = this.#rules;
    if (size <= maxMessageSize) return true;
    this.#owner.fail(
      new MessageTooBigError(`message of ${size} bytes exceeds maxMessageSize (${maxMessageSize})`),
    );
    return false;
  }

  #request(message: string | Uint8Array): void {
    const end = lineEnd(message);
    const line = readLine(message, end);
    const request = line ? asRequest(line) : undefined;
    if (request === undefined) {
      this.#invalid("A message does not start with a line, or its line is not a request");
    } else if (message.length > end) {
      this.#invalid("A request is followed by a message");
    } else if ("ping" in request) {
      this.#owner.topicListener?.pong(request.ping);
    } else if (!isTopic(topicOf(request))) {
      this.#invalid("A request does not name a topic of 1 to 1024 bytes of well-formed UTF-8");
    } else if ("subscribe" in request) {
      this.#subscribe(request.subscribe, request.after);
    } else {
      this.#unsubscribe(request.unsubscribe);
    }
  }

  /** The maximum burst of subscriptions. */
  get #burst(): number {
    return Math.max(MIN_BURST, 2 * this.#rules.max);
  }

  #takeToken(): boolean {
    const { subscribeRate } = this.#rules;
    if (subscribeRate === 0) return true;
    const now = this.#now();
    const earned = (now - this.#tokensAt) / 1000 * subscribeRate;
    this.#tokens = Math.min(this.#burst, this.#tokens + earned);
    this.#tokensAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Delays a subscription until the rate allows it; it counts toward `max` meanwhile. */
  #delay(topic: string, after: number | undefined): void {
    if (this.#delayed === undefined) {
      this.#delayed = new Map();
      this.#startTimer();
      if (!this.#isWatched) void this.#owner.whenClosed().then(() => timers.cancel(this.#timer));
      this.#isWatched = true;
    }
    this.#delayed.set(topic, after);
  }

  #cancelDelay(topic: string): void {
    this.#delayed?.delete(topic);
    if (this.#delayed?.size === 0) this.#delayed = undefined;
  }

  #startTimer(): void {
    timers.cancel(this.#timer);
    this.#timer = timers.start(1000 / this.#rules.subscribeRate, this, 0);
  }

  /** @param hasToken Whether the rate allows it. */
  #subscribe(topic: string, after: number | undefined, hasToken = false): void {
    const { max } = this.#rules;
    const isSubscribed = this.#topics.isSubscribed(this.#owner, topic);
    if (this.#pendingDecisions?.has(topic)) {
      this.#pendingDecisions.set(topic, { after });
    } else if (this.#delayed?.has(topic)) {
      this.#delayed.set(topic, after);
    } else if (isSubscribed && after === undefined) {
      this.#topics.subscribe(this.#owner, topic);
    } else if (!isSubscribed && this.#count >= max) {
      this.#refuse(topic, `a connection may have at most ${max} topics`);
    } else if (!hasToken && (this.#delayed !== undefined || !this.#takeToken())) {
      this.#delay(topic, after);
    } else if (isSubscribed) {
      this.#topics.subscribe(this.#owner, topic, after);
    } else {
      this.#ask(topic, after);
    }
  }

  /** The number of topics of the connection, including pending ones. */
  get #count(): number {
    const subscribing = (this.#pendingDecisions?.size ?? 0) + (this.#delayed?.size ?? 0);
    return this.#topics.countOf(this.#owner) + subscribing;
  }

  #unsubscribe(topic: string): void {
    if (this.#pendingDecisions?.has(topic)) this.#pendingDecisions.set(topic, undefined);
    this.#cancelDelay(topic);
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
      this.#decided(topic, { after }, decision);
      return;
    }
    this.#pendingDecisions ??= new Map();
    this.#pendingDecisions.set(topic, { after });
    Promise.resolve(decision).then(
      (decision) => this.#decided(topic, this.#take(topic), decision),
      (error: unknown) => this.#failed(topic, this.#take(topic), error),
    );
  }

  /**
   * Removes and returns the client's latest request for a topic; `undefined` if it unsubscribed.
   */
  #take(topic: string): Subscribing | undefined {
    const subscribing = this.#pendingDecisions?.get(topic);
    this.#pendingDecisions?.delete(topic);
    if (this.#pendingDecisions?.size === 0) this.#pendingDecisions = undefined;
    return subscribing;
  }

  #decided(topic: string, subscribing: Subscribing | undefined, decision: unknown): void {
    if (typeof decision !== "boolean") {
      const error = new TypeError(
        `clientTopics.allow must return a boolean, got ${show(decision)}`,
      );
      this.#failed(topic, subscribing, error);
    } else if (subscribing !== undefined) {
      if (decision) this.#topics.subscribe(this.#owner, topic, subscribing.after);
      else this.#refuse(topic, "not allowed");
    }
  }

  #failed(topic: string, subscribing: Subscribing | undefined, error: unknown): void {
    if (subscribing !== undefined) this.#refuse(topic, "internal server error");
    this.#owner.reportError(error);
  }

  #refuse(topic: string, reason: string): void {
    // Server code may have subscribed the connection while `allow` was pending.
    if (this.#topics.isSubscribed(this.#owner, topic)) return;
    this.#owner.topicListener?.refused(topic, reason);
  }

  #invalid(message: string): void {
    this.#owner.fail(new InvalidPayloadError("TOPIC_LINE_INVALID", message));
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
