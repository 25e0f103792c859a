// The default error log. A separate module, because bundles for pages need nothing else of it.

/** The default of `onError`. */
export function logError(error: unknown): void {
  // The web's reportError ends the process on Deno and Bun, and does not exist on Node 20.
  // deno-lint-ignore no-console
  console.error(error);
}
