// The backplane on Redis: it connects, and connects anew when that is lost.

import type { Backplane, BackplaneHistory, BackplaneSink } from "../../pubsub/backplane.ts";
import { RedisHistory } from "./history.ts";
import { messageText, receivedMessage } from "./message_text.ts";
import { type Dial, RedisPair } from "./pair.ts";

/** Milliseconds between two attempts to connect: the first pause, and the longest. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2000;

/** Milliseconds after which an engine that does not answer counts as away, and is given up. */
const DIAL_PATIENCE = 1000;
const DIAL_TIMEOUT = 10_000;

/** Milliseconds that `close` waits for what is on its way. */
const CLOSE_TIMEOUT = 2000;

/** A backplane on Redis, whatever client it is reached with. */
export class RedisBackplane implements Backplane {
  /** What keeps messages for those that come back. */
  readonly history: BackplaneHistory;
  readonly #dial: Dial;
  readonly #prefix: string;
  #sink: BackplaneSink | undefined;
  #pair: RedisPair | undefined;
  #pause = FIRST_PAUSE;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Gives up the attempt to connect. */
  #attempt: AbortController | undefined;
  #isClosed = false;
  /** Whether that was told. */
  #isDown = false;

  /**
   * @param dial Makes a connection.
   * @param prefix What stands before a topic in the name of its channel.
   */
  constructor(dial: Dial, prefix: string) {
    this.#dial = dial;
    this.#prefix = prefix;
    this.history = new RedisHistory(prefix, (script, keys, args, size) => {
      const command = [script, `${keys.length}`, ...keys, ...args];
      return this.#usable().send(size, (publisher) => publisher.command("EVAL", ...command));
    });
  }

  /** Begins to connect. */
  start(sink: BackplaneSink): void {
    this.#sink = sink;
    void this.#connect();
  }

  /** Sends a message to the servers that subscribed. */
  publish(topic: string, message: Uint8Array): Promise<unknown> {
    const text = messageText(message);
    const channel = this.#prefix + topic;
    return this.#usable().send(text.length, (publisher) => publisher.publish(channel, text));
  }

  /** Wants the messages of a topic. */
  subscribe(topic: string): Promise<void> {
    return this.#want(topic, true);
  }

  /** Wants them no more. */
  unsubscribe(topic: string): Promise<void> {
    return this.#want(topic, false);
  }

  /** Lets what is on its way arrive, then ends the connections. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#attempt?.abort(new Error("The backplane is closed"));
    await this.#pair?.settled(CLOSE_TIMEOUT);
    this.#drop();
  }

  async #want(topic: string, isWanted: boolean): Promise<void> {
    try {
      await this.#usable().want(this.#prefix + topic, isWanted);
    } catch (error) {
      // The end of the connections ends all subscriptions as well.
      if (!this.#isClosed) throw error;
    }
  }

  #usable(): RedisPair {
    if (this.#pair === undefined) throw new Error("Redis is away");
    return this.#pair;
  }

  async #connect(): Promise<void> {
    let pair: RedisPair | undefined;
    const attempt = this.#attempt = new AbortController();
    const silence = new Error("Redis does not answer");
    const patience = setTimeout(() => this.#tellDown(silence), DIAL_PATIENCE);
    const timeout = setTimeout(() => attempt.abort(silence), DIAL_TIMEOUT);
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
      clearTimeout(patience);
      clearTimeout(timeout);
    }
    if (this.#isClosed) return pair.close();
    this.#pair = pair;
    this.#pause = FIRST_PAUSE;
    this.#isDown = false;
    this.#sink?.up();
  }

  #received(channel: string, text: string | Uint8Array): void {
    if (this.#isClosed || !channel.startsWith(this.#prefix)) return;
    // What stands for no message is one that nobody can read, and is reported as such.
    const { message, number, previous } = receivedMessage(text) ?? { message: new Uint8Array(0) };
    this.#sink?.message(channel.slice(this.#prefix.length), message, number, previous);
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

  /** Tries again after a while, longer each time. */
  #retry(error: unknown): void {
    const pause = this.#pause * (0.5 + Math.random() / 2);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
    this.#timer = setTimeout(() => void this.#connect(), pause);
    this.#tellDown(error);
  }

  #tellDown(error: unknown): void {
    if (this.#isDown || this.#isClosed) return;
    this.#isDown = true;
    this.#sink?.down(error);
  }
}
