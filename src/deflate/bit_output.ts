// The compressed bytes in the making. Bits go in from the lowest on (RFC 1951 3.1.1); the loops
// over symbols take the fields into locals and put them back.

/** Bytes that a step may write over the end of what counts. */
const SLACK = 16;

/** Below this many bytes a loop has copied them before a view of them would be made. */
const SHORT = 64;

/** Packed bytes, and the bits that do not make a byte yet. */
export class BitOutput {
  /** The bytes, with room that the caller knows to be enough. */
  readonly bytes: Uint8Array;
  /** The same memory, to write words of 32 bits. */
  readonly view: DataView;
  /** How many bytes are complete. */
  position = 0;
  /** The bits behind them, the next one to be read lowest. */
  hold = 0;
  /** How many bits `hold` has: fewer than 8 between calls. */
  bits = 0;

  /** @param capacity The most bytes there will be between two calls of `take`. */
  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity + SLACK);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Starts anew. */
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

  /** Fills the last byte up with zero bits. */
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
   * Moves the complete bytes to `target[offset...]`, where there must be room for them, and returns
   * where they end there.
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
