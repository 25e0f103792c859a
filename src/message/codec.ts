// Compression with a custom codec: whole, independent messages.

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
 * Compresses whole, independent messages (option `compression.codec`). The functions must not keep
 * or change the given bytes.
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
  /** A name for error messages. */
  readonly name: string;
  /**
   * Compresses a message of at least one byte.
   *
   * @returns The payload of its frame: raw DEFLATE blocks that end with either a sync flush without
   * its `00 00 ff ff` (RFC 7692 section 7.2.1) or a final block followed by a zero byte (section
   * 7.2.3.4). If this throws, or the result is not shorter than the message, the message is sent
   * uncompressed.
   */
  deflate(message: Uint8Array): Uint8Array;
  /**
   * Decompresses the payload of a message. If it throws, the connection is closed with 1007
   * (corrupt data). It must stop at the limit, or a peer can exhaust the memory. Default: the
   * built-in decompression.
   *
   * @param data Raw DEFLATE blocks; append `00 00 ff ff` to complete them.
   * @param limit The maximum size of the message in bytes.
   * @returns The message, or `undefined` if it is larger.
   */
  inflate?(data: Uint8Array, limit: number): Uint8Array | undefined;
}

/** A key for each codec, to share results. */
const keys: WeakMap<CompressionCodec, string> = new WeakMap();
let keyCount = 0;

function keyOf(codec: CompressionCodec): string {
  let key = keys.get(codec);
  if (key === undefined) keys.set(codec, key = `codec ${keyCount++}`);
  return key;
}

/** The compression of one connection with a custom codec. */
export class CodecCompression implements MessageCompression {
  readonly #codec: CompressionCodec;
  /** Decompresses if the codec does not. */
  readonly #own: PermessageDeflate;
  readonly #inflates: boolean;
  readonly #decompress: boolean;

  /**
   * Creates the compression of one connection.
   *
   * @param codec The codec.
   * @param rules The local rules.
   * @param inbound The negotiated parameters for received messages.
   * @param outbound Those for sent messages: no takeover, the largest window.
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
    // A peer may refer to earlier messages despite the request not to.
    this.#inflates = codec.inflate !== undefined && !inbound.takeover;
  }

  /** The result depends on the codec only. */
  get shareKey(): string {
    return keyOf(this.#codec);
  }

  /** Whether to try to compress a message of this size. */
  wants(length: number): boolean {
    return this.#own.wants(length);
  }

  /** Fragments would have to end with a flush, which not every codec supports. */
  get wantsFragments(): boolean {
    return false;
  }

  /** The room for a message: a longer result is not used. */
  bound(length: number): number {
    return storedSize(length);
  }

  /** Compresses a message; -1 if the result is not shorter. */
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

  /** Never called: fragmented messages are sent uncompressed. */
  deflateFragment(): number {
    throw new TypeError("A codec compresses whole messages only");
  }

  /** Decompresses a message. */
  inflate(bytes: Uint8Array, start: number, end: number, limit: number): Uint8Array {
    return this.inflateWithin(bytes, start, end, limit, Infinity)!;
  }

  /** Decompresses a message; only the built-in decompression pauses. */
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

  /** Resumes a paused message. */
  resumeInflate(work: number): Uint8Array | undefined {
    return this.#own.resumeInflate(work);
  }

  /** Releases the memory of the connection. */
  close(): void {
    this.#own.close();
  }
}
