// Reconciles the wanted subscriptions of a broker's client with the ones it has made: one request for
// each topic at a time, because clients confuse requests that overtake each other.

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
