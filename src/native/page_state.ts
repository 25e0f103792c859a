// Tracks whether a page can have a connection: online and not in the back/forward cache.

/** The part of an event target used here. */
interface Events {
  addEventListener?(type: string, listener: (event: PageEvent) => void): void;
  removeEventListener?(type: string, listener: (event: PageEvent) => void): void;
}

/** The part of an event used here. */
interface PageEvent {
  readonly type: string;
  readonly persisted?: boolean;
}

/** The globals used here. */
interface PageGlobals extends Events {
  readonly document?: Events & { readonly visibilityState?: string };
  readonly navigator?: { readonly onLine?: boolean };
}

const page = globalThis as PageGlobals;

/** The events, all of which reach the window. */
const EVENTS = ["online", "pagehide", "pageshow", "visibilitychange", "resume"];

/** Monitors a page. */
export interface PageState {
  /** Resolves when a connection is possible; rejects with the signal's reason when it aborts. */
  ready(signal: AbortSignal | undefined): Promise<void>;
  /** Stops monitoring. */
  stop(): void;
}

/**
 * Monitors the page. Without a page, a connection is always possible.
 *
 * @param back Called when the network or the page may be back: a waiting connection can retry.
 * @param away Called when the page enters the back/forward cache.
 */
export function watchPage(back: () => void, away: () => void): PageState {
  let isAway = false;
  const waiters: Array<() => void> = [];
  const isPossible = (): boolean => !isAway && page.navigator?.onLine !== false;
  const wake = (): void => {
    for (const wakeOne of waiters.splice(0)) wakeOne();
  };
  const listener = ({ type, persisted }: PageEvent): void => {
    if (type === "pagehide") {
      if (persisted === false) return;
      isAway = true;
      return away();
    }
    if (type === "pageshow") isAway = false;
    if (type === "visibilitychange" && page.document?.visibilityState === "hidden") return;
    if (!isPossible()) return;
    wake();
    back();
  };
  for (const type of EVENTS) page.addEventListener?.(type, listener);
  return {
    ready: async (signal) => {
      if (isPossible()) return;
      await new Promise<void>((resolve, reject) => {
        waiters.push(resolve);
        signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    },
    stop: () => {
      for (const type of EVENTS) page.removeEventListener?.(type, listener);
      wake();
    },
  };
}
