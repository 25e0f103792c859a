// What is wanted of an engine, and what it has been asked for: one request for each topic at a time,
// however fast the wish changes, because clients mix up those that overtake each other.

interface Wish {
  isWanted: boolean;
  isGranted: boolean;
  /** What goes on until both are the same. */
  settling: Promise<void> | undefined;
}

/** The wishes of one connection. */
export class Wishes {
  readonly #wishes: Map<string, Wish> = new Map();
  readonly #subscribe: (topic: string) => Promise<unknown>;
  readonly #unsubscribe: (topic: string) => Promise<unknown>;

  /** @param subscribe Asks the engine for a topic. @param unsubscribe Asks for it no more. */
  constructor(
    subscribe: (topic: string) => Promise<unknown>,
    unsubscribe: (topic: string) => Promise<unknown>,
  ) {
    this.#subscribe = subscribe;
    this.#unsubscribe = unsubscribe;
  }

  /** Wants a topic, or no more; resolves when the engine has done so. */
  want(topic: string, isWanted: boolean): Promise<void> {
    let wish = this.#wishes.get(topic);
    if (wish === undefined) {
      wish = { isWanted, isGranted: false, settling: undefined };
      this.#wishes.set(topic, wish);
    }
    wish.isWanted = isWanted;
    return wish.settling ??= this.#settle(topic, wish);
  }

  async #settle(topic: string, wish: Wish): Promise<void> {
    try {
      while (wish.isWanted !== wish.isGranted) {
        const { isWanted } = wish;
        await (isWanted ? this.#subscribe(topic) : this.#unsubscribe(topic));
        wish.isGranted = isWanted;
      }
    } catch (error) {
      // What the engine has done is not known; it is asked anew when the wish comes again.
      wish.isWanted = wish.isGranted = false;
      throw error;
    } finally {
      wish.settling = undefined;
      if (!wish.isWanted) this.#wishes.delete(topic);
    }
  }
}
