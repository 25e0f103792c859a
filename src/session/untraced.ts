// Errors without a stack trace, the main cost of an error.

/**
 * Creates an error without a stack trace: for frequent errors of a peer, where the place in this
 * library is irrelevant. On V8 the trace is a tenth of the cost of a connection (bench/NOTES.md).
 *
 * @param make Creates the error.
 */
export function untraced<E extends Error>(make: () => E): E {
  const limit: unknown = Reflect.get(Error, "stackTraceLimit");
  // If it cannot be set, the error has a trace; nothing else differs.
  Reflect.set(Error, "stackTraceLimit", 0);
  try {
    return make();
  } finally {
    Reflect.set(Error, "stackTraceLimit", limit);
  }
}
