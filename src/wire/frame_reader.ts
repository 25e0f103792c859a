// Parses frames from chunks that may be split anywhere. A frame contained in one chunk, the common
// case, is delivered in one call, others in pieces. Payloads are unmasked in place.

import { WebSocketError } from "../errors.ts";
import { CloseCode } from "./close.ts";
import {
  checkHeader,
  compressedLimit,
  type FrameRules,
  headerSize,
  readPayloadLength,
  tooManyFragments,
} from "./header.ts";
import {
  applyMask,
  maskAgain,
  maskFrames,
  readMaskKey,
  rotateMaskKey,
  SIMD_THRESHOLD,
} from "./mask.ts";
import {
  CONTROL,
  FIN,
  MASK,
  MAX_CONTROL_PAYLOAD,
  MAX_HEADER_SIZE,
  Opcode,
  RSV1,
} from "./opcode.ts";

const WHOLE_TEXT = FIN | Opcode.Text;
const WHOLE_BINARY = FIN | Opcode.Binary;

/**
 * Receives valid frames from a {@linkcode FrameReader}.
 *
 * @category Frames
 */
export interface FrameSink {
  /**
   * A whole frame. Its unmasked payload is `bytes[start..end)`, in the memory of the chunk.
   *
   * @param first The first header byte: FIN, RSV1, opcode.
   */
  frame(first: number, bytes: Uint8Array, start: number, end: number): void;

  /** A frame with a payload of `length` bytes begins; the payload follows in pieces. */
  frameStart(first: number, length: number): void;

  /** The next unmasked piece of the current frame's payload. */
  framePiece(bytes: Uint8Array, start: number, end: number): void;

  /** The current frame is complete. */
  frameEnd(): void;
}

/** A frame split over chunks: collects its header, then passes on its payload in pieces. */
class SplitFrame {
  /** The header, until it is complete. */
  header: Uint8Array | undefined;
  headerLength = 0;
  /** Missing payload bytes. */
  missing = 0;
  /** The mask key, rotated for the next payload byte. */
  maskKey = 0;
}

/** A message whose last fragment has not begun. */
class FragmentedMessage {
  size = 0;
  fragments = 0;
  readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }
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
 *
 * @category Frames
 */
export class FrameReader<Sink extends FrameSink = FrameSink> {
  readonly #rules: FrameRules;
  /** Receives the frames. */
  readonly sink: Sink;
  // Present only while needed: most connections are idle.
  #frame: SplitFrame | undefined;
  #message: FragmentedMessage | undefined;
  #stopped = false;

  /**
   * Creates a reader at the start of a stream.
   *
   * @param rules The rules for every header.
   * @param sink Receives the frames.
   */
  constructor(rules: FrameRules, sink: Sink) {
    this.#rules = rules;
    this.sink = sink;
  }

  /** Whether the input so far ends inside a frame or fragmented message. */
  get midMessage(): boolean {
    return this.#frame !== undefined || this.#message !== undefined;
  }

  /**
   * Reads `bytes[start..end)` and may change the memory.
   *
   * @returns The offset after the last byte read: `end`, unless {@linkcode FrameReader.stop} was
   * called; the caller then keeps the rest for {@linkcode FrameReader.resume}.
   * @throws {ProtocolError} When a header violates a rule. The reader is then unusable.
   * @throws {MessageTooBigError} When a header announces a message over the limit.
   * @throws {WebSocketError} `TOO_MANY_FRAGMENTS` when a message has too many frames;
   * `BUFFER_DETACHED` when the sink detached the memory of `bytes`.
   */
  read(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
    const { masked, maxMessageSize } = this.#rules;
    let at = start;
    // The end of the frames that are unmasked already.
    let clear = start;
    // The common frame is complete in its chunk and read in this function.
    while (at < end && !this.#stopped) {
      // The receiver of the previous frame may have detached this memory.
      if (bytes.length < end) throw bufferDetached();
      if (this.#frame !== undefined) {
        at = this.#readSplit(this.#frame, bytes, at, end);
        continue;
      }
      if (end - at < 2) return this.#keepHeader(bytes, at, end);
      const first = bytes[at];
      const second = bytes[at + 1];
      // A single-frame message, the common case, can only violate length rules.
      const isWhole = (first === WHOLE_TEXT || first === WHOLE_BINARY) &&
        this.#message === undefined && (second & MASK) !== 0 === masked;
      if (!isWhole) checkHeader(first, second, this.#rules, this.#message !== undefined);
      const payload = at + headerSize(second);
      if (payload > end) return this.#keepHeader(bytes, at, end);
      const length = isWhole
        ? readPayloadLength(bytes, at, maxMessageSize)
        : this.#countFrame(first, bytes, at);
      const frameStart = at;
      at = payload + length;
      if (at > end) {
        this.#startFrame(first, length, masked ? readMaskKey(bytes, payload - 4) : 0);
        at = payload;
        continue;
      }
      if (masked && at > clear) {
        if (length >= SIMD_THRESHOLD) {
          // The view for the mask is also that of the message: views are slow on JavaScriptCore.
          const view = bytes.subarray(payload, at);
          applyMask(view, 0, length, readMaskKey(bytes, payload - 4));
          this.sink.frame(first, view, 0, length);
          continue;
        }
        clear = maskFrames(bytes, frameStart, end, at - frameStart);
        if (at > clear) applyMask(bytes, payload, at, readMaskKey(bytes, payload - 4));
      }
      this.sink.frame(first, bytes, payload, at);
    }
    // The rest is read later, unless its memory is detached.
    if (at < clear && bytes.length >= end) maskAgain(bytes, at, clear);
    return at;
  }

  /** Makes {@linkcode FrameReader.read} return after the current frame. */
  stop(): void {
    this.#stopped = true;
  }

  /** Undoes {@linkcode FrameReader.stop}. */
  resume(): void {
    this.#stopped = false;
  }

  #keepHeader(bytes: Uint8Array, at: number, end: number): number {
    const frame = this.#frame = new SplitFrame();
    frame.header = new Uint8Array(MAX_HEADER_SIZE);
    while (at < end) frame.header[frame.headerLength++] = bytes[at++];
    return end;
  }

  #readSplit(frame: SplitFrame, bytes: Uint8Array, at: number, end: number): number {
    return frame.header === undefined
      ? this.#readPiece(frame, bytes, at, end)
      : this.#readHeader(frame, frame.header, bytes, at, end);
  }

  #readHeader(
    frame: SplitFrame,
    header: Uint8Array,
    bytes: Uint8Array,
    at: number,
    end: number,
  ): number {
    while (at < end) {
      header[frame.headerLength++] = bytes[at++];
      const size = frame.headerLength;
      // The first two bytes are checked as soon as they arrive, before the header is complete.
      if (size === 2) checkHeader(header[0], header[1], this.#rules, this.#message !== undefined);
      if (size >= 2 && size === headerSize(header[1])) {
        this.#frame = undefined;
        return this.#readPayload(header, size, bytes, at, end);
      }
    }
    return at;
  }

  /** Reads the payload of a frame with a split header, from `at`. */
  #readPayload(
    header: Uint8Array,
    size: number,
    bytes: Uint8Array,
    at: number,
    end: number,
  ): number {
    const first = header[0];
    const length = this.#countFrame(first, header, 0);
    const key = this.#rules.masked ? readMaskKey(header, size - 4) : 0;
    const frameEnd = at + length;
    if (frameEnd > end) {
      this.#startFrame(first, length, key);
      return at;
    }
    if (this.#rules.masked) applyMask(bytes, at, frameEnd, key);
    this.sink.frame(first, bytes, at, frameEnd);
    return frameEnd;
  }

  /** Begins a frame whose payload is incomplete in this chunk. */
  #startFrame(first: number, length: number, key: number): void {
    const frame = this.#frame = new SplitFrame();
    frame.missing = length;
    frame.maskKey = key;
    this.sink.frameStart(first, length);
  }

  /** Returns the payload length and counts the frame toward the message limits. */
  #countFrame(first: number, header: Uint8Array, from: number): number {
    const { maxMessageSize, maxFragments } = this.#rules;
    if ((first & CONTROL) !== 0) return readPayloadLength(header, from, MAX_CONTROL_PAYLOAD);
    const limit = (first & RSV1) === 0 ? maxMessageSize : compressedLimit(maxMessageSize);
    const isWhole = (first & FIN) !== 0 && this.#message === undefined;
    if (isWhole) return readPayloadLength(header, from, limit);
    const message = this.#message ?? new FragmentedMessage(limit);
    if (++message.fragments > maxFragments) throw tooManyFragments(maxFragments);
    const length = readPayloadLength(header, from, message.limit - message.size);
    message.size += length;
    this.#message = (first & FIN) === 0 ? message : undefined;
    return length;
  }

  #readPiece(frame: SplitFrame, bytes: Uint8Array, at: number, end: number): number {
    const pieceEnd = Math.min(end, at + frame.missing);
    const size = pieceEnd - at;
    let start = at;
    if (this.#rules.masked) {
      if (size >= SIMD_THRESHOLD) {
        bytes = bytes.subarray(at, pieceEnd);
        start = 0;
      }
      applyMask(bytes, start, start + size, frame.maskKey);
      frame.maskKey = rotateMaskKey(frame.maskKey, size);
    }
    frame.missing -= size;
    if (frame.missing === 0) this.#frame = undefined;
    this.sink.framePiece(bytes, start, start + size);
    if (frame.missing === 0) this.sink.frameEnd();
    return pieceEnd;
  }
}

/**
 * The error for a detached chunk: user code transferred the buffer of a message, which other
 * messages of the chunk share.
 */
export function bufferDetached(): WebSocketError {
  return new WebSocketError(
    "BUFFER_DETACHED",
    "The buffer of a message, ping or pong was transferred, but it also contained later messages: " +
      'transfer a copy, data.slice(). For binary messages only, binaryType: "arraybuffer" also helps',
    { closeCode: CloseCode.InternalError },
  );
}
