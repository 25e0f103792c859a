// The last resort for errors without a handler.

import { logError } from "./log.ts";
import { isPromiseLike } from "./promises.ts";

export { logError } from "./log.ts";

/** Reports the rejection of a promise that is not awaited. */
export function reportRejection(result: unknown, report: (error: unknown) => void): void {
  if (isPromiseLike(result)) result.then(undefined, report);
}

/** Calls a function, and reports the error that it throws or rejects with. */
export function callReported(call: () => unknown, report: (error: unknown) => void): void {
  try {
    reportRejection(call(), report);
  } catch (error) {
    report(error);
  }
}

/** The option `onError`. */
export type ErrorHandler<C> = (error: unknown, connection?: C) => unknown;

/** Passes an error to `onError`, or logs it; an error of `onError` itself is logged. */
export function reportError<C>(
  handler: ErrorHandler<C> | undefined,
  error: unknown,
  connection?: C,
): void {
  if (handler === undefined) logError(error);
  else callReported(() => handler(error, connection), logError);
}
