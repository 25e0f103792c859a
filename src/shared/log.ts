// The log of last resort. It has a module of its own, because bundles for pages need nothing else of errors.

/** The default of `onError`. */
export function logError(error: unknown): void {
  // The web's reportError ends the process on Deno and Bun and is unknown to Node 20.
  // deno-lint-ignore no-console
  console.error(error);
}
