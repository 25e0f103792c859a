// Whether a page can have a connection at all: it is online and not in the back/forward cache.

/** The receiver of the events of a {@linkcode PageState}. */
export interface PageStateOwner {
  /** The network or the page is back, or may be: a connection that waits need not wait longer. */
  back(): void;
  /** The page goes into the back/forward cache. */
  away(): void;
}

/** The part of an event target that is used here. */
interface Events {
  addEventListener?(type: string, listener: (event: PageEvent) => void): void;
  removeEventListener?(type: string, listener: (event: PageEvent) => void): void;
}

/** The part of an event that is used here. */
interface PageEvent {
  readonly type: string;
  readonly persisted?: boolean;
}

/** The part of the globals that is used here. */
interface PageGlobals extends Events {
  readonly document?: Events & { readonly visibilityState?: string };
  readonly navigator?: { readonly onLine?: boolean };
}

const page = globalThis as PageGlobals;

/** The events, which bubble from the document to the window. */
const EVENTS = ["online", "pagehide", "pageshow", "visibilitychange", "resume"];

/** Watches the page; where there is none, a connection is always possible. */
export class PageState {
  #owner: PageStateOwner | undefined;
  #isAway = false;
  #waiters: Array<() => void> = [];

  /** Begins to watch. */
  start(owner: PageStateOwner): void {
    this.#owner = owner;
    for (const type of EVENTS) page.addEventListener?.(type, this.#listener);
  }

  /** Stops watching. */
  stop(): void {
    for (const type of EVENTS) page.removeEventListener?.(type, this.#listener);
    this.#wake();
  }

  /** Resolves when a connection is possible; rejects with the reason of a signal that aborts. */
  ready(signal: AbortSignal | undefined): Promise<void> {
    if (this.#isPossible) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push(resolve);
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }

  get #isPossible(): boolean {
    return !this.#isAway && page.navigator?.onLine !== false;
  }

  readonly #listener = ({ type, persisted }: PageEvent): void => {
    if (type === "pagehide") {
      if (persisted === false) return;
      this.#isAway = true;
      this.#owner?.away();
      return;
    }
    if (type === "pageshow") this.#isAway = false;
    if (type === "visibilitychange" && page.document?.visibilityState === "hidden") return;
    if (!this.#isPossible) return;
    this.#wake();
    this.#owner?.back();
  };

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}
