// Identical frames of many connections: the first connection combines them, and the others reuse
// the result without copying it.

/** The first size of the memory for frames that follow each other. */
const FIRST_SIZE = 1024;

/**
 * The frames that connections combined last. Memory is only appended to, so that a holder may keep
 * any part of it from its beginning.
 */
export class SharedBatch {
  readonly #maxSize: number;
  /** The frames to which the last one was added. */
  #before: Uint8Array | undefined;
  #beforeLength = 0;
  #frame: Uint8Array | undefined;
  #bytes: Uint8Array = new Uint8Array(0);
  #length = 0;

  /** @param maxSize The maximum size of combined frames in bytes. */
  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** After {@linkcode SharedBatch.add}: the memory with the frames, from its beginning. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** After {@linkcode SharedBatch.add}: the bytes that they take. */
  get length(): number {
    return this.#length;
  }

  /**
   * Adds a frame to frames; all of them are immutable.
   *
   * @param held Either a frame, or the value of {@linkcode SharedBatch.bytes}.
   * @param length The bytes that count.
   * @param frame The frame.
   * @returns Whether it was added; `false` if there is too much, or other connections add something
   * else.
   */
  add(held: Uint8Array, length: number, frame: Uint8Array): boolean {
    if (frame === this.#frame && held === this.#before && length === this.#beforeLength) {
      return true;
    }
    const needed = length + frame.length;
    const isLast = held === this.#bytes && length === this.#length;
    if (needed > this.#maxSize || (!isLast && length !== held.length)) return false;
    if (!isLast || needed > held.length) {
      this.#bytes = new Uint8Array(Math.max(FIRST_SIZE, needed * 2));
      this.#bytes.set(held.subarray(0, length));
    }
    this.#bytes.set(frame, length);
    this.#length = needed;
    this.#before = held;
    this.#beforeLength = length;
    this.#frame = frame;
    return true;
  }
}
