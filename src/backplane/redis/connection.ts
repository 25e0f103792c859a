// A pair of Redis connections, one to publish and one to subscribe, because some clients cannot
// send other commands on a subscribed connection. They open and close together.

import { type Timer, timers } from "../../shared/timer_wheel.ts";

/**
 * Milliseconds between two heartbeats. If nothing arrives between two of them, the connection
 * counts as lost, whatever the system or the client reports.
 */
const HEARTBEAT_INTERVAL = 3000;

/**
 * Milliseconds to read a reply already received by the kernel: after the process was suspended, the
 * heartbeat timer fires before the reply is read.
 */
const READ_DELAY = 100;

/** The maximum bytes in flight to Redis; requests beyond it are rejected with an error. */
const MAX_IN_FLIGHT = 64 << 20;

/** Replies of a Redis, or of a node of a cluster, that may process the same request later. */
const OUTAGE =
  /\b(BUSY|CLUSTERDOWN|LOADING|MASTERDOWN|MISCONF|NOREPLICAS|OOM|READONLY|TRYAGAIN|UNKILLABLE)\b/;

/** Whether Redis may process a failed request later, or has not replied. */
export function isOutage(error: unknown): boolean {
  const text = String((Object(error) as Partial<Error>).message);
  // Other replies start with a word in capitals.
  return OUTAGE.test(text) || !/^[A-Z]{2,} /.test(text);
}

/** Receives the events of a connection. */
export interface RedisListener {
  /** A message arrived. */
  message(channel: string, message: string | Uint8Array): void;
  /** The connection is lost, or could not be made. May be called several times. */
  lost(error: unknown): void;
}

/**
 * One Redis connection through any client. It never reconnects: clients reconnect in different
 * ways, and repeat requests that may have been processed.
 */
export interface RedisConnection {
  /** Whether it can be used. */
  readonly isReady: boolean;
  /** Publishes a message. */
  publish(channel: string, message: string): Promise<unknown>;
  /** Sends a command. */
  command(name: string, ...args: string[]): Promise<unknown>;
  /** Subscribes to a channel. */
  subscribe(channel: string): Promise<unknown>;
  /** Unsubscribes from a channel. */
  unsubscribe(channel: string): Promise<unknown>;
  /** Closes it. */
  close(): void;
}

/** Makes a connection. */
export type Dial = (listener: RedisListener, signal: AbortSignal) => Promise<RedisConnection>;

/** Two connections, usable until the first of them is lost. */
export class RedisPair {
  readonly #publisher: RedisConnection;
  readonly #subscriber: RedisConnection;
  readonly #lost: (error: unknown) => void;
  readonly #subscriptions: Subscriptions;
  #timer: Timer;
  /** Whether something has arrived since the last heartbeat. */
  #publisherLives = true;
  #subscriberLives = true;
  #inFlight = 0;
  /** Called when nothing is in flight. */
  #settled: (() => void) | undefined;
  #isClosed = false;
  /** Whether a reply reported the outage, so the replies to later requests arrive too. */
  #isReplying = false;

  private constructor(
    publisher: RedisConnection,
    subscriber: RedisConnection,
    lost: (error: unknown) => void,
  ) {
    this.#publisher = publisher;
    this.#subscriber = subscriber;
    this.#lost = lost;
    this.#subscriptions = new Subscriptions(
      (channel) => subscriber.subscribe(channel),
      (channel) => subscriber.unsubscribe(channel),
    );
    this.#timer = after(HEARTBEAT_INTERVAL, this.#heartbeat);
  }

  /**
   * Makes both connections.
   *
   * @param check Makes another request; in an outage the connections do not count as made.
   */
  static async dial(
    dial: Dial,
    { message, lost }: RedisListener,
    signal: AbortSignal,
    check?: (publisher: RedisConnection) => Promise<unknown>,
  ): Promise<RedisPair> {
    let pair: RedisPair | undefined;
    let failure: { readonly error: unknown } | undefined;
    const listener: RedisListener = {
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
    const results = await Promise.allSettled([dial(listener, signal), dial(listener, signal)]);
    const made: RedisConnection[] = [];
    for (const result of results) {
      if (result.status === "fulfilled") made.push(result.value);
      else failure ??= { error: result.reason };
    }
    const [publisher, subscriber] = made;
    if (failure === undefined && publisher !== undefined) {
      // Redis accepts connections before it has loaded its data, but rejects commands.
      try {
        await answered(publisher.command("PING"), signal);
        if (check !== undefined) await answered(check(publisher), signal);
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure !== undefined || publisher === undefined || subscriber === undefined) {
      for (const connection of made) close(connection);
      throw failure?.error;
    }
    return pair = new RedisPair(publisher, subscriber, lost);
  }

  /**
   * Sends a request to Redis.
   *
   * @param size Its approximate size in bytes.
   * @param request Sends it.
   * @throws {RangeError} When too many bytes are in flight.
   */
  send(
    size: number,
    request: (publisher: RedisConnection) => Promise<unknown>,
  ): Promise<unknown> {
    this.#check();
    if (this.#inFlight + size > MAX_IN_FLIGHT) {
      throw new RangeError(
        `${this.#inFlight} bytes are in flight to Redis, ${size} more exceed ${MAX_IN_FLIGHT}`,
      );
    }
    const sent = request(this.#publisher);
    this.#inFlight += size;
    const settled = (): void => {
      this.#inFlight -= size;
      if (this.#inFlight === 0) this.#settled?.();
    };
    sent.then(() => {
      this.#publisherLives = true;
      settled();
    }, (error) => {
      settled();
      this.#failed(error);
    });
    return sent;
  }

  /** Subscribes to a channel, or unsubscribes; resolves when that is done. */
  subscribe(channel: string, wanted: boolean): Promise<void> {
    this.#check();
    const made = this.#subscriptions.set(channel, wanted);
    made.catch((error) => this.#failed(error));
    return made;
  }

  /** A failed request may be the first sign of an outage. */
  #failed(error: unknown): void {
    if (this.#isClosed) return;
    if (!this.#isReady) this.#lost(disconnected());
    else if (isOutage(error)) {
      this.#isReplying = true;
      this.#lost(error);
    }
  }

  /** Waits until nothing is in flight, for at most the given milliseconds. */
  async settled(limit: number): Promise<void> {
    if (this.#inFlight === 0) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#settled = resolve;
      timer = setTimeout(resolve, limit);
    });
    clearTimeout(timer);
  }

  /**
   * Closes both connections in an outage. If Redis replies, waits at most `limit` milliseconds for
   * the replies in flight, because they say which requests were processed after the failed one.
   */
  async end(limit: number): Promise<void> {
    if (this.#isReplying && this.#isReady) await this.settled(limit);
    this.close();
  }

  /** Closes both connections. */
  close(): void {
    this.#isClosed = true;
    timers.cancel(this.#timer);
    close(this.#publisher);
    close(this.#subscriber);
  }

  /** The client may have detected a disconnection without reporting it yet. */
  #check(): void {
    if (this.#isReady) return;
    const error = disconnected();
    this.#lost(error);
    throw error;
  }

  get #isReady(): boolean {
    return this.#publisher.isReady && this.#subscriber.isReady;
  }

  readonly #heartbeat = (): void => {
    if (!this.#publisherLives || !this.#subscriberLives) {
      this.#timer = after(READ_DELAY, this.#checkHeartbeat);
      return;
    }
    this.#publisherLives = this.#subscriberLives = false;
    this.#timer = after(HEARTBEAT_INTERVAL, this.#heartbeat);
    this.#ping(this.#publisher, () => this.#publisherLives = true);
    this.#ping(this.#subscriber, () => this.#subscriberLives = true);
  };

  readonly #checkHeartbeat = (): void => {
    if (this.#publisherLives && this.#subscriberLives) this.#heartbeat();
    else this.#lost(new Error(`Redis has not answered for ${HEARTBEAT_INTERVAL} ms`));
  };

  #ping(connection: RedisConnection, answered: () => void): void {
    const failed = (error: unknown): void => {
      if (this.#isClosed) return;
      this.#isReplying ||= this.#isReady && isOutage(error);
      this.#lost(error);
    };
    try {
      connection.command("PING").then(answered, failed);
    } catch (error) {
      failed(error);
    }
  }
}

/** Waits for a result, until the signal aborts. */
export async function answered(result: Promise<unknown>, signal: AbortSignal): Promise<void> {
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
  });
  try {
    await Promise.race([result, aborted]);
  } finally {
    signal.removeEventListener("abort", abort!);
  }
}

function disconnected(): Error {
  return new Error("Redis is unavailable: disconnected");
}

/** Starts a timer that does not count stalls of this process. */
function after(delay: number, timerFired: () => void): Timer {
  return timers.start(delay, { timerFired }, 0);
}

/** Closes a connection; some clients throw if it is closed already. */
function close(connection: RedisConnection): void {
  try {
    connection.close();
  } catch {
    // It is already closed.
  }
}

// Reconciles the wanted subscriptions with the existing ones: one request per topic at a time,
// because clients confuse overlapping requests.

interface Subscription {
  wanted: boolean;
  made: boolean;
  /** Pending until `wanted` and `made` are equal. */
  settling: Promise<void> | undefined;
}

/** The subscriptions of one connection to a broker. */
export class Subscriptions {
  readonly #subscriptions: Map<string, Subscription> = new Map();
  readonly #subscribe: (topic: string) => Promise<unknown>;
  readonly #unsubscribe: (topic: string) => Promise<unknown>;

  /** @param subscribe Subscribes at the broker. @param unsubscribe Unsubscribes there. */
  constructor(
    subscribe: (topic: string) => Promise<unknown>,
    unsubscribe: (topic: string) => Promise<unknown>,
  ) {
    this.#subscribe = subscribe;
    this.#unsubscribe = unsubscribe;
  }

  /** Subscribes or unsubscribes; resolves when the broker has confirmed it. */
  set(topic: string, wanted: boolean): Promise<void> {
    let subscription = this.#subscriptions.get(topic);
    if (subscription === undefined) {
      subscription = { wanted, made: false, settling: undefined };
      this.#subscriptions.set(topic, subscription);
    }
    subscription.wanted = wanted;
    return subscription.settling ??= this.#settle(topic, subscription);
  }

  async #settle(topic: string, subscription: Subscription): Promise<void> {
    try {
      while (subscription.wanted !== subscription.made) {
        const { wanted } = subscription;
        await (wanted ? this.#subscribe(topic) : this.#unsubscribe(topic));
        subscription.made = wanted;
      }
    } catch (error) {
      // The broker's state is unknown; the next call makes the request again.
      subscription.wanted = subscription.made = false;
      throw error;
    } finally {
      subscription.settling = undefined;
      if (!subscription.wanted) this.#subscriptions.delete(topic);
    }
  }
}
