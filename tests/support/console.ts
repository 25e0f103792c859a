// What is written to console.error while something runs, instead of the real console.

/** Takes the place of `console.error` until {@linkcode ConsoleWatch.end}. */
export class ConsoleWatch {
  /** What was written, the arguments of one call each. */
  readonly logged: unknown[][] = [];
  readonly #original: typeof console.error = console.error;

  constructor() {
    console.error = (...args: unknown[]) => void this.logged.push(args);
  }

  /** Gives the console back. */
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
