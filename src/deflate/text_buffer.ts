// The bytes an encoder looks at: what may be referred back to, and behind it a piece of the
// message. One buffer for all messages, of a size that does not depend on them; a long message
// comes through it in pieces, and the window before each piece stays.

/** The largest window (RFC 1951 2). */
const WINDOW = 32 * 1024;

/** The most bytes of a message that are looked at together. */
export const PIECE: number = 64 * 1024;

/** Zeros behind the text, for words that are read across its end. */
const PADDING = 8;

/** The text, from 0 to `end`. */
export class TextBuffer {
  /** The memory. */
  readonly bytes: Uint8Array = new Uint8Array(WINDOW + PIECE + PADDING);
  /** The same memory, to read words of 32 bits. */
  readonly view: DataView = new DataView(this.bytes.buffer);
  /** Where the piece begins; what is before it has been seen. */
  start = 0;
  /** Where the text ends. */
  end = 0;

  /** Starts anew with `history[0..length)` as what has been seen. */
  open(history: Uint8Array, length: number): void {
    if (length > 0) {
      this.bytes.set(length === history.length ? history : history.subarray(0, length));
    }
    this.start = length;
    this.end = length;
  }

  /**
   * Appends the next piece, `source[from..to)` of at most {@linkcode PIECE} bytes. Returns by how
   * much the text before it had to move down.
   */
  append(source: Uint8Array, from: number, to: number): number {
    let moved = 0;
    if (this.end > WINDOW) {
      moved = this.end - WINDOW;
      this.bytes.copyWithin(0, moved, this.end);
      this.end = WINDOW;
    }
    this.start = this.end;
    // Whole arrays are spared the view.
    const whole = from === 0 && to === source.length;
    this.bytes.set(whole ? source : source.subarray(from, to), this.start);
    this.end += to - from;
    this.view.setInt32(this.end, 0);
    this.view.setInt32(this.end + 4, 0);
    return moved;
  }
}
