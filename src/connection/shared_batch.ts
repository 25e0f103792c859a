// Frames that many connections send alike: the first of them puts them together, the others find what
// they have to send, and neither copy it nor need memory for it.

/** The first size of the memory for frames that follow each other. */
const FIRST_SIZE = 1024;

/**
 * The frames that connections were last seen to put together. Memory is only ever added to: a holder
 * of a part of it, from its beginning, may keep it.
 */
export class SharedBatch {
  readonly #maxSize: number;
  /** To what the last frame was added. */
  #before: Uint8Array | undefined;
  #beforeLength = 0;
  #frame: Uint8Array | undefined;
  #bytes: Uint8Array = new Uint8Array(0);
  #length = 0;

  /** @param maxSize Bytes that are put together at most. */
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
   * @param held Either a frame, or what {@linkcode SharedBatch.bytes} was.
   * @param length The bytes that count.
   * @param frame The frame.
   * @returns Whether it has; otherwise there is too much of it, or others add something else.
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
