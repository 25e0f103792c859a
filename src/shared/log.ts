// The default error log. It is a separate module because bundles for pages need no more of errors.

/** The default of `onError`. */
export function logError(error: unknown): void {
  // The web's reportError ends the process on Deno and Bun and is unknown to Node 20.
  // deno-lint-ignore no-console
  console.error(error);
}
