// Encodes messages and control frames directly into the output.

import { checkUtf8, checkUtf8End, encodeLongText, encodeText, UTF8_COMPLETE } from "./utf8.ts";
import {
  copyBytes,
  frameHeaderSize,
  type FrameOutput,
  type MaskSource,
  sealFrame,
  writeFrame,
} from "../wire/frame_writer.ts";
import {
  FIN,
  MAX_CONTROL_PAYLOAD,
  MAX_HEADER_SIZE,
  type MessageOpcode,
  Opcode,
  RSV1,
} from "../wire/opcode.ts";
import type { MessageCompression, MessageSlices } from "./message_compression.ts";

/**
 * From this many UTF-16 units, text is encoded into separate memory and copied: reserving the worst
 * case in the output, three bytes per unit, would cost more than the copy.
 */
const LONG_TEXT = 8192;

/** The memory for encoding text before it is compressed. */
const scratch = new Uint8Array(LONG_TEXT * 3);

/** From this many bytes, a message is compressed outside the output. */
const APART_FROM = 65_536;

/** The maximum size of the memory kept for that. */
const APART_SIZE = 1_048_576;

let apart: Uint8Array | undefined;

/**
 * Writes the messages and control frames of one endpoint.
 *
 * @example
 * ```ts
 * import { type FrameOutput, MessageWriter, Opcode } from "@quickws/quickws/core";
 *
 * let frame = new Uint8Array(0);
 * const output: FrameOutput = {
 *   reserve: (size) => frame = new Uint8Array(size),
 *   offset: 0,
 *   commit: (size) => console.log(frame.subarray(0, size)),
 * };
 * const writer = new MessageWriter(output);
 * writer.text("hi"); // Uint8Array(4) [129, 2, 104, 105]
 * writer.bytes(Opcode.Binary, Uint8Array.of(7, 8)); // Uint8Array(4) [130, 2, 7, 8]
 * writer.control(Opcode.Ping, new Uint8Array(0)); // Uint8Array(2) [137, 0]
 * ```
 *
 * @category Messages
 */
export class MessageWriter {
  readonly #output: FrameOutput;
  readonly #masks: MaskSource | undefined;
  /** Compresses messages, if negotiated. */
  readonly compression: MessageCompression | undefined;
  /** Whether the current fragmented message is compressed. */
  #compressesFragments = false;

  /**
   * Creates the writer of one direction.
   *
   * @param output Receives the frames.
   * @param masks The source of mask keys, for a client; a server does not mask.
   * @param compression Compresses messages, if negotiated.
   */
  constructor(output: FrameOutput, masks?: MaskSource, compression?: MessageCompression) {
    this.#output = output;
    this.#masks = masks;
    this.compression = compression;
  }

  /**
   * Writes a text message.
   *
   * @param compress `false` skips the negotiated compression.
   */
  text(text: string, compress = true): void {
    // At most three bytes per UTF-16 unit; the actual size is known after encoding.
    if (compress && this.compression?.wants(3 * text.length) && this.#compressedText(text)) return;
    if (text.length >= LONG_TEXT) {
      const bytes = encodeLongText(text);
      writeFrame(this.#output, FIN | Opcode.Text, bytes, 0, bytes.length, this.#masks);
      return;
    }
    const output = this.#output;
    const masked = this.#masks !== undefined;
    const memory = output.reserve(MAX_HEADER_SIZE + text.length * 3);
    const at = output.offset;
    // ASCII is already in place; other text may need a longer header and is moved.
    const guess = frameHeaderSize(text.length, masked);
    const length = encodeText(text, memory, at + guess);
    const headerSize = frameHeaderSize(length, masked);
    if (headerSize !== guess) {
      memory.copyWithin(at + headerSize, at + guess, at + guess + length);
    }
    sealFrame(memory, at, FIN | Opcode.Text, length, this.#masks);
    output.commit(headerSize + length);
  }

  /**
   * Writes a message given as bytes, which are copied; text must be UTF-8.
   *
   * @param compress `false` skips the negotiated compression.
   */
  bytes(opcode: MessageOpcode, payload: Uint8Array, compress = true): void {
    if (compress && this.compression !== undefined) {
      if (this.#compressed(opcode, payload, payload.length)) return;
    }
    // Inlines `writeFrame`, which saves a call per message.
    const output = this.#output;
    const { length } = payload;
    const headerSize = frameHeaderSize(length, this.#masks !== undefined);
    const memory = output.reserve(headerSize + length);
    const at = output.offset;
    copyBytes(payload, 0, length, memory, at + headerSize);
    sealFrame(memory, at, FIN | opcode, length, this.#masks);
    output.commit(headerSize + length);
  }

  /** Writes a message compressed in slices. */
  slices(opcode: MessageOpcode, slices: MessageSlices): void {
    const { size } = slices;
    const headerSize = frameHeaderSize(size, this.#masks !== undefined);
    const memory = this.#output.reserve(headerSize + size);
    const at = this.#output.offset;
    slices.writeTo(memory, at + headerSize);
    sealFrame(memory, at, FIN | RSV1 | opcode, size, this.#masks);
    this.#output.commit(headerSize + size);
  }

  /** Whether frames are masked, as required for clients (RFC 6455 section 5.1). */
  get isMasking(): boolean {
    return this.#masks !== undefined;
  }

  /** Whether a compressed fragmented message is in progress. */
  get compressesFragments(): boolean {
    return this.#compressesFragments;
  }

  /**
   * Writes a fragment of a message (RFC 6455 section 5.4). A fragment that is first and last is an
   * unfragmented message.
   *
   * @param compress `false` on the first fragment skips the negotiated compression.
   */
  fragment(
    opcode: MessageOpcode | typeof Opcode.Continuation,
    last: boolean,
    payload: Uint8Array,
    compress = true,
  ): void {
    if (opcode !== Opcode.Continuation) {
      if (last) {
        this.bytes(opcode, payload, compress);
        return;
      }
      this.#compressesFragments = compress && this.compression?.wantsFragments === true;
    }
    if (this.#compressesFragments) {
      this.#compressesFragments = !last;
      this.#compressedFragment(opcode, last, payload);
      return;
    }
    const first = (last ? FIN : 0) | opcode;
    writeFrame(this.#output, first, payload, 0, payload.length, this.#masks);
  }

  /**
   * Writes a control frame.
   *
   * @throws {RangeError} When the payload is over 125 bytes.
   */
  control(opcode: Opcode, payload: Uint8Array, start = 0, end: number = payload.length): void {
    // RFC 6455 5.5: "All control frames MUST have a payload length of 125 bytes or less".
    if (end - start > MAX_CONTROL_PAYLOAD) {
      throw new RangeError(
        `Cannot send a control frame: its payload must be at most ${MAX_CONTROL_PAYLOAD} bytes, ` +
          `got ${end - start}`,
      );
    }
    writeFrame(this.#output, FIN | opcode, payload, start, end, this.#masks);
  }

  #compressedText(text: string): boolean {
    if (text.length >= LONG_TEXT) {
      const bytes = encodeLongText(text);
      return this.#compressed(Opcode.Text, bytes, bytes.length);
    }
    return this.#compressed(Opcode.Text, scratch, encodeText(text, scratch, 0));
  }

  /** Returns whether the message was written, which requires that compression makes it shorter. */
  #compressed(opcode: MessageOpcode, payload: Uint8Array, length: number): boolean {
    const compression = this.compression!;
    if (!compression.wants(length)) return false;
    const room = compression.bound(length);
    // RFC 7692 6.1: RSV1 marks the first, here the only, frame of a compressed message.
    const first = FIN | RSV1 | opcode;
    if (length > APART_FROM) {
      return this.#compressedApart(
        first,
        room,
        (memory) => compression.deflate(payload, 0, length, memory, 0),
      );
    }
    const memory = this.#output.reserve(MAX_HEADER_SIZE + room);
    const at = this.#output.offset;
    const guess = at + frameHeaderSize(length, this.#masks !== undefined);
    const end = compression.deflate(payload, 0, length, memory, guess);
    if (end === -1) return false;
    this.#seal(memory, at, first, guess, end);
    return true;
  }

  /**
   * Compresses a long message or fragment into separate memory first: room for the worst case in
   * the output would be held until a slow peer has read the small result.
   *
   * @param first The first byte of the frame's header.
   * @param compress Compresses into the start of the memory, and returns the size, or -1.
   * @returns Whether the frame was written.
   */
  #compressedApart(first: number, room: number, compress: (memory: Uint8Array) => number): boolean {
    const memory = room > APART_SIZE ? new Uint8Array(room) : apart ??= new Uint8Array(APART_SIZE);
    const size = compress(memory);
    if (size === -1) return false;
    const target = this.#output.reserve(MAX_HEADER_SIZE + size);
    const at = this.#output.offset;
    const start = at + frameHeaderSize(size, this.#masks !== undefined);
    target.set(memory.subarray(0, size), start);
    this.#seal(target, at, first, start, start + size);
    return true;
  }

  #compressedFragment(
    opcode: MessageOpcode | typeof Opcode.Continuation,
    last: boolean,
    payload: Uint8Array,
  ): void {
    const compression = this.compression!;
    const { length } = payload;
    // RFC 7692 6.1: RSV1 is set on the first fragment only.
    const rsv1 = opcode === Opcode.Continuation ? 0 : RSV1;
    const first = (last ? FIN : 0) | rsv1 | opcode;
    const room = compression.bound(length);
    if (length > APART_FROM) {
      this.#compressedApart(
        first,
        room,
        (memory) => compression.deflateFragment(payload, 0, length, last, memory, 0),
      );
      return;
    }
    const memory = this.#output.reserve(MAX_HEADER_SIZE + room);
    const at = this.#output.offset;
    const guess = at + frameHeaderSize(length, this.#masks !== undefined);
    const end = compression.deflateFragment(payload, 0, length, last, memory, guess);
    this.#seal(memory, at, first, guess, end);
  }

  /** Completes the frame at `at` whose payload is at its estimated place, `memory[start..end)`. */
  #seal(memory: Uint8Array, at: number, first: number, start: number, end: number): void {
    const size = end - start;
    const headerSize = frameHeaderSize(size, this.#masks !== undefined);
    if (at + headerSize !== start) memory.copyWithin(at + headerSize, start, end);
    sealFrame(memory, at, first, size, this.#masks);
    this.#output.commit(headerSize + size);
  }
}

/**
 * Checks that the bytes of a text message are UTF-8.
 *
 * @throws {TypeError} When they are not UTF-8.
 */
export function checkTextBytes(bytes: Uint8Array): void {
  try {
    checkUtf8End(checkUtf8(UTF8_COMPLETE, bytes, 0, bytes.length));
  } catch (cause) {
    throw new TypeError("Cannot send text: the bytes are not UTF-8", { cause });
  }
}
