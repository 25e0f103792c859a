// Blocks the event loop, as a long computation does, but without using the processor, which other
// tests need at the same time.

const never = new Int32Array(new SharedArrayBuffer(4));

/** Blocks the event loop for the given milliseconds. */
export function block(milliseconds: number): void {
  Atomics.wait(never, 0, 0, milliseconds);
}
