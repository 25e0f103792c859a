// A message encoded once for many receivers.

import { FIN, type MessageOpcode, Opcode, RSV1 } from "../wire/opcode.ts";
import { frameHeaderSize, sealFrame } from "../wire/frame_writer.ts";
import type { MessageCompression, MessageSlices } from "./message_compression.ts";
import { decodeText, encodeLongText } from "./utf8.ts";

/**
 * A message encoded once by `prepareMessage` for many connections. It is immutable; connections may
 * keep its bytes until they are sent.
 *
 * @example
 * ```ts
 * import { type PreparedMessage, prepareMessage, serve } from "@quickws/quickws";
 *
 * const news: PreparedMessage = prepareMessage("the news");
 * await using server = await serve({ port: 0, open: (conn) => conn.sendPrepared(news) });
 * ```
 *
 * @category Connection
 */
export class PreparedMessage {
  /** Whether it is text or binary. */
  readonly opcode: MessageOpcode;
  /** The whole frame as sent by a server: header and unmasked payload. */
  readonly frame: Uint8Array;
  readonly #payloadStart: number;
  /** The compressed frames, by `shareKey` of the compression. */
  #compressed: Map<string, Uint8Array> | undefined;
  /** The same during compression in slices. */
  #slices: Map<string, MessageSlices> | undefined;
  #text: string | undefined;

  /**
   * Encodes a message.
   *
   * @param data A string is sent as text, bytes as binary; bytes are copied.
   * @param opcode The type for bytes: text if they are UTF-8. Default: binary.
   */
  constructor(data: string | Uint8Array, opcode: MessageOpcode = Opcode.Binary) {
    const payload = typeof data === "string" ? encodeLongText(data) : data;
    this.opcode = typeof data === "string" ? Opcode.Text : opcode;
    this.#payloadStart = frameHeaderSize(payload.length, false);
    this.frame = new Uint8Array(this.#payloadStart + payload.length);
    this.frame.set(payload, this.#payloadStart);
    sealFrame(this.frame, 0, FIN | this.opcode, payload.length, undefined);
  }

  /**
   * The whole compressed frame as sent by a server, compressed once for all connections that share
   * it.
   *
   * @returns `undefined` if the output depends on earlier messages.
   */
  frameFor(compression: MessageCompression): Uint8Array | undefined {
    const length = this.frame.length - this.#payloadStart;
    if (!compression.wants(length)) return this.frame;
    const key = compression.shareKey;
    if (key === undefined) return undefined;
    this.#compressed ??= new Map();
    let frame = this.#compressed.get(key);
    if (frame === undefined) {
      frame = this.#compress(compression);
      this.#compressed.set(key, frame);
    }
    return frame;
  }

  /**
   * The slices of a long message, compressed once for all connections that share the compression.
   *
   * @returns `undefined` if the frame is complete, or the output depends on earlier messages.
   */
  slicesFor(compression: MessageCompression): MessageSlices | undefined {
    const key = compression.shareKey;
    if (key === undefined || this.#compressed?.has(key)) return undefined;
    this.#slices ??= new Map();
    let slices = this.#slices.get(key);
    if (slices === undefined) {
      slices = compression.deflateSlices?.(this.payload);
      if (slices === undefined) return undefined;
      this.#slices.set(key, slices);
    }
    if (!slices.isComplete) return slices;
    (this.#compressed ??= new Map()).set(key, this.#frameOf(slices));
    this.#slices.delete(key);
    return undefined;
  }

  #frameOf(slices: MessageSlices): Uint8Array {
    if (!slices.isSmaller) return this.frame;
    const { size } = slices;
    const headerSize = frameHeaderSize(size, false);
    const frame = new Uint8Array(headerSize + size);
    slices.writeTo(frame, headerSize);
    sealFrame(frame, 0, FIN | RSV1 | this.opcode, size, undefined);
    return frame;
  }

  #compress(compression: MessageCompression): Uint8Array {
    const { frame } = this;
    const start = this.#payloadStart;
    const packed = new Uint8Array(start + compression.bound(frame.length - start));
    const end = compression.deflate(frame, start, frame.length, packed, start);
    if (end === -1) return frame;
    const size = end - start;
    const at = start - frameHeaderSize(size, false);
    // RFC 7692 6.1: RSV1 marks a compressed message.
    sealFrame(packed, at, FIN | RSV1 | this.opcode, size, undefined);
    return packed.slice(at, end);
  }

  /** The payload of a text message as a string, for runtimes that only send text as strings. */
  get text(): string {
    return this.#text ??= decodeText(this.frame, this.#payloadStart, this.frame.length);
  }

  /** The payload, which clients must mask for every connection. */
  get payload(): Uint8Array {
    return this.frame.subarray(this.#payloadStart);
  }
}
