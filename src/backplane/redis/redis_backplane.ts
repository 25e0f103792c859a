// The backplane on Redis: connects, and reconnects when the connection is lost.

import { timers } from "../../shared/timer_wheel.ts";
import type { Backplane, BackplaneHistory, BackplaneSink } from "../backplane.ts";
import { type Dial, RedisPair } from "./connection.ts";
import { RedisHistory } from "./history.ts";
import { messageText, receivedMessage } from "./message_text.ts";

/** Milliseconds between two attempts to connect: the first delay, and the longest. */
const MIN_DELAY = 50;
const MAX_DELAY = 2000;

/** Milliseconds after which a Redis that does not answer is reported as down, and given up. */
const DOWN_AFTER = 3000;
const DIAL_TIMEOUT = 10_000;

/** Milliseconds for which `close` waits for requests in flight. */
const CLOSE_TIMEOUT = 2000;

/** A backplane on Redis, by any client. */
export class RedisBackplane implements Backplane {
  /** The stored messages. */
  readonly history: BackplaneHistory;
  readonly #dial: Dial;
  readonly #prefix: string;
  #sink: BackplaneSink | undefined;
  #pair: RedisPair | undefined;
  #delay = MIN_DELAY;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Aborts the attempt to connect. */
  #attempt: AbortController | undefined;
  #isClosed = false;
  /** Whether `down` was reported. */
  #isDown = false;

  /**
   * @param dial Makes a connection.
   * @param prefix The prefix of all channels and keys, without braces.
   */
  constructor(dial: Dial, prefix: string) {
    this.#dial = dial;
    // A prefix has no brace, so that the first one ends it: no prefix and topic make the same name as
    // another prefix and topic.
    this.#prefix = `${prefix}{`;
    const channel = (topic: string): string => this.#channel(topic);
    this.history = new RedisHistory(prefix, channel, (script, keys, args, size) => {
      const command = [script, `${keys.length}`, ...keys, ...args];
      return this.#connected().send(size, (publisher) => publisher.command("EVAL", ...command));
    });
  }

  /** Starts to connect. */
  start(sink: BackplaneSink): void {
    this.#sink = sink;
    void this.#connect();
  }

  /** Sends a message to the servers that subscribed. */
  publish(topic: string, message: Uint8Array): Promise<unknown> {
    const text = messageText(message);
    const channel = this.#channel(topic);
    return this.#connected().send(text.length, (publisher) => publisher.publish(channel, text));
  }

  /** Subscribes to a topic. */
  subscribe(topic: string): Promise<void> {
    return this.#subscribe(topic, true);
  }

  /** Unsubscribes from a topic. */
  unsubscribe(topic: string): Promise<void> {
    return this.#subscribe(topic, false);
  }

  /** Waits for the requests in flight, then closes the connections. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#attempt?.abort(new Error("The backplane is closed"));
    await this.#pair?.settled(CLOSE_TIMEOUT);
    this.#drop();
  }

  #channel(topic: string): string {
    return `${this.#prefix}${topic}}`;
  }

  async #subscribe(topic: string, wanted: boolean): Promise<void> {
    try {
      await this.#connected().subscribe(this.#channel(topic), wanted);
    } catch (error) {
      // When the connections are closed, all subscriptions end.
      if (!this.#isClosed) throw error;
    }
  }

  #connected(): RedisPair {
    if (this.#pair === undefined) throw new Error("Redis is unavailable");
    return this.#pair;
  }

  async #connect(): Promise<void> {
    let pair: RedisPair | undefined;
    const attempt = this.#attempt = new AbortController();
    const silence = new Error("Redis does not answer");
    const down = { timerFired: () => this.#reportDown(silence) };
    const late = { timerFired: () => attempt.abort(silence) };
    // Stalls of this process are not held against Redis.
    const dialTimers = [timers.start(DOWN_AFTER, down, 0), timers.start(DIAL_TIMEOUT, late, 0)];
    const listener = {
      message: (channel: string, text: string | Uint8Array): void => {
        if (pair === this.#pair) this.#received(channel, text);
      },
      lost: (error: unknown): void => {
        if (pair === this.#pair) this.#lost(error);
      },
    };
    try {
      pair = await RedisPair.dial(this.#dial, listener, attempt.signal);
    } catch (error) {
      if (!this.#isClosed) this.#retry(error);
      return;
    } finally {
      for (const timer of dialTimers) timers.cancel(timer);
    }
    if (this.#isClosed) return pair.close();
    this.#pair = pair;
    this.#delay = MIN_DELAY;
    this.#isDown = false;
    this.#sink?.up();
  }

  #received(channel: string, text: string | Uint8Array): void {
    if (this.#isClosed || !channel.startsWith(this.#prefix) || !channel.endsWith("}")) return;
    const topic = channel.slice(this.#prefix.length, -1);
    // An invalid message is passed on as an empty one, which the server reports.
    const { message, number, previous } = receivedMessage(text) ?? { message: new Uint8Array(0) };
    this.#sink?.message(topic, message, number, previous);
  }

  #lost(error: unknown): void {
    if (this.#pair === undefined) return;
    this.#drop();
    if (!this.#isClosed) this.#retry(error);
  }

  #drop(): void {
    const pair = this.#pair;
    this.#pair = undefined;
    pair?.close();
  }

  /** Connects again after a delay that grows. */
  #retry(error: unknown): void {
    const delay = this.#delay * (0.5 + Math.random() / 2);
    this.#delay = Math.min(this.#delay * 2, MAX_DELAY);
    this.#timer = setTimeout(() => void this.#connect(), delay);
    this.#reportDown(error);
  }

  #reportDown(error: unknown): void {
    if (this.#isDown || this.#isClosed) return;
    this.#isDown = true;
    this.#sink?.down(error);
  }
}
