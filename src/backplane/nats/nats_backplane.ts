// The NATS backplane and its history. It shares the user's connection, which reconnects
// automatically.

import type {
  Backplane,
  BackplaneHistory,
  BackplaneSink,
  HistoryLimits,
  HistoryPage,
  ReadLimit,
} from "../backplane.ts";
import { RetryDelay } from "../retry_delay.ts";
import {
  type NatsConnection,
  type NatsMessage,
  type NatsSubscription,
  topicToken,
} from "./connection.ts";
import { JetStreamError, NatsStream, numberOf, request, type StreamOptions } from "./jetstream.ts";

/** Bytes after which the server is asked to confirm receipt. */
const FLUSH_AFTER = 1 << 20;

/** The maximum bytes in flight to NATS; messages beyond it are rejected with an error. */
const MAX_IN_FLIGHT = 64 << 20;

/** The maximum milliseconds that `close` waits for messages in flight. */
const CLOSE_TIMEOUT = 2000;

/**
 * The first and the longest delay until a broker that is connected but unavailable is tried again,
 * in milliseconds.
 */
const MIN_DELAY = 500;
const MAX_DELAY = 2000;

/** Headers with the sequence numbers of a message and of the previous one of its subject. */
const SEQUENCE = "Nats-Sequence";
const LAST_SEQUENCE = "Nats-Last-Sequence";

/** A backplane on NATS. */
export class NatsBackplane implements Backplane {
  /** The stored messages. */
  readonly history: NatsHistory;
  readonly #connection: NatsConnection;
  readonly #prefix: string;
  readonly #subscriptions: Map<string, NatsSubscription> = new Map();
  /** While the server resubscribes: the topics it still needs. */
  #wanted: Set<string> | undefined;
  #sink: BackplaneSink | undefined;
  #state: "starting" | "up" | "down" | "closed" = "starting";
  /** Bytes that the server has not confirmed. */
  #inFlight = 0;
  #isFlushing = false;
  #flush: Promise<void> | undefined;
  /** The number before the stream's first, once known. */
  #base: number | undefined;
  /** The current attempt to use the connection, and the timer of the next one. */
  #attempt: object | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #delay = new RetryDelay(MIN_DELAY, MAX_DELAY);

  /**
   * @param connection The user's connection.
   * @param prefix The prefix of all subjects, with a dot at its end.
   * @param options The stream of the history.
   */
  constructor(connection: NatsConnection, prefix: string, options: StreamOptions) {
    this.#connection = connection;
    this.#prefix = prefix;
    this.history = new NatsHistory(
      connection,
      prefix,
      options,
      () => this.#check(),
      (base) => void (this.#base = base),
      (error) => this.#lost(error),
    );
  }

  /** Starts to watch the connection. */
  start(sink: BackplaneSink): void {
    this.#sink = sink;
    this.#watch().catch((error) => this.#failed(error));
    this.#connection.closed().then(
      (error) => this.#ended(error ?? undefined),
      (error) => this.#ended(error),
    );
    void this.#connect();
  }

  /** Sends a message to the servers that subscribed. */
  publish(topic: string, message: Uint8Array): void {
    this.#check();
    const size = topic.length + message.length;
    if (this.#inFlight + size > MAX_IN_FLIGHT) {
      throw new RangeError(
        `${this.#inFlight} bytes are in flight to NATS, ${size} more exceed ${MAX_IN_FLIGHT}`,
      );
    }
    this.#connection.publish(this.#live(topic), message);
    this.#inFlight += size;
    if (this.#inFlight >= FLUSH_AFTER && !this.#isFlushing) void this.#confirm();
  }

  /** Subscribes to a topic. */
  async subscribe(topic: string): Promise<void> {
    this.#check();
    this.#wanted?.add(topic);
    if (!this.#subscriptions.has(topic)) {
      const pending: { error?: Error; isDone?: boolean } = {};
      const subscription = this.#connection.subscribe(this.#live(topic), {
        callback: (error, message) => {
          if (error === null) this.#received(topic, message);
          else if (pending.isDone) this.#subscriptionEnded(topic, subscription, error);
          else pending.error = error;
        },
      });
      this.#subscriptions.set(topic, subscription);
      try {
        await this.#flushed();
      } finally {
        pending.isDone = true;
      }
      if (pending.error === undefined) return;
      if (this.#subscriptions.get(topic) === subscription) this.#subscriptions.delete(topic);
      throw pending.error;
    }
    await this.#flushed();
  }

  /** Unsubscribes from a topic. */
  unsubscribe(topic: string): void {
    this.#subscriptions.get(topic)?.unsubscribe();
    this.#subscriptions.delete(topic);
  }

  /**
   * Ends the subscriptions and waits until the messages in flight are sent; the connection stays
   * open.
   */
  async close(): Promise<void> {
    const wasUp = this.#state === "up";
    this.#state = "closed";
    this.#abandon();
    for (const topic of [...this.#subscriptions.keys()]) this.unsubscribe(topic);
    if (!wasUp || this.#connection.isClosed()) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => timer = setTimeout(resolve, CLOSE_TIMEOUT));
    await Promise.race([this.#connection.flush(), late]).finally(() => clearTimeout(timer));
  }

  #live(topic: string): string {
    return `${this.#prefix}live.${topicToken(topic)}`;
  }

  #check(): void {
    if (this.#state !== "up") throw new Error("NATS is unavailable");
  }

  async #watch(): Promise<void> {
    for await (const { type, error } of this.#connection.status()) {
      if (this.#state === "closed") return;
      if (type === "disconnect") this.#down(new Error("Disconnected from NATS"));
      else if (type === "reconnect") void this.#connect();
      else if (type === "error" && this.#isRejectedPublish(error)) this.#failed(error);
    }
  }

  /** Only this event reports rejected messages, and the user's messages share the connection. */
  #isRejectedPublish(error: unknown): boolean {
    const { operation, subject } = Object(error) as { operation?: unknown; subject?: unknown };
    return operation === "publish" && String(subject).startsWith(this.#prefix);
  }

  /** Checks the connection and the history. The client emits `reconnect` repeatedly. */
  async #connect(): Promise<void> {
    if (this.#attempt !== undefined || this.#state === "closed" || this.#state === "up") return;
    this.#abandon();
    const attempt = this.#attempt = {};
    try {
      // It may be disconnected at the moment.
      await this.#connection.flush();
      if (this.history.isKept) await this.history.open();
    } catch (error) {
      if (this.#attempt !== attempt) return;
      // Permanent errors are reported by the requests to the history.
      if (!(error instanceof JetStreamError) || this.history.isOutage(error)) {
        return this.#retry(error);
      }
    }
    if (this.#attempt === attempt && !this.#connection.isClosed()) this.#up();
  }

  /** Ends the attempt to use the connection. */
  #abandon(): void {
    this.#attempt = undefined;
    clearTimeout(this.#timer);
  }

  /** A request has failed in an outage that the connection has not reported. */
  #lost(error: unknown): void {
    if (this.#state === "up") this.#retry(error);
  }

  #retry(error: unknown): void {
    this.#down(error);
    // The error handler may have closed the backplane.
    if (this.#state !== "down") return;
    this.#timer = setTimeout(() => void this.#connect(), this.#delay.next());
  }

  #up(): void {
    this.#abandon();
    this.#state = "up";
    this.#delay.up();
    this.#inFlight = 0;
    const wanted = this.#wanted = new Set();
    this.#sink?.up();
    this.#wanted = undefined;
    for (const topic of [...this.#subscriptions.keys()]) {
      if (!wanted.has(topic)) this.unsubscribe(topic);
    }
  }

  #down(error: unknown): void {
    if (this.#state === "closed") return;
    this.#abandon();
    if (this.#state === "down") return;
    this.#delay.down();
    this.#state = "down";
    this.#base = undefined;
    this.#sink?.down(error);
  }

  /** The connection is closed and does not reconnect. */
  #ended(cause: unknown): void {
    if (this.#state === "closed") return;
    this.#down(cause ?? new Error("The connection to NATS is closed"));
    this.#failed(
      new Error(
        "The connection to NATS is closed and does not reconnect; " +
          "connect with maxReconnectAttempts: -1 to keep it reconnecting",
        { cause },
      ),
    );
  }

  #failed(error: unknown): void {
    if (this.#state !== "closed") this.#sink?.failed?.(error);
  }

  /** The server has ended a subscription, for example after a permission was revoked. */
  #subscriptionEnded(topic: string, subscription: NatsSubscription, error: Error): void {
    if (this.#subscriptions.get(topic) !== subscription) return;
    this.#subscriptions.delete(topic);
    this.#failed(error);
  }

  #received(topic: string, { data, headers }: NatsMessage): void {
    // A plain Uint8Array instead of Node's Buffer.
    const message = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const sequence = headers?.get(SEQUENCE) ?? "";
    if (sequence === "" || !this.history.isKept) return this.#deliver(topic, message);
    const previous = Number(headers?.get(LAST_SEQUENCE));
    // Dropped messages leave a gap in the numbers, and are then read from the history.
    if (this.#state !== "up" || this.#base === undefined) return;
    this.#deliver(topic, message, Number(sequence), previous);
  }

  #deliver(topic: string, message: Uint8Array, sequence?: number, previous = 0): void {
    if (this.#state === "closed") return;
    if (sequence === undefined || this.#base === undefined) {
      return this.#sink?.message(topic, message);
    }
    const before = previous === 0 ? 0 : this.#base + previous;
    this.#sink?.message(topic, message, this.#base + sequence, before);
  }

  /** One flush for all requests of a turn. */
  #flushed(): Promise<void> {
    return this.#flush ??= Promise.resolve().then(() => {
      this.#flush = undefined;
      return this.#connection.flush();
    }).catch((error) => {
      this.#lost(error);
      throw error;
    });
  }

  async #confirm(): Promise<void> {
    this.#isFlushing = true;
    const sent = this.#inFlight;
    try {
      await this.#connection.flush();
      this.#inFlight = Math.max(0, this.#inFlight - sent);
    } catch {
      // Disconnected: nothing is in flight after a reconnection.
    } finally {
      this.#isFlushing = false;
    }
  }
}

// The history of topics in a stream of JetStream. A message is sent to `keep.<topic>`, where the server
// numbers and stores it, and republished by the server to `live.<topic>`, to which backplanes subscribe.
//
// A stream counts from 1, even when recreated after a loss. Topic numbers start at the stream's
// creation time in microseconds, so that they never decrease.

/** How often a read starts again because the subject changed meanwhile. */
const MAX_ATTEMPTS = 5;

/** The history of a backplane on NATS. */
export class NatsHistory implements BackplaneHistory {
  readonly #connection: NatsConnection;
  readonly #prefix: string;
  readonly #options: StreamOptions;
  readonly #check: () => void;
  readonly #opened: (base: number) => void;
  readonly #lost: (error: unknown) => void;
  #limits: HistoryLimits | undefined;
  /** Whether the stream has ever been open. */
  #wasOpen = false;
  #stream: Promise<NatsStream> | undefined;

  /**
   * @param connection The user's connection.
   * @param prefix The prefix of all subjects.
   * @param options The stream.
   * @param check Throws while disconnected.
   * @param opened Called with the number before the stream's first, each time the stream was opened.
   * @param lost Called when a request has failed in an outage.
   */
  constructor(
    connection: NatsConnection,
    prefix: string,
    options: StreamOptions,
    check: () => void,
    opened: (base: number) => void,
    lost: (error: unknown) => void = () => {},
  ) {
    this.#connection = connection;
    this.#prefix = prefix;
    this.#options = options;
    this.#check = check;
    this.#opened = opened;
    this.#lost = lost;
  }

  /** Whether the history is used. */
  get isKept(): boolean {
    return this.#limits !== undefined;
  }

  /** Sets how much to store. */
  keep(limits: HistoryLimits): void {
    this.#limits = limits;
  }

  /** Opens the stream, which may be a different one after a reconnection. */
  open(): Promise<NatsStream> {
    const limits = this.#required();
    const stream: Promise<NatsStream> = NatsStream
      .open(this.#connection, this.#prefix, this.#options, limits)
      .then((opened) => {
        this.#wasOpen = true;
        if (this.#stream === stream) this.#opened(opened.created);
        return opened;
      }, (error) => {
        // The next request tries again.
        if (this.#stream === stream) this.#stream = undefined;
        throw error;
      });
    return this.#stream = stream;
  }

  /** Numbers a message, stores it and sends it to all servers that subscribed. */
  append(topic: string, message: Uint8Array): Promise<number> {
    return this.#use(async ({ created }) => {
      const { seq } = await request(this.#connection, this.#subject(topic), message);
      return created + numberOf(seq, "seq");
    });
  }

  /** Reads the messages after a number. */
  read(topic: string, after?: number, limit?: ReadLimit): Promise<HistoryPage> {
    const subject = this.#subject(topic);
    return this.#use(async (stream) => {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        const page = after === undefined
          ? await readLast(stream, subject)
          : await this.#readAfter(stream, subject, after - stream.created, limit);
        if (page !== undefined) return page;
      }
      throw new Error(`The subject ${subject} changed during ${MAX_ATTEMPTS} attempts to read it`);
    });
  }

  /** Whether JetStream may process a failed request later. */
  isOutage({ isOutage }: JetStreamError): boolean {
    return isOutage === true || (isOutage === "without JetStream" && this.#wasOpen);
  }

  /** Makes requests with the open stream. An outage is reported before the promise rejects. */
  async #use<T>(requests: (stream: NatsStream) => Promise<T>): Promise<T> {
    this.#check();
    const opening = this.#stream ?? this.open();
    try {
      return await requests(await opening);
    } catch (error) {
      // The failure may be older than the last outage.
      const isCurrent = this.#stream === opening || this.#stream === undefined;
      if (isCurrent && error instanceof JetStreamError && this.isOutage(error)) this.#lost(error);
      throw error;
    }
  }

  /**
   * The messages after a sequence number, perhaps of an earlier stream; `undefined` if they change.
   */
  async #readAfter(
    stream: NatsStream,
    subject: string,
    after: number,
    limit: ReadLimit | undefined,
  ): Promise<HistoryPage | undefined> {
    const newest = await stream.lastOf(subject);
    if (newest === undefined) {
      const { first, last, count } = await stream.state(subject);
      if (count > 0) return undefined;
      const complete = after <= last && after + 1 >= first;
      return { last: stream.created + last, complete, messages: [] };
    }
    if (newest <= after) {
      return { last: stream.created + newest, complete: newest === after, messages: [] };
    }
    const { maxAge, maxMessages } = this.#required();
    const { maxMessages: maxCount = Infinity, maxBytes = Infinity } = limit ?? {};
    const { count, messages: stored } = await stream.messages(
      subject,
      Math.max(after, 0) + 1,
      // Surplus messages are skipped below.
      (count) => Math.max(0, count - maxMessages) + maxCount,
      Math.min(maxBytes, Number.MAX_SAFE_INTEGER),
    );
    if (stored.length === 0) return undefined;
    const tooMany = count - maxMessages;
    const oldest = Date.now() - maxAge;
    const fresh = stored.findIndex(({ time }, i) => i >= tooMany && time >= oldest);
    if (fresh < 0 && stored.length < count) {
      // All of these are expired or surplus, but later ones may not be.
      const next = await this.#readAfter(stream, subject, stored.at(-1)!.sequence, limit);
      return next && { ...next, complete: false };
    }
    const messages = (fresh < 0 ? [] : stored.slice(fresh))
      .map(({ sequence, message }) => ({ number: stream.created + sequence, message }));
    const complete = fresh === 0 && await hasAllSince(stream, subject, after);
    const last = stream.created + Math.max(newest, stored.at(-1)!.sequence);
    return { last, complete, messages };
  }

  #required(): HistoryLimits {
    if (this.#limits === undefined) {
      throw new Error("The history is not configured: call keep() first to say how much to store");
    }
    return this.#limits;
  }

  #subject(topic: string): string {
    return `${this.#prefix}keep.${topicToken(topic)}`;
  }
}

/** The last number of a subject; `undefined` if it changes meanwhile. */
async function readLast(stream: NatsStream, subject: string): Promise<HistoryPage | undefined> {
  const { last, count } = await stream.state(subject);
  const newest = count === 0 ? last : await stream.lastOf(subject);
  if (newest === undefined) return undefined;
  return { last: stream.created + newest, complete: true, messages: [] };
}

/** Whether no message after a sequence number is known to be deleted. */
async function hasAllSince(stream: NatsStream, subject: string, after: number): Promise<boolean> {
  if (after < 0) return false;
  // The oldest messages are deleted first.
  const oldest = await stream.firstOf(subject);
  if (oldest !== undefined && oldest <= after) return true;
  // Expired messages are deleted from the start of the whole stream, surplus ones only once the
  // subject has reached its limit.
  const { first, count } = await stream.state(subject);
  return after + 1 >= first && count < stream.leastLimit;
}
