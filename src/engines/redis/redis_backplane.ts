// The backplane on Redis. It has two connections, which live and die together: when one is lost, so is
// the other, and a new pair is made.

import type { Backplane, BackplaneHistory, BackplaneSink } from "../../pubsub/backplane.ts";
import { Wishes } from "../wishes.ts";
import { RedisHistory } from "./history.ts";
import type { LinkListener, RedisLink } from "./link.ts";
import { messageText, receivedMessage } from "./message_text.ts";

/** Bytes that may be on their way to Redis at once; what goes beyond is refused, and so reported. */
const MAX_ON_THE_WAY = 64 << 20;

/** Milliseconds between two attempts to connect: the first pause, and the longest. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 2000;

/** Milliseconds that `close` waits for what is on its way. */
const CLOSE_TIMEOUT = 2000;

/** A pair of connections that is in use. */
interface Pair {
  readonly publisher: RedisLink;
  readonly subscriber: RedisLink;
  readonly wishes: Wishes;
}

/** A backplane on Redis, whatever client it is reached with. */
export class RedisBackplane implements Backplane {
  /** What keeps messages for those that come back. */
  readonly history: BackplaneHistory;
  readonly #dial: (listener: LinkListener) => Promise<RedisLink>;
  readonly #prefix: string;
  #sink: BackplaneSink | undefined;
  #pair: Pair | undefined;
  #pause = FIRST_PAUSE;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  #isDown = false;
  /** Bytes on their way. */
  #onTheWay = 0;
  /** Is called when nothing is on its way any more. */
  #arrived: (() => void) | undefined;

  /**
   * @param dial Makes a connection.
   * @param prefix What stands before a topic in the name of its channel.
   */
  constructor(dial: (listener: LinkListener) => Promise<RedisLink>, prefix: string) {
    this.#dial = dial;
    this.#prefix = prefix;
    this.history = new RedisHistory(prefix, (script, keys, args, size) => {
      const command = [script, `${keys.length}`, ...keys, ...args];
      return this.#send(size, (publisher) => publisher.command("EVAL", ...command));
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
    return this.#send(text.length, (publisher) => publisher.publish(this.#prefix + topic, text));
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
    if (this.#onTheWay > 0) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
        timer = setTimeout(resolve, CLOSE_TIMEOUT);
      });
      clearTimeout(timer);
    }
    this.#drop();
  }

  #send(size: number, request: (publisher: RedisLink) => Promise<unknown>): Promise<unknown> {
    const { publisher } = this.#usable();
    if (this.#onTheWay + size > MAX_ON_THE_WAY) {
      throw new RangeError(`More than ${MAX_ON_THE_WAY} bytes are on their way to Redis`);
    }
    this.#onTheWay += size;
    const settled = (): void => {
      this.#onTheWay -= size;
      if (this.#onTheWay === 0) this.#arrived?.();
    };
    const sent = request(publisher);
    sent.then(settled, settled);
    return sent;
  }

  async #want(topic: string, isWanted: boolean): Promise<void> {
    try {
      await this.#usable().wishes.want(this.#prefix + topic, isWanted);
    } catch (error) {
      // The end of the connections ends all subscriptions as well.
      if (!this.#isClosed) throw error;
    }
  }

  /** The connections, as long as they are there. */
  #usable(): Pair {
    const pair = this.#pair;
    if (pair === undefined) throw new Error("Redis is away");
    // The client may know before it has told.
    if (!pair.publisher.isReady || !pair.subscriber.isReady) {
      const error = new Error("The connection to Redis is lost");
      this.#lost(pair, error);
      throw error;
    }
    return pair;
  }

  async #connect(): Promise<void> {
    let pair: Pair | undefined;
    let failure: { readonly error: unknown } | undefined;
    const listener: LinkListener = {
      message: (channel, text) => this.#received(pair, channel, text),
      lost: (error) => {
        failure ??= { error };
        if (pair !== undefined) this.#lost(pair, error);
      },
    };
    const links = await Promise.allSettled([this.#dial(listener), this.#dial(listener)]);
    const made = links.flatMap((link) => link.status === "fulfilled" ? [link.value] : []);
    const failed = links.find((link) => link.status === "rejected");
    if (failed !== undefined) failure ??= { error: failed.reason };
    const [publisher, subscriber] = made;
    if (this.#isClosed || failure !== undefined || publisher === undefined || !subscriber) {
      for (const link of made) link.close();
      if (!this.#isClosed) this.#away(failure?.error);
      return;
    }
    const wishes = new Wishes(
      (channel) => subscriber.subscribe(channel),
      (channel) => subscriber.unsubscribe(channel),
    );
    this.#pair = pair = { publisher, subscriber, wishes };
    this.#pause = FIRST_PAUSE;
    this.#isDown = false;
    this.#sink?.up();
  }

  #received(pair: Pair | undefined, channel: string, text: string | Uint8Array): void {
    if (pair === undefined || pair !== this.#pair || this.#isClosed) return;
    if (!channel.startsWith(this.#prefix)) return;
    // What stands for no message is one that nobody can read, and is reported as such.
    const { message, number, previous } = receivedMessage(text) ?? { message: new Uint8Array(0) };
    this.#sink?.message(channel.slice(this.#prefix.length), message, number, previous);
  }

  #lost(pair: Pair, error: unknown): void {
    if (pair !== this.#pair) return;
    this.#drop();
    if (!this.#isClosed) this.#away(error);
  }

  #drop(): void {
    const pair = this.#pair;
    this.#pair = undefined;
    pair?.publisher.close();
    pair?.subscriber.close();
  }

  /** Tries again after a while, longer each time. */
  #away(error: unknown): void {
    const pause = this.#pause * (0.5 + Math.random() / 2);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
    this.#timer = setTimeout(() => void this.#connect(), pause);
    if (this.#isDown) return;
    this.#isDown = true;
    this.#sink?.down(error);
  }
}
