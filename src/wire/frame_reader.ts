// Bytes to frames. Chunks may be split anywhere; a frame that lies whole in a chunk, the common case,
// is given on in one call, any other in pieces. Payloads are unmasked where they lie.

import {
  checkHeader,
  compressedLimit,
  type FrameRules,
  headerSize,
  readPayloadLength,
  tooManyFragments,
} from "./header.ts";
import { applyMask, readMaskKey, rotateMaskKey } from "./mask.ts";
import {
  CONTROL,
  FIN,
  MAX_CONTROL_PAYLOAD,
  MAX_HEADER_SIZE,
  Opcode,
  OPCODE_BITS,
  RSV1,
} from "./opcode.ts";

/** Where a {@linkcode FrameReader} delivers frames whose headers are legal. */
export interface FrameSink {
  /**
   * A whole frame. Its unmasked payload is `bytes[start..end)`, a part of the chunk that was read.
   *
   * @param first The header's first byte: FIN, RSV1, opcode.
   */
  frame(first: number, bytes: Uint8Array, start: number, end: number): void;

  /** A frame of `length` bytes of payload begins, which follows in pieces. */
  frameStart(first: number, length: number): void;

  /** The next unmasked piece of the payload of the frame under way. */
  framePiece(bytes: Uint8Array, start: number, end: number): void;

  /** The frame under way is complete. */
  frameEnd(): void;
}

/**
 * Reads frames (RFC 6455 section 5.2) from chunks of bytes.
 *
 * @example
 * ```ts
 * import { FrameReader } from "@quickws/quickws/core";
 *
 * const reader = new FrameReader(
 *   { masked: false, rsv1: false, maxMessageSize: 1024, maxFragments: 16 },
 *   {
 *     frame: (first, bytes, start, end) => console.log(first & 15, bytes.subarray(start, end)),
 *     frameStart: () => {},
 *     framePiece: () => {},
 *     frameEnd: () => {},
 *   },
 * );
 * reader.read(new Uint8Array([0x82, 2, 7, 8])); // prints: 2 Uint8Array [7, 8]
 * ```
 */
export class FrameReader {
  readonly #rules: FrameRules;
  readonly #sink: FrameSink;
  /** The start of a header that a chunk's end cut off; allocated only while there is one. */
  #header: Uint8Array | undefined;
  #headerLength = 0;
  /** Payload bytes of the frame under way that have not arrived. */
  #missing = 0;
  /** The mask key as it applies to the next payload byte. */
  #maskKey = 0;
  #inMessage = false;
  #messageSize = 0;
  #messageLimit = 0;
  #fragments = 0;
  #stopped = false;

  /**
   * Makes a reader at the start of a stream.
   *
   * @param rules What every header is checked against.
   * @param sink Where frames are delivered.
   */
  constructor(rules: FrameRules, sink: FrameSink) {
    this.#rules = rules;
    this.#sink = sink;
  }

  /** Whether the input so far ends in the middle of a frame or of a fragmented message. */
  get midMessage(): boolean {
    return this.#headerLength > 0 || this.#missing > 0 || this.#inMessage;
  }

  /**
   * Reads `bytes[start..end)`, whose memory must be the reader's to change.
   *
   * @returns The offset behind the last byte read: `end`, unless {@linkcode FrameReader.stop} was
   * called meanwhile; the caller then keeps the rest for {@linkcode FrameReader.go}.
   * @throws {ProtocolError} When a header breaks a rule. The reader is of no further use then.
   * @throws {MessageTooBigError} When a message is announced that is over the limit.
   * @throws {WebSocketError} `TOO_MANY_FRAGMENTS` when a message has too many frames.
   */
  read(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
    let at = start;
    while (at < end && !this.#stopped) {
      at = this.#missing > 0 ? this.#readPiece(bytes, at, end) : this.#readFrame(bytes, at, end);
    }
    return at;
  }

  /** Makes {@linkcode FrameReader.read} return after the frame it is at. */
  stop(): void {
    this.#stopped = true;
  }

  /** Makes {@linkcode FrameReader.read} read again. */
  go(): void {
    this.#stopped = false;
  }

  #readFrame(bytes: Uint8Array, at: number, end: number): number {
    if (this.#headerLength > 0) return this.#readSplitHeader(bytes, at, end);
    if (end - at < 2) return this.#keepHeader(bytes, at, end);
    const second = bytes[at + 1];
    checkHeader(bytes[at], second, this.#rules, this.#inMessage);
    const size = headerSize(second);
    if (end - at < size) return this.#keepHeader(bytes, at, end);
    return this.#readPayload(bytes, at, size, bytes, at + size, end);
  }

  #keepHeader(bytes: Uint8Array, at: number, end: number): number {
    this.#header = new Uint8Array(MAX_HEADER_SIZE);
    for (let i = at; i < end; i++) this.#header[this.#headerLength++] = bytes[i];
    return end;
  }

  #readSplitHeader(bytes: Uint8Array, at: number, end: number): number {
    const header = this.#header!;
    while (at < end) {
      header[this.#headerLength++] = bytes[at++];
      // The first two bytes are judged as soon as they are there, not when the header is whole.
      if (this.#headerLength === 2) checkHeader(header[0], header[1], this.#rules, this.#inMessage);
      if (this.#headerLength >= 2 && this.#headerLength === headerSize(header[1])) {
        const size = this.#headerLength;
        this.#header = undefined;
        this.#headerLength = 0;
        return this.#readPayload(header, 0, size, bytes, at, end);
      }
    }
    return at;
  }

  /** Reads the frame whose header is `header[from..from + size)` and whose payload begins at `at`. */
  #readPayload(
    header: Uint8Array,
    from: number,
    size: number,
    bytes: Uint8Array,
    at: number,
    end: number,
  ): number {
    const first = header[from];
    const length = this.#countFrame(first, header, from);
    const key = this.#rules.masked ? readMaskKey(header, from + size - 4) : 0;
    const frameEnd = at + length;
    if (frameEnd <= end) {
      if (this.#rules.masked) applyMask(bytes, at, frameEnd, key);
      this.#sink.frame(first, bytes, at, frameEnd);
      return frameEnd;
    }
    this.#missing = length;
    this.#maskKey = key;
    this.#sink.frameStart(first, length);
    return at;
  }

  /** Returns the payload length after charging the frame to its message's limits. */
  #countFrame(first: number, header: Uint8Array, from: number): number {
    const opcode = first & OPCODE_BITS;
    const { maxMessageSize, maxFragments } = this.#rules;
    if ((opcode & CONTROL) !== 0) return readPayloadLength(header, from, MAX_CONTROL_PAYLOAD);
    if (opcode !== Opcode.Continuation) {
      this.#messageSize = 0;
      this.#messageLimit = (first & RSV1) === 0 ? maxMessageSize : compressedLimit(maxMessageSize);
      this.#fragments = 0;
    }
    if (++this.#fragments > maxFragments) throw tooManyFragments(maxFragments);
    const length = readPayloadLength(header, from, this.#messageLimit - this.#messageSize);
    this.#messageSize += length;
    this.#inMessage = (first & FIN) === 0;
    return length;
  }

  #readPiece(bytes: Uint8Array, at: number, end: number): number {
    const pieceEnd = Math.min(end, at + this.#missing);
    const size = pieceEnd - at;
    if (this.#rules.masked) {
      applyMask(bytes, at, pieceEnd, this.#maskKey);
      this.#maskKey = rotateMaskKey(this.#maskKey, size);
    }
    this.#missing -= size;
    this.#sink.framePiece(bytes, at, pieceEnd);
    if (this.#missing === 0) this.#sink.frameEnd();
    return pieceEnd;
  }
}
