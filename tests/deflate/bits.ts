// Writes valid and invalid DEFLATE streams bit by bit.

/** Codeword lengths by symbol. Other symbols have no codeword. */
export type Lengths = Record<number, number>;

/** Builds a stream. */
export class Bits {
  readonly #bits: number[] = [];

  /** Writes a number of `count` bits, least significant bit first (RFC 1951 3.1.1). */
  put(value: number, count: number): this {
    for (let bit = 0; bit < count; bit++) this.#bits.push(value >> bit & 1);
    return this;
  }

  /** Writes a Huffman codeword, most significant bit first (RFC 1951 3.1.1). */
  word(code: number, count: number): this {
    for (let bit = count - 1; bit >= 0; bit--) this.#bits.push(code >> bit & 1);
    return this;
  }

  /** Writes a block header: BFINAL and BTYPE (RFC 1951 3.2.3). */
  block(type: "stored" | "fixed" | "dynamic" | "reserved", last = false): this {
    const types = ["stored", "fixed", "dynamic", "reserved"];
    return this.put(last ? 1 : 0, 1).put(types.indexOf(type), 2);
  }

  /** Writes symbols of the fixed literal/length code (RFC 1951 3.2.6). */
  fixed(...symbols: number[]): this {
    for (const symbol of symbols) {
      if (symbol < 144) this.word(0x30 + symbol, 8);
      else if (symbol < 256) this.word(0x190 + symbol - 144, 9);
      else if (symbol < 280) this.word(symbol - 256, 7);
      else this.word(0xc0 + symbol - 280, 8);
    }
    return this;
  }

  /** Writes a symbol of the fixed distance code (RFC 1951 3.2.6). */
  fixedDistance(symbol: number): this {
    return this.word(symbol, 5);
  }

  /** Writes the end of a block with fixed codes. */
  fixedEnd(): this {
    return this.fixed(256);
  }

  /** Writes text as literals of the fixed code. */
  fixedText(text: string): this {
    return this.fixed(...Array.from(text, (character) => character.charCodeAt(0)));
  }

  /** Writes a complete stored block (RFC 1951 3.2.4). */
  stored(text: string, last = false): this {
    this.block("stored", last).align().put(text.length, 16).put(~text.length & 0xffff, 16);
    for (const character of text) this.put(character.charCodeAt(0), 8);
    return this;
  }

  /**
   * Writes the description of two codes (RFC 1951 3.2.7). Each length from 0 to 15 has a codeword of
   * four bits, and no length is repeated.
   */
  codes(
    literals: Lengths,
    distances: Lengths,
    literalCount = 257,
    distanceCount = 1,
  ): this {
    this.put(literalCount - 257, 5).put(distanceCount - 1, 5).put(19 - 4, 4);
    for (const symbol of [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]) {
      this.put(symbol < 16 ? 4 : 0, 3);
    }
    for (let symbol = 0; symbol < literalCount; symbol++) this.word(literals[symbol] ?? 0, 4);
    for (let symbol = 0; symbol < distanceCount; symbol++) this.word(distances[symbol] ?? 0, 4);
    return this;
  }

  /** Pads with zero bits up to a byte boundary. */
  align(): this {
    while (this.#bits.length % 8 !== 0) this.#bits.push(0);
    return this;
  }

  /** Writes the header of the empty stored block that ends a flush. */
  flush(): this {
    return this.block("stored").align();
  }

  /** Returns the bytes written so far. */
  bytes(): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(this.#bits.length / 8));
    this.#bits.forEach((bit, index) => bytes[index >> 3] |= bit << (index & 7));
    return bytes;
  }
}
