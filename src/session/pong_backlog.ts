// Limits the pongs buffered for a peer that sends pings but does not read.

import { copyBytes } from "../wire/frame_writer.ts";
import { MAX_CONTROL_PAYLOAD } from "../wire/opcode.ts";

/**
 * The maximum pongs written while the stream accepts no output; beyond it only the latest ping is
 * kept.
 */
export const MAX_WAITING_PONGS = 16;

/** Limits the buffered pongs of one connection. */
export class PongBacklog {
  #waiting = 0;
  #latest: Uint8Array | undefined;
  #latestLength = 0;

  /** Returns whether the pong may be written now; otherwise its payload replaces the kept one. */
  admit(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#waiting < MAX_WAITING_PONGS) {
      this.#waiting++;
      return true;
    }
    this.#latest ??= new Uint8Array(MAX_CONTROL_PAYLOAD);
    copyBytes(bytes, start, end, this.#latest, 0);
    this.#latestLength = end - start;
    return false;
  }

  /** The stream accepts output again: returns the payload of the deferred pong, if any. */
  release(): Uint8Array | undefined {
    const latest = this.#latest?.subarray(0, this.#latestLength);
    this.#waiting = 0;
    this.#latest = undefined;
    return latest;
  }
}
