/*
 * The compressed bytes as bits, lowest bit first (RFC 1951 3.1.1). This is the careful reader of
 * block headers; the loop over symbols takes its fields into locals and puts them back.
 */

import { corrupt } from "./inflate_error.ts";

const NO_BYTES = new Uint8Array(0);

/** Bytes that one turn of the loop over symbols may read: 3 and 3 and 2. */
const TURN = 11;

/** Made-up bytes behind the end that the loop may begin to read before it must have noticed. */
const OVERRUN = 4;

/** Where reading has come to. */
export class BitInput {
  /** The bytes of the message. */
  bytes: Uint8Array = NO_BYTES;
  /** The next byte to go into `hold`; beyond `end` by the zero bytes that were made up. */
  position = 0;
  /** Where the message ends. */
  end = 0;
  /** Bits that were read and not consumed, the next one lowest. */
  hold = 0;
  /** How many bits of `hold` count. */
  bits = 0;
  /** The last position from which the loop over symbols may read a turn without looking. */
  fastEnd = 0;
  /** The last bytes of a message, and zeros for the loop to run into. */
  readonly #tail = new Uint8Array(2 * TURN + OVERRUN + TURN);

  /** Starts on another message. */
  open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
    this.hold = 0;
    this.bits = 0;
    this.fastEnd = end - TURN;
  }

  /**
   * Moves what is left of the message, less than a turn, to where zeros follow it.
   */
  enterTail(): void {
    const tail = this.#tail;
    if (this.bytes === tail) corrupt("message ends within a block");
    // Whole bytes in hand are moved too, for a stored block to begin with.
    this.position -= this.bits >> 3;
    this.bits &= 7;
    this.hold &= (1 << this.bits) - 1;
    let length = 0;
    for (let from = this.position; from < this.end;) tail[length++] = this.bytes[from++];
    tail.fill(0, length);
    this.bytes = tail;
    this.position = 0;
    this.end = length;
    this.fastEnd = length + OVERRUN;
  }

  /** Lets go of the message's memory. */
  close(): void {
    this.bytes = NO_BYTES;
  }

  /** Consumes `count` bits, at most 16, as a number. */
  take(count: number): number {
    this.refill(count);
    const value = this.hold & (1 << count) - 1;
    this.hold >>>= count;
    this.bits -= count;
    return value;
  }

  /**
   * Makes at least `count` bits available, at most 24: bits beyond the end are zero, to be refused
   * by {@linkcode BitInput.checkNotPastEnd} if they are consumed.
   */
  refill(count: number): void {
    while (this.bits < count) {
      if (this.position < this.end) this.hold |= this.bytes[this.position] << this.bits;
      this.position++;
      this.bits += 8;
    }
  }

  /** Refuses input whose bits are not enough: `count` bits of those in `hold` are needed. */
  checkNotPastEnd(count = 0): void {
    if (this.position - (this.bits - count >> 3) > this.end) corrupt("message ends within a block");
  }

  /** Goes to the next byte boundary; whole bytes in `hold` are read again from there. */
  alignToByte(): void {
    this.position -= this.bits >> 3;
    this.hold = 0;
    this.bits = 0;
  }
}
