// Where errors go that nobody else wants.

import { logError } from "./log.ts";
import { isPromiseLike } from "./promise_like.ts";

export { logError } from "./log.ts";

/** Calls what must not throw here; what it throws, or rejects with, is reported. */
export function callReported(call: () => unknown, report: (error: unknown) => void): void {
  try {
    const result = call();
    if (isPromiseLike(result)) result.then(undefined, report);
  } catch (error) {
    report(error);
  }
}

/** The option `onError`. */
export type ErrorHandler<C> = (error: unknown, connection?: C) => unknown;

/** Passes an error on to `onError`, or logs it; what the handler itself throws is logged. */
export function reportError<C>(
  handler: ErrorHandler<C> | undefined,
  error: unknown,
  connection?: C,
): void {
  if (handler === undefined) logError(error);
  else callReported(() => handler(error, connection), logError);
}
