// Reads the mask keys of a client's frames (RFC 6455 5.3) separately, because the frame reader does not
// report them.

import { headerSize, readMaskKey, readPayloadLength } from "@quickws/quickws/core";

/** No examined frame is longer. */
const MAX_PAYLOAD = 2 ** 31;

/** Collects the mask keys of a stream of frames. */
export class MaskKeys {
  readonly #keys: number[] = [];
  #header: number[] = [];
  /** The remaining payload bytes to skip. */
  #payload = 0;

  /** The keys so far, one for each frame that is masked. */
  get keys(): readonly number[] {
    return this.#keys;
  }

  /** Whether a key was used twice. */
  get repeated(): boolean {
    return new Set(this.#keys).size < this.#keys.length;
  }

  /** Reads the next bytes, whose headers must be legal. */
  read(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#payload > 0) {
        const passed = Math.min(this.#payload, chunk.length - at);
        this.#payload -= passed;
        at += passed;
        continue;
      }
      this.#header.push(chunk[at++]);
      const { length } = this.#header;
      if (length < 2 || length < headerSize(this.#header[1])) continue;
      const header = Uint8Array.from(this.#header);
      this.#header = [];
      this.#payload = readPayloadLength(header, 0, MAX_PAYLOAD);
      if ((header[1] & 0x80) !== 0) this.#keys.push(readMaskKey(header, length - 4));
    }
  }
}
