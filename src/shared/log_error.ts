// Where errors go that nobody else wants.

import { isPromiseLike } from "./promise_like.ts";

/** The default of `onError`. */
export function logError(error: unknown): void {
  // The web's reportError ends the process on Deno and Bun and is unknown to Node 20.
  // deno-lint-ignore no-console
  console.error(error);
}

/** Calls what must not throw here; what it throws, or rejects with, is logged. */
export function callLogged(call: () => unknown): void {
  try {
    const result = call();
    if (isPromiseLike(result)) result.then(undefined, logError);
  } catch (error) {
    logError(error);
  }
}
