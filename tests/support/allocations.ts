// Counts the memory that code allocates, so that "allocates nothing" and "stays linear" are exact
// assertions rather than timings.

/** The sizes of the byte arrays created during `work`, without views of existing memory. */
export function allocationsOf(work: () => void): number[] {
  const sizes: number[] = [];
  const original = globalThis.Uint8Array;
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, parameters: unknown[], newTarget): object {
      if (typeof parameters[0] === "number") sizes.push(parameters[0]);
      return Reflect.construct(target, parameters, newTarget);
    },
  });
  try {
    work();
  } finally {
    globalThis.Uint8Array = original;
  }
  return sizes;
}

/** The sum of some sizes. */
export function total(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}
