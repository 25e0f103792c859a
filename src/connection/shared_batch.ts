// Shares identical frames of many connections: the first connection combines them, and the others
// reuse the result without copying.

/** The initial size of the memory for consecutive frames. */
const FIRST_SIZE = 1024;

/**
 * The most recently combined frames. The memory is append-only, so that a holder may keep any
 * prefix of it.
 */
export class SharedBatch {
  readonly #maxSize: number;
  /** The frames before the last one was added. */
  #before: Uint8Array | undefined;
  #beforeLength = 0;
  #frame: Uint8Array | undefined;
  #bytes: Uint8Array = new Uint8Array(0);
  #length = 0;

  /** @param maxSize The maximum size of combined frames in bytes. */
  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** After {@linkcode SharedBatch.add}: the memory that starts with the frames. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** After {@linkcode SharedBatch.add}: the size of the frames in bytes. */
  get length(): number {
    return this.#length;
  }

  /**
   * Appends a frame to other frames; all are immutable.
   *
   * @param held Either a frame, or the value of {@linkcode SharedBatch.bytes}.
   * @param length The number of valid bytes.
   * @param frame The frame.
   * @returns Whether it was added; `false` if the maximum is exceeded, or other connections have
   * added different frames.
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
