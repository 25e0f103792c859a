// The port of the message reader and writer to a negotiated compression.

/**
 * The compression of one long message in slices.
 *
 * @category Compression
 */
export interface MessageSlices {
  /** Bytes of the result so far. */
  readonly size: number;
  /** Bytes of memory that it holds besides the message. */
  readonly byteLength: number;
  /** Whether all of the message is compressed. */
  readonly isComplete: boolean;
  /** Whether to send the complete result; otherwise the message must be sent uncompressed. */
  readonly pays: boolean;

  /** Compresses the next slice. Returns whether all of the message is compressed. */
  compressNext(): boolean;

  /** Copies the complete result to `target[offset...]`. */
  writeTo(target: Uint8Array, offset: number): void;
}

/**
 * Compresses and decompresses whole messages: by the library's own codec (`PermessageDeflate`), or
 * by a custom one (`CompressionCodec`).
 *
 * @category Compression
 */
export interface MessageCompression {
  /**
   * Compressions with the same key have the same result for a message, which they can share;
   * `undefined` if messages refer to earlier ones.
   */
  readonly shareKey: string | undefined;

  /** Whether to try to compress a message of this size. */
  wants(length: number): boolean;

  /** Whether to compress fragmented messages, whose length is not known in advance. */
  readonly wantsFragments: boolean;

  /** The room in bytes for the result of a message, or a fragment, of `length` bytes. */
  bound(length: number): number;

  /**
   * Compresses a message into `target[offset...]`.
   *
   * @returns The end offset, or -1 if the message should be sent uncompressed.
   */
  deflate(
    source: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    offset: number,
  ): number;

  /**
   * Begins to compress a long message in slices. Until it is complete, no other message may be compressed,
   * unless there is a {@linkcode MessageCompression.shareKey}. Absent: every message is compressed in one
   * piece.
   *
   * @param message The message, which must not change meanwhile.
   */
  deflateSlices?(message: Uint8Array): MessageSlices;

  /**
   * Compresses the next fragment of a message into `target[offset...]`. Until the last one, no
   * other message may be compressed.
   *
   * @returns The end offset.
   */
  deflateFragment(
    source: Uint8Array,
    start: number,
    end: number,
    last: boolean,
    target: Uint8Array,
    offset: number,
  ): number;

  /**
   * Decompresses a message.
   *
   * @param limit The maximum size of the result in bytes.
   * @returns Its bytes, in memory that the next message reuses.
   * @throws {InvalidPayloadError} `INVALID_DEFLATE_DATA` when it is corrupt.
   * @throws {MessageTooBigError} When the result would exceed the limit.
   * @throws {WebSocketError} `COMPRESSION_REFUSED` when compressed messages are not accepted.
   */
  inflate(bytes: Uint8Array, start: number, end: number, limit: number): Uint8Array;

  /**
   * Decompresses a message like {@linkcode MessageCompression.inflate}, and pauses when that takes
   * long. Absent: it never pauses.
   *
   * @param work The maximum work until it pauses, in bytes of output or their equivalent.
   * @param isOwn Whether the memory of `bytes` is written to by nothing else, so that a paused message
   *   needs no copy of it. Default: `false`.
   * @returns The message, or `undefined` when {@linkcode MessageCompression.resumeInflate} has to continue
   * with it, before any other message is decompressed.
   */
  inflateWithin?(
    bytes: Uint8Array,
    start: number,
    end: number,
    limit: number,
    work: number,
    isOwn?: boolean,
  ): Uint8Array | undefined;

  /**
   * Resumes the message that `inflateWithin` has paused; throws the same. The message is returned in
   * memory that no other message uses.
   */
  resumeInflate?(work: number): Uint8Array | undefined;

  /** Bytes of memory of the message that is paused. Absent: there never is one. */
  readonly pausedSize?: number;

  /** Bytes of memory that contexts of the connection take. Absent: none that are counted. */
  readonly contextSize?: number;

  /** Releases the memory of the connection; no more messages are read or sent on it. */
  close?(): void;
}
