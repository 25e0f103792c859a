// Messages and control frames to frames, written straight into the output.

import { checkUtf8, checkUtf8End, encodeLongText, encodeText, UTF8_COMPLETE } from "./utf8.ts";
import {
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
} from "../wire/opcode.ts";

/**
 * From this many UTF-16 units on, text is encoded to memory of its own and copied: room for the worst
 * case in the output, three bytes a unit, would cost more than the copy.
 */
const LONG_TEXT = 8192;

/** Writes what one endpoint sends. */
export class MessageWriter {
  readonly #output: FrameOutput;
  readonly #masks: MaskSource | undefined;

  /**
   * Makes the writer of one direction.
   *
   * @param output Where frames are written.
   * @param masks The source of mask keys, for a client; a server masks nothing.
   */
  constructor(output: FrameOutput, masks: MaskSource | undefined) {
    this.#output = output;
    this.#masks = masks;
  }

  /** Writes a text message. */
  text(text: string): void {
    if (text.length >= LONG_TEXT) {
      this.bytes(Opcode.Text, encodeLongText(text));
      return;
    }
    const output = this.#output;
    const masked = this.#masks !== undefined;
    const memory = output.reserve(MAX_HEADER_SIZE + text.length * 3);
    const at = output.offset;
    // ASCII gets its final place at once; other text may need the longer header and moves over.
    const guess = frameHeaderSize(text.length, masked);
    const length = encodeText(text, memory, at + guess);
    const headerSize = frameHeaderSize(length, masked);
    if (headerSize !== guess) {
      memory.copyWithin(at + headerSize, at + guess, at + guess + length);
    }
    sealFrame(memory, at, FIN | Opcode.Text, length, this.#masks);
    output.commit(headerSize + length);
  }

  /** Writes a message of bytes, which are copied; text must be UTF-8 already. */
  bytes(opcode: MessageOpcode, payload: Uint8Array): void {
    writeFrame(this.#output, FIN | opcode, payload, 0, payload.length, this.#masks);
  }

  /** Writes a frame of a message that is sent in fragments (RFC 6455 section 5.4). */
  fragment(
    opcode: MessageOpcode | typeof Opcode.Continuation,
    last: boolean,
    payload: Uint8Array,
  ): void {
    writeFrame(this.#output, (last ? FIN : 0) | opcode, payload, 0, payload.length, this.#masks);
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
}

/**
 * Checks that bytes given as text are UTF-8.
 *
 * @throws {TypeError} When they are not.
 */
export function checkTextBytes(bytes: Uint8Array): void {
  try {
    checkUtf8End(checkUtf8(UTF8_COMPLETE, bytes, 0, bytes.length));
  } catch (cause) {
    throw new TypeError("Cannot send text: the bytes are not UTF-8", { cause });
  }
}
