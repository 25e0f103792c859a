// Blocks the event loop like a long computation, but leaves the CPU to other tests.

const never = new Int32Array(new SharedArrayBuffer(4));

/** Blocks the event loop for the given milliseconds. */
export function block(milliseconds: number): void {
  Atomics.wait(never, 0, 0, milliseconds);
}
