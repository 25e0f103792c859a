// Counts allocated bytes, so that a test can assert "allocates nothing" or "grows linearly" exactly
// instead of measuring time.

/**
 * Returns the sizes of the byte arrays that `work` allocates; views of existing memory do not
 * count.
 */
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

/** Adds up sizes. */
export function total(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}
