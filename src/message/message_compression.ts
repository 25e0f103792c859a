// The port of the message reader and writer to the negotiated compression.

/**
 * The compression of one long message in slices.
 *
 * @category Compression
 */
export interface MessageSlices {
  /** The size of the result so far, in bytes. */
  readonly size: number;
  /** The memory held besides the message, in bytes. */
  readonly byteLength: number;
  /** Whether the whole message is compressed. */
  readonly isComplete: boolean;
  /** Whether to send the complete result; otherwise the message must be sent uncompressed. */
  readonly isSmaller: boolean;

  /** Compresses the next slice. Returns whether the whole message is compressed. */
  compressNext(): boolean;

  /** Copies the complete result to `target[offset...]`. */
  writeTo(target: Uint8Array, offset: number): void;
}

/**
 * Compresses and decompresses whole messages: with the built-in codec (`PermessageDeflate`) or a
 * custom one (`CompressionCodec`).
 *
 * @category Compression
 */
export interface MessageCompression {
  /**
   * Compressions with the same key can share the result for a message; `undefined` if messages
   * refer to earlier ones.
   */
  readonly shareKey: string | undefined;

  /** Whether to try to compress a message of this size. */
  wants(length: number): boolean;

  /** Whether to compress fragmented messages, whose length is not known in advance. */
  readonly wantsFragments: boolean;

  /** The maximum size in bytes of the result for a message or fragment of `length` bytes. */
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
   * @param message The message; must not change meanwhile.
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
   * @returns The message, in memory that the next message reuses.
   * @throws {InvalidPayloadError} `INVALID_DEFLATE_DATA` when the data is corrupt.
   * @throws {MessageTooBigError} When the result would exceed the limit.
   * @throws {WebSocketError} `COMPRESSION_REFUSED` when compressed messages are not accepted.
   */
  inflate(bytes: Uint8Array, start: number, end: number, limit: number): Uint8Array;

  /**
   * Decompresses a message like {@linkcode MessageCompression.inflate}, with pauses if it is slow.
   * Absent: it never pauses.
   *
   * @param work The maximum work until it pauses, in bytes of output or their equivalent.
   * @param isOwn Whether no other code writes to the memory of `bytes`, so that a paused message
   *   needs no copy. Default: `false`.
   * @returns The message, or `undefined` if {@linkcode MessageCompression.resumeInflate} must
   * complete it before any other message is decompressed.
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
   * Resumes the message paused by `inflateWithin`; throws the same errors. Returns the message in
   * separate memory.
   */
  resumeInflate?(work: number): Uint8Array | undefined;

  /** The memory of the paused message in bytes. Absent: messages are never paused. */
  readonly pausedSize?: number;

  /** The memory of the connection's contexts in bytes. Absent: not counted. */
  readonly contextSize?: number;

  /** Releases the memory of the connection; no more messages are read or sent on it. */
  close?(): void;
}
