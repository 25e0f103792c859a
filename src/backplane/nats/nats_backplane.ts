// The backplane on NATS. It shares the connection of the user, which connects anew by itself.

import type { Backplane, BackplaneSink } from "../../pubsub/backplane.ts";
import type { NatsConnection, NatsMessage, NatsSubscription } from "./clients.ts";
import { NatsHistory } from "./history.ts";
import type { StreamOptions } from "./stream.ts";
import { topicToken } from "./subject.ts";

/** Bytes after which the server is asked whether it has got them. */
const ASK_AFTER = 1 << 20;

/** Bytes that may be on their way to NATS at once; what goes beyond is refused, and so reported. */
const MAX_ON_THE_WAY = 64 << 20;

/** Messages of the history that wait until it is known from where they are counted. */
const MAX_HELD = 10_000;

/** The headers in which the server says the place of a message in its stream, and of the one before. */
const SEQUENCE = "Nats-Sequence";
const LAST_SEQUENCE = "Nats-Last-Sequence";

/** A backplane on NATS. */
export class NatsBackplane implements Backplane {
  /** What keeps messages for those that come back. */
  readonly history: NatsHistory;
  readonly #connection: NatsConnection;
  readonly #prefix: string;
  readonly #subscriptions: Map<string, NatsSubscription> = new Map();
  /** While the relay subscribes anew: the topics that it still wants. */
  #wanted: Set<string> | undefined;
  #sink: BackplaneSink | undefined;
  #state: "starting" | "up" | "down" | "closed" = "starting";
  /** Bytes of which it is not known whether the server has got them. */
  #onTheWay = 0;
  #isAsking = false;
  #flushing: Promise<void> | undefined;
  /** The number before the first of the history's stream, once it is known. */
  #base: number | undefined;
  #held: (() => void)[] = [];

  /**
   * @param connection The connection of the user.
   * @param prefix What stands before all subjects, with a dot at its end.
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
      (base) => this.#release(base),
    );
  }

  /** Begins to watch the connection. */
  start(sink: BackplaneSink): void {
    this.#sink = sink;
    void this.#watch();
    void this.#connection.closed().then((error) => {
      this.#down(error ?? new Error("The connection to NATS is closed"));
    });
    // It may be away just now.
    this.#connection.flush().then(
      () => this.#state === "starting" && this.#up(),
      (error) => this.#down(error),
    );
  }

  /** Sends a message to the servers that subscribed. */
  publish(topic: string, message: Uint8Array): void {
    this.#check();
    const size = topic.length + message.length;
    if (this.#onTheWay + size > MAX_ON_THE_WAY) {
      throw new RangeError(`More than ${MAX_ON_THE_WAY} bytes are on their way to NATS`);
    }
    this.#connection.publish(this.#live(topic), message);
    this.#onTheWay += size;
    if (this.#onTheWay >= ASK_AFTER && !this.#isAsking) void this.#askWhatArrived();
  }

  /** Wants the messages of a topic. */
  async subscribe(topic: string): Promise<void> {
    this.#check();
    this.#wanted?.add(topic);
    if (!this.#subscriptions.has(topic)) {
      let refusal: Error | undefined;
      const subscription = this.#connection.subscribe(this.#live(topic), {
        callback: (error, message) => {
          if (error === null) this.#received(topic, message);
          else refusal = error;
        },
      });
      this.#subscriptions.set(topic, subscription);
      await this.#flushed();
      if (refusal === undefined) return;
      if (this.#subscriptions.get(topic) === subscription) this.#subscriptions.delete(topic);
      throw refusal;
    }
    await this.#flushed();
  }

  /** Wants them no more. */
  unsubscribe(topic: string): void {
    this.#subscriptions.get(topic)?.unsubscribe();
    this.#subscriptions.delete(topic);
  }

  /** Ends the subscriptions; the connection stays as it is. */
  close(): void {
    this.#state = "closed";
    for (const topic of [...this.#subscriptions.keys()]) this.unsubscribe(topic);
  }

  #live(topic: string): string {
    return `${this.#prefix}live.${topicToken(topic)}`;
  }

  #check(): void {
    if (this.#state !== "up") throw new Error("NATS is away");
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (this.#state === "closed") return;
      if (type === "disconnect") this.#down(new Error("The connection to NATS is lost"));
      else if (type === "reconnect") this.#up();
    }
  }

  /** The connection can be used; it has restored the subscriptions by itself. */
  #up(): void {
    if (this.#state === "closed" || this.#state === "up" || this.#connection.isClosed()) return;
    this.#state = "up";
    this.#onTheWay = 0;
    // Who appends or reads hears of it when that fails.
    if (this.history.isKept) this.history.open().catch(() => {});
    const wanted = this.#wanted = new Set();
    this.#sink?.up();
    this.#wanted = undefined;
    for (const topic of [...this.#subscriptions.keys()]) {
      if (!wanted.has(topic)) this.unsubscribe(topic);
    }
  }

  #down(error: unknown): void {
    if (this.#state === "closed" || this.#state === "down") return;
    this.#state = "down";
    this.#base = undefined;
    this.#held = [];
    this.#sink?.down(error);
  }

  #received(topic: string, { data, headers }: NatsMessage): void {
    // A plain view, which Node's Buffer is not.
    const message = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const sequence = headers?.get(SEQUENCE) ?? "";
    if (sequence === "" || !this.history.isKept) return this.#deliver(topic, message);
    const previous = Number(headers?.get(LAST_SEQUENCE));
    const deliver = (): void => this.#deliver(topic, message, Number(sequence), previous);
    if (this.#base !== undefined) deliver();
    else if (this.#held.length < MAX_HELD) this.#held.push(deliver);
  }

  #deliver(topic: string, message: Uint8Array, sequence?: number, previous = 0): void {
    if (this.#state === "closed") return;
    if (sequence === undefined || this.#base === undefined) {
      return this.#sink?.message(topic, message);
    }
    const before = previous === 0 ? 0 : this.#base + previous;
    this.#sink?.message(topic, message, this.#base + sequence, before);
  }

  /** It is known from where the messages of the history are counted. */
  #release(base: number): void {
    this.#base = base;
    const held = this.#held;
    this.#held = [];
    for (const deliver of held) deliver();
  }

  /** One question for all that is asked in the same turn. */
  #flushed(): Promise<void> {
    return this.#flushing ??= Promise.resolve().then(() => {
      this.#flushing = undefined;
      return this.#connection.flush();
    });
  }

  async #askWhatArrived(): Promise<void> {
    this.#isAsking = true;
    const asked = this.#onTheWay;
    try {
      await this.#connection.flush();
      this.#onTheWay = Math.max(0, this.#onTheWay - asked);
    } catch {
      // It is away; when it is back, nothing is on its way.
    } finally {
      this.#isAsking = false;
    }
  }
}
