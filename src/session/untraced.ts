// Errors without the trace of the stack, which costs more than all the rest of them.

/**
 * Makes an error without tracing the stack: for what comes often and from outside, where the place in
 * this library that noticed it says nothing. On V8 the trace is a tenth of what a connection costs
 * from its opening to its end (bench/NOTES.md).
 *
 * @param make Makes the error.
 */
export function untraced<E extends Error>(make: () => E): E {
  const limit: unknown = Reflect.get(Error, "stackTraceLimit");
  // Where it cannot be set, the error is traced, and nothing else is different.
  Reflect.set(Error, "stackTraceLimit", 0);
  try {
    return make();
  } finally {
    Reflect.set(Error, "stackTraceLimit", limit);
  }
}
