// Frees memory early. In a separate file, so that messages without compression do not load the
// decoder.

/**
 * Frees the memory of unused `bytes` before the next garbage collection: a hundred growing messages
 * would leave hundreds of MiB until then. No effect on Node 20.
 */
export function releaseMemory(bytes: Uint8Array): void {
  const buffer = bytes.buffer as { transfer?(length: number): unknown };
  buffer.transfer?.(0);
}
