// Creates consecutive views of the same memory.

const NOTHING = new Uint8Array(0);

/**
 * Creates views of parts of an array. From the third view on it uses the cached buffer, which takes
 * V8 half as long as `subarray`. The array is kept alive until views of another one are created.
 */
export class Views {
  #seen: Uint8Array = NOTHING;
  #bytes: Uint8Array = NOTHING;
  #buffer: ArrayBuffer = NOTHING.buffer;
  #start = 0;

  /** Returns a view of `bytes[start..end)`. */
  of(bytes: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> {
    // `bytes` is already that view.
    if (start === 0 && end === bytes.length) return bytes as Uint8Array<ArrayBuffer>;
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
