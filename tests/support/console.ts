// Captures the calls of `console.error` while a function runs.

/** Replaces `console.error` until {@linkcode ConsoleWatch.end}. */
export class ConsoleWatch {
  /** The arguments of each call. */
  readonly logged: unknown[][] = [];
  readonly #original: typeof console.error = console.error;

  constructor() {
    console.error = (...args: unknown[]) => void this.logged.push(args);
  }

  /** Restores the console. */
  end(): void {
    console.error = this.#original;
  }
}

/** Calls `run`. */
export function withConsole(run: () => void): ConsoleWatch {
  const watch = new ConsoleWatch();
  try {
    run();
  } finally {
    watch.end();
  }
  return watch;
}
