// The port of the message reader and writer to a negotiated compression.

/**
 * The compression of one long message in slices.
 *
 * @category Compression
 */
export interface MessageSlices {
  /** Bytes of the result, as far as it is there. */
  readonly size: number;
  /** Bytes of memory that it holds beside the message. */
  readonly byteLength: number;
  /** Whether all of the message is compressed. */
  readonly isComplete: boolean;
  /** Whether the complete result is worth sending: the message must go as it is otherwise. */
  readonly pays: boolean;

  /** Compresses the next slice. Returns whether all of the message is compressed. */
  compressNext(): boolean;

  /** Copies the complete result to `target[offset...]`. */
  writeTo(target: Uint8Array, offset: number): void;
}

/**
 * Compresses and decompresses whole messages: by the library's own codec (`PermessageDeflate`), or by one
 * that the user brings (`CompressionCodec`).
 *
 * @category Compression
 */
export interface MessageCompression {
  /**
   * Compressions with the same key make the same of a message, so that one result serves them all;
   * `undefined` where messages refer to earlier ones.
   */
  readonly shareKey: string | undefined;

  /** Whether a message of so many bytes is worth trying. */
  wants(length: number): boolean;

  /** Whether to compress fragmented messages, whose length is not known in advance. */
  readonly wantsFragments: boolean;

  /** The room in bytes that the result is to have for a message, or a fragment, of `length` bytes. */
  bound(length: number): number;

  /**
   * Compresses a message into `target[offset...]`.
   *
   * @returns The offset behind it, or -1 when that does not pay: it must go as it is then.
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
   * Compresses the next fragment of a message into `target[offset...]`. Up to the one that is the
   * last, no other message may be compressed.
   *
   * @returns The offset behind it.
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
   * @param limit Bytes that may come out of it.
   * @returns Its bytes, in memory that the next message takes over.
   * @throws {InvalidPayloadError} `INVALID_DEFLATE_DATA` when it is corrupt.
   * @throws {MessageTooBigError} When more would come out of it.
   * @throws {WebSocketError} `COMPRESSION_REFUSED` when compressed messages are not accepted.
   */
  inflate(bytes: Uint8Array, start: number, end: number, limit: number): Uint8Array;

  /**
   * Decompresses a message like {@linkcode MessageCompression.inflate}, and pauses when that takes
   * long. Absent: it never pauses.
   *
   * @param work The most work until it pauses, in bytes of output or their like.
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

  /** Gives back the memory of the connection, on which no message is read or sent any more. */
  close?(): void;
}
