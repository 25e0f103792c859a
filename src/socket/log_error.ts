// Where errors go that nobody else wants.

/** The default of `onError`. */
export function logError(error: unknown): void {
  // The web's reportError ends the process on Deno and Bun and is unknown to Node 20.
  // deno-lint-ignore no-console
  console.error(error);
}
