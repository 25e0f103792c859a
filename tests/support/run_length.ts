// Run-length compression, to test the code around a codec: as simple as possible, and with the
// weakest memory guarantees that the interface allows.

import { InvalidPayloadError, MessageTooBigError } from "../../src/errors.ts";
import type { MessageCompression } from "../../src/message/message_compression.ts";

/** Writes each run of equal bytes as its length, 1 to 255, and the byte. */
export class RunLength implements MessageCompression {
  readonly shareKey: string | undefined;
  readonly #threshold: number;
  readonly #memory = new Uint8Array(1 << 17);

  /**
   * @param threshold The minimum size of compressed messages, in bytes.
   *
   * @param shareKey Instances with the same key produce the same output.
   */
  constructor(threshold = 4, shareKey: string | undefined = undefined) {
    this.#threshold = threshold;
    this.shareKey = shareKey;
  }

  wants(length: number): boolean {
    return length >= this.#threshold;
  }

  deflate(
    source: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    offset: number,
  ): number {
    const packed = runLength(source.subarray(start, end));
    if (packed.length >= end - start) return -1;
    target.set(packed, offset);
    return offset + packed.length;
  }

  readonly wantsFragments = true;

  bound(length: number): number {
    return 2 * length;
  }

  /** Compresses each fragment separately. */
  deflateFragment(
    source: Uint8Array,
    start: number,
    end: number,
    _last: boolean,
    target: Uint8Array,
    offset: number,
  ): number {
    const packed = runLength(source.subarray(start, end));
    target.set(packed, offset);
    return offset + packed.length;
  }

  inflate(bytes: Uint8Array, start: number, end: number, limit: number): Uint8Array {
    if ((end - start) % 2 !== 0) {
      throw new InvalidPayloadError("INVALID_DEFLATE_DATA", "A run without its byte");
    }
    let length = 0;
    for (let at = start; at < end; at += 2) {
      const run = bytes[at];
      if (length + run > limit) throw new MessageTooBigError("Too many runs");
      this.#memory.fill(bytes[at + 1], length, length + run);
      length += run;
    }
    return this.#memory.subarray(0, length);
  }
}

/** Compresses bytes. */
export function runLength(bytes: Uint8Array): Uint8Array {
  const packed: number[] = [];
  for (let at = 0; at < bytes.length;) {
    let run = 1;
    while (run < 255 && bytes[at + run] === bytes[at]) run++;
    packed.push(run, bytes[at]);
    at += run;
  }
  return Uint8Array.from(packed);
}
