// Whether a page can have a connection at all: it is online and not in the back/forward cache.

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

/** Monitors a page. */
export interface PageState {
  /** Resolves when a connection is possible; rejects with the reason of a signal that aborts. */
  ready(signal: AbortSignal | undefined): Promise<void>;
  /** Stops monitoring. */
  stop(): void;
}

/**
 * Monitors the page; without one, a connection is always possible.
 *
 * @param back Called when the network or the page is back, or may be: a waiting connection can stop
 * waiting.
 * @param away Called when the page goes into the back/forward cache.
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
