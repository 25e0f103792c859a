// Calls user functions, and handles their promises and errors.

/** Whether a value can be awaited. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null &&
    typeof (value as PromiseLike<unknown>).then === "function";
}

/**
 * Settles like `promise`, or rejects with the signal's reason when it aborts. A later value is
 * passed to `discard`; a later error is ignored.
 */
export function untilAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  discard?: (late: T) => void,
): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason);
      promise.then(discard, () => {});
    };
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Reports the rejection of an unawaited promise. */
export function reportRejection(result: unknown, report: (error: unknown) => void): void {
  if (isPromiseLike(result)) result.then(undefined, report);
}

/** Calls a function, and reports an error it throws or rejects with. */
export function callReported(call: () => unknown, report: (error: unknown) => void): void {
  try {
    reportRejection(call(), report);
  } catch (error) {
    report(error);
  }
}

/** The option `onError`. */
export type ErrorHandler<C> = (error: unknown, connection?: C) => unknown;

/** The default of `onError`. */
export function logError(error: unknown): void {
  // The web's reportError ends the process on Deno and Bun, and is missing on Node 20.
  // deno-lint-ignore no-console
  console.error(error);
}

/** Passes an error to `onError`, or logs it; also logs errors of `onError`. */
export function reportError<C>(
  handler: ErrorHandler<C> | undefined,
  error: unknown,
  connection?: C,
): void {
  callReported(() => (handler ?? logError)(error, connection), logError);
}
