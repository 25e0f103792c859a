// Compression by a codec that the user brings: each message alone, in one piece.

import { InvalidPayloadError } from "../errors.ts";
import { storedSize } from "../deflate/deflate.ts";
import type { MessageCompression } from "./message_compression.ts";
import {
  inflatesTooMuch,
  PermessageDeflate,
  type PermessageDirection,
  type PermessageRules,
} from "./permessage.ts";

/**
 * Compresses whole messages, each alone: the option `compression.codec`. Neither function may keep the
 * bytes that it is given, or change them.
 *
 * @example With `node:zlib`
 * ```ts
 * import { constants, deflateRawSync } from "node:zlib";
 * import { type CompressionCodec, serve } from "@quickws/quickws";
 *
 * const codec: CompressionCodec = {
 *   name: "zlib",
 *   // Without the four bytes that a sync flush ends with (RFC 7692 section 7.2.1).
 *   deflate: (message) =>
 *     deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4),
 * };
 * await using server = await serve({ port: 0, compression: { codec } });
 * ```
 *
 * @category Compression
 */
export interface CompressionCodec {
  /** A name, which error messages mention. */
  readonly name: string;
  /**
   * Compresses a message of at least one byte.
   *
   * @returns The payload of its frame: raw DEFLATE blocks, the last of which is either a sync flush
   * without its `00 00 ff ff` (RFC 7692 section 7.2.1) or a final block with a zero byte behind it
   * (section 7.2.3.4). A result that is not shorter than the message is not used, and neither is a
   * message for which this throws: it is sent uncompressed.
   */
  deflate(message: Uint8Array): Uint8Array;
  /**
   * Decompresses the payload of a message. Whatever it throws means that the data is corrupt, which
   * closes the connection with 1007. It has to stop at the limit, or a peer can fill the memory. Default:
   * the library's own decompression.
   *
   * @param data Raw DEFLATE blocks, which need `00 00 ff ff` behind them to be complete.
   * @param limit The most bytes that may come out.
   * @returns The message, or `undefined` when more would come out.
   */
  inflate?(data: Uint8Array, limit: number): Uint8Array | undefined;
}

/** A name for each codec, under which results can be shared. */
const keys: WeakMap<CompressionCodec, string> = new WeakMap();
let keyCount = 0;

function keyOf(codec: CompressionCodec): string {
  let key = keys.get(codec);
  if (key === undefined) keys.set(codec, key = `codec ${keyCount++}`);
  return key;
}

/** The compression of one connection by a codec of the user's. */
export class CodecCompression implements MessageCompression {
  readonly #codec: CompressionCodec;
  /** Decompresses where the codec does not. */
  readonly #own: PermessageDeflate;
  readonly #inflates: boolean;
  readonly #decompress: boolean;

  /**
   * Makes the compression of one connection.
   *
   * @param codec The codec.
   * @param rules What compression does.
   * @param inbound The negotiated parameters for received messages.
   * @param outbound Those for sent messages: each compressed alone, with the largest window.
   */
  constructor(
    codec: CompressionCodec,
    rules: PermessageRules,
    inbound: PermessageDirection,
    outbound: PermessageDirection,
  ) {
    this.#codec = codec;
    this.#decompress = rules.decompress;
    this.#own = new PermessageDeflate(rules, inbound, { ...outbound, takeover: false });
    // A peer may refer to earlier messages though it was asked not to.
    this.#inflates = codec.inflate !== undefined && !inbound.takeover;
  }

  /** The result depends on the codec alone. */
  get shareKey(): string {
    return keyOf(this.#codec);
  }

  /** Whether a message of so many bytes is worth trying. */
  wants(length: number): boolean {
    return this.#own.wants(length);
  }

  /** A fragment would have to end with a flush, which not every codec can do. */
  get wantsFragments(): boolean {
    return false;
  }

  /** The room for a message: a result that is longer is not used. */
  bound(length: number): number {
    return storedSize(length);
  }

  /** Compresses a message; -1 when that does not pay. */
  deflate(
    source: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    offset: number,
  ): number {
    let result: Uint8Array;
    try {
      result = this.#codec.deflate(source.subarray(start, end));
    } catch {
      return -1;
    }
    if (result.length >= end - start) return -1;
    target.set(result, offset);
    return offset + result.length;
  }

  /** Never called: messages in fragments are sent uncompressed. */
  deflateFragment(): number {
    throw new TypeError("A codec compresses whole messages only");
  }

  /** Decompresses a message. */
  inflate(bytes: Uint8Array, start: number, end: number, limit: number): Uint8Array {
    return this.inflateWithin(bytes, start, end, limit, Infinity)!;
  }

  /** Decompresses a message; only the library's own decompression pauses. */
  inflateWithin(
    bytes: Uint8Array,
    start: number,
    end: number,
    limit: number,
    work: number,
    isOwn = false,
  ): Uint8Array | undefined {
    if (!this.#inflates || !this.#decompress) {
      return this.#own.inflateWithin(bytes, start, end, limit, work, isOwn);
    }
    const { name } = this.#codec;
    let message: Uint8Array | undefined;
    try {
      message = this.#codec.inflate!(bytes.subarray(start, end), limit);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new InvalidPayloadError(
        "INVALID_DEFLATE_DATA",
        `The codec ${name} cannot decompress a message: ${why}`,
      );
    }
    if (message === undefined || message.length > limit) {
      throw inflatesTooMuch(limit);
    }
    return message;
  }

  /** Resumes a message that was paused. */
  resumeInflate(work: number): Uint8Array | undefined {
    return this.#own.resumeInflate(work);
  }

  /** Gives back the memory of the connection. */
  close(): void {
    this.#own.close();
  }
}
