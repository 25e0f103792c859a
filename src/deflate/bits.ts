// Reads and writes compressed data bit by bit, lowest bit first (RFC 1951 3.1.1), and defines the
// error for invalid data.

/**
 * Why a message could not be inflated: `"corrupt"` when its bytes violate RFC 1951, `"too-big"`
 * when it inflates to more than the caller's limit.
 *
 * @category Errors
 */
export type InflateErrorCode = "corrupt" | "too-big";

/**
 * A message cannot be inflated. Message data never causes any other error.
 *
 * @example
 * ```ts
 * import { inflate, InflateError } from "@quickws/quickws/core";
 *
 * try {
 *   inflate(Uint8Array.of(0x07), 0, 1, 1024);
 * } catch (error) {
 *   console.log(error instanceof InflateError && error.code); // corrupt
 * }
 * ```
 *
 * @category Errors
 */
export class InflateError extends Error {
  /** The name of the class, also in serialized errors. */
  override readonly name = "InflateError";
  /** The reason, which distinguishes corrupt data from a limit. */
  readonly code: InflateErrorCode;

  /**
   * Creates an error.
   *
   * @param code Why it failed.
   * @param message The violated rule or the limit.
   */
  constructor(code: InflateErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Throws the error for data that violates RFC 1951. */
export function corrupt(message: string): never {
  throw new InflateError("corrupt", message);
}

// Reads compressed data bit by bit, lowest bit first (RFC 1951 3.1.1). The methods are checked
// steps for block headers; the loop over symbols keeps the fields in locals and stores them back.
//
// Zeros follow the end of a message to avoid a check per bit; `checkNotPastEnd` detects consumed
// zeros.

const NO_BYTES = new Uint8Array(0);

/** The bytes that one iteration of the loop over symbols may read: 3 and 3 and 3 and 2. */
const TURN = 11;

/** The padding bytes that the loop may read before it detects the end of the message. */
const OVERRUN = 4;

/** Whole bytes that `hold` can contain besides those of an iteration. */
const HELD = 3;

/** The reading position. */
export class BitInput {
  /** The bytes of the message, or a copy of its last bytes followed by zeros. */
  bytes: Uint8Array = NO_BYTES;
  /** The index of the next byte for `hold`; exceeds `end` in the zeros. */
  position = 0;
  /** The end of the message. */
  end = 0;
  /** The bits read but not consumed, the next one lowest. */
  hold = 0;
  /** The number of bits in `hold`. */
  bits = 0;
  /** The last position where the loop over symbols may start an iteration. */
  fastEnd = 0;
  /** Whether this writer owns `bytes`: no other code writes to it. */
  #isOwn = false;
  readonly #tail = new Uint8Array(HELD + TURN + OVERRUN + TURN);

  /** Starts on the message `bytes[start..end)`. */
  open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
    this.hold = 0;
    this.bits = 0;
    this.fastEnd = end - TURN;
  }

  /** Releases the message's memory. */
  close(): void {
    this.bytes = NO_BYTES;
    this.#isOwn = false;
  }

  /**
   * Copies the rest of the message, whose memory may be overwritten later.
   *
   * @param isOwn Whether no other code writes to it, so that no copy is needed. Default: `false`.
   */
  keep(isOwn = false): void {
    if (this.#isOwn || this.bytes === this.#tail) return;
    if (isOwn) {
      this.#isOwn = true;
      return;
    }
    // Whole bytes in `hold` may be read again.
    const from = Math.max(0, this.position - (this.bits >> 3));
    this.bytes = this.bytes.slice(from, this.end);
    this.position -= from;
    this.end -= from;
    this.fastEnd -= from;
    this.#isOwn = true;
  }

  /**
   * Continues in a copy of the rest followed by zeros when less than one iteration remains. A
   * message that needs more than the zeros is rejected: it ends inside a block.
   */
  enterTail(): void {
    const tail = this.#tail;
    if (this.bytes === tail) corrupt("message ends within a block");
    // Whole bytes in `hold` are copied too, because a stored block may begin at one of them.
    this.position -= this.bits >> 3;
    this.bits &= 7;
    this.hold &= (1 << this.bits) - 1;
    let length = 0;
    for (let from = this.position; from < this.end; from++) tail[length++] = this.bytes[from];
    tail.fill(0, length);
    this.bytes = tail;
    this.position = 0;
    this.end = length;
    this.fastEnd = length + OVERRUN;
  }

  /** Consumes `count` bits, at most 16, as a number. */
  take(count: number): number {
    while (this.bits < count) {
      if (this.position < this.end) this.hold |= this.bytes[this.position] << this.bits;
      this.position++;
      this.bits += 8;
    }
    const value = this.hold & (1 << count) - 1;
    this.hold >>>= count;
    this.bits -= count;
    return value;
  }

  /** Skips to the next byte boundary; whole bytes in `hold` are read again from there. */
  alignToByte(): void {
    this.position -= this.bits >> 3;
    this.hold = 0;
    this.bits = 0;
    this.checkNotPastEnd();
  }

  /** Rejects a message if more bits than it has were consumed. */
  checkNotPastEnd(): void {
    if (this.position - (this.bits >> 3) > this.end) corrupt("message ends within a block");
  }
}

// The compressed output. Bits are added lowest first (RFC 1951 3.1.1); the loops over symbols keep
// the fields in locals and store them back.

/** Bytes that a step may write past the end of the output. */
const SLACK = 16;

/** Below this size copying in a loop is faster than creating a view. */
const SHORT = 64;

/** Complete bytes, and the bits of an incomplete one. */
export class BitOutput {
  /** The bytes; the caller guarantees enough room. */
  readonly bytes: Uint8Array;
  /** The same memory, to write words of 32 bits. */
  readonly view: DataView;
  /** The number of complete bytes. */
  position = 0;
  /** The bits after them, first bit lowest. */
  hold = 0;
  /** The number of bits in `hold`: fewer than 8 between calls. */
  bits = 0;

  /** @param capacity The maximum number of bytes between two calls of `take`. */
  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity + SLACK);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Resets the output. */
  open(): void {
    this.position = 0;
    this.hold = 0;
    this.bits = 0;
  }

  /** Appends the `count` bits of `value`, at most 24. */
  put(value: number, count: number): void {
    const hold = this.hold | value << this.bits;
    const bits = this.bits + count;
    this.view.setInt32(this.position, hold, true);
    this.position += bits >>> 3;
    this.hold = hold >>> (bits & 24);
    this.bits = bits & 7;
  }

  /** Pads the last byte with zero bits. */
  alignToByte(): void {
    if (this.bits > 0) this.bytes[this.position++] = this.hold;
    this.hold = 0;
    this.bits = 0;
  }

  /** Appends `source[from..to)` on a byte boundary. */
  copy(source: Uint8Array, from: number, to: number): void {
    this.bytes.set(source.subarray(from, to), this.position);
    this.position += to - from;
  }

  /**
   * Moves the complete bytes to `target[offset...]`, which must have room, and returns their end
   * offset.
   */
  take(target: Uint8Array, offset: number): number {
    const length = this.position;
    const bytes = this.bytes;
    if (length < SHORT) {
      for (let index = 0; index < length; index++) target[offset + index] = bytes[index];
    } else {
      target.set(bytes.subarray(0, length), offset);
    }
    this.position = 0;
    return offset + length;
  }
}
