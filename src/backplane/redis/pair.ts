// Two connections to Redis, one of which listens, because some clients can do nothing else meanwhile.
// They live and die together.

import { Wishes } from "../wishes.ts";
import type { LinkListener, RedisLink } from "./link.ts";

/**
 * Milliseconds between two looks at whether Redis still answers. A connection on which nothing came
 * from one look to the next is lost, whatever the system or the client says.
 */
const LOOK_INTERVAL = 3000;

/** Bytes that may be on their way to Redis at once; what goes beyond is refused, and so reported. */
const MAX_ON_THE_WAY = 64 << 20;

/** Makes a connection. */
export type Dial = (listener: LinkListener, signal: AbortSignal) => Promise<RedisLink>;

/** Two connections, until the first of them is lost. */
export class RedisPair {
  readonly #publisher: RedisLink;
  readonly #subscriber: RedisLink;
  readonly #lost: (error: unknown) => void;
  readonly #wishes: Wishes;
  readonly #timer: ReturnType<typeof setInterval>;
  /** Whether something has come since the last look. */
  #publisherLives = true;
  #subscriberLives = true;
  /** Bytes on their way. */
  #onTheWay = 0;
  /** Is called when nothing is on its way any more. */
  #arrived: (() => void) | undefined;

  private constructor(
    publisher: RedisLink,
    subscriber: RedisLink,
    lost: (error: unknown) => void,
  ) {
    this.#publisher = publisher;
    this.#subscriber = subscriber;
    this.#lost = lost;
    this.#wishes = new Wishes(
      (channel) => subscriber.subscribe(channel),
      (channel) => subscriber.unsubscribe(channel),
    );
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL);
  }

  /** Makes both connections. */
  static async dial(
    dial: Dial,
    { message, lost }: LinkListener,
    signal: AbortSignal,
  ): Promise<RedisPair> {
    let pair: RedisPair | undefined;
    let failure: { readonly error: unknown } | undefined;
    const listener: LinkListener = {
      message(channel, text): void {
        if (pair === undefined) return;
        pair.#subscriberLives = true;
        message(channel, text);
      },
      lost(error): void {
        if (pair === undefined) failure ??= { error };
        else lost(error);
      },
    };
    const links = await Promise.allSettled([dial(listener, signal), dial(listener, signal)]);
    const made: RedisLink[] = [];
    for (const link of links) {
      if (link.status === "fulfilled") made.push(link.value);
      else failure ??= { error: link.reason };
    }
    const [publisher, subscriber] = made;
    if (failure !== undefined || publisher === undefined || subscriber === undefined) {
      for (const link of made) link.close();
      throw failure?.error;
    }
    return pair = new RedisPair(publisher, subscriber, lost);
  }

  /**
   * Sends something to Redis.
   *
   * @param size Its bytes, or so.
   * @param request Sends it.
   * @throws {RangeError} When too much is on its way.
   */
  send(size: number, request: (publisher: RedisLink) => Promise<unknown>): Promise<unknown> {
    this.#check();
    if (this.#onTheWay + size > MAX_ON_THE_WAY) {
      throw new RangeError(`More than ${MAX_ON_THE_WAY} bytes are on their way to Redis`);
    }
    this.#onTheWay += size;
    const settled = (): void => {
      this.#onTheWay -= size;
      if (this.#onTheWay === 0) this.#arrived?.();
    };
    const sent = request(this.#publisher);
    sent.then(() => {
      this.#publisherLives = true;
      settled();
    }, settled);
    return sent;
  }

  /** Wants the messages of a channel, or no more; resolves when that is done. */
  want(channel: string, isWanted: boolean): Promise<void> {
    this.#check();
    return this.#wishes.want(channel, isWanted);
  }

  /** Waits until nothing is on its way any more, but not for ever. */
  async settled(limit: number): Promise<void> {
    if (this.#onTheWay === 0) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#arrived = resolve;
      timer = setTimeout(resolve, limit);
    });
    clearTimeout(timer);
  }

  /** Ends both connections. */
  close(): void {
    clearInterval(this.#timer);
    this.#publisher.close();
    this.#subscriber.close();
  }

  /** The client may know of a loss before it has told. */
  #check(): void {
    if (this.#publisher.isReady && this.#subscriber.isReady) return;
    const error = new Error("The connection to Redis is lost: it is away");
    this.#lost(error);
    throw error;
  }

  #look(): void {
    if (!this.#publisherLives || !this.#subscriberLives) {
      this.#lost(new Error(`Redis has not answered for ${LOOK_INTERVAL} ms`));
      return;
    }
    this.#publisherLives = this.#subscriberLives = false;
    this.#publisher.command("PING").then(() => this.#publisherLives = true, this.#lost);
    this.#subscriber.command("PING").then(() => this.#subscriberLives = true, this.#lost);
  }
}
