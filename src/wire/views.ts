// Views of parts of the same memory, one after another.

const NOTHING = new Uint8Array(0);

/**
 * Creates views of parts of an array. From the third on it has the array's buffer, and a view takes
 * V8 half as long as with `subarray`. The array is kept alive until there are views of another.
 */
export class Views {
  #seen: Uint8Array = NOTHING;
  #bytes: Uint8Array = NOTHING;
  #buffer: ArrayBuffer = NOTHING.buffer;
  #start = 0;

  /** A view of `bytes[start..end)`. */
  of(bytes: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> {
    if (bytes === this.#bytes) {
      return new Uint8Array(this.#buffer, this.#start + start, end - start);
    }
    if (bytes === this.#seen) {
      this.#bytes = bytes;
      this.#buffer = bytes.buffer as ArrayBuffer;
      this.#start = bytes.byteOffset;
    } else this.#seen = bytes;
    return bytes.subarray(start, end) as Uint8Array<ArrayBuffer>;
  }
}
