// Compresses and decompresses whole messages (RFC 7692 sections 6 and 7) with contexts. It
// distinguishes inbound and outbound, not client and server.

import { InvalidPayloadError, MessageTooBigError, WebSocketError } from "../errors.ts";
import {
  autoLevel,
  type DeflateLevel,
  type DeflateOptions,
  deflatePart,
  deflateWithin,
  storedSize,
} from "../deflate/deflate.ts";
import { inflateWithin, PausedInflation } from "../deflate/inflate.ts";
import { InflateError } from "../deflate/bits.ts";
import { CloseCode } from "../wire/close.ts";
import { countDeflate } from "./inflate_budget.ts";
import { ContextMemory } from "./context_memory.ts";
import type { MessageCompression, MessageSlices } from "./message_compression.ts";
import { SlicedDeflation } from "./sliced_deflation.ts";

/**
 * The negotiated parameters of the messages of one direction.
 *
 * @category Compression
 */
export interface PermessageDirection {
  /** Whether a message may refer to earlier ones. */
  readonly takeover: boolean;
  /** The base-2 logarithm of the window size, 8 to 15. */
  readonly windowBits: number;
}

/**
 * The local rules of compression, shared by many connections.
 *
 * @category Compression
 */
export interface PermessageRules {
  /** Whether sent messages are compressed. */
  readonly compress: boolean;
  /** Whether compressed messages are accepted. */
  readonly decompress: boolean;
  /** Messages smaller than this many bytes are sent uncompressed; `undefined` for the default. */
  readonly threshold: number | undefined;
  /** The effort. */
  readonly level: "auto" | DeflateLevel;
  /**
   * The maximum memory in bytes for all connections of the process, contexts included. Beyond it,
   * contexts for sending are dropped.
   */
  readonly memoryLimit: number;
}

/** Without takeover, compression does not make short messages shorter. */
const THRESHOLD_ALONE = 256;

/**
 * With takeover a message may grow by this many bytes, the cost of text without repetitions,
 * because later messages can refer to it. Data that grows more is incompressible.
 */
const GROWTH = 2;

/** Smaller messages are not worth referring to. */
const GROWING_FROM = 8;

/** The end of each part of a message; omitted from the last one (RFC 7692 7.2.1). */
const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/**
 * Compresses and decompresses the messages of one connection.
 *
 * @example
 * ```ts
 * import { PermessageDeflate, type PermessageRules } from "@quickws/quickws/core";
 *
 * const rules: PermessageRules = {
 *   compress: true,
 *   decompress: true,
 *   threshold: undefined,
 *   level: "auto",
 *   memoryLimit: 64 * 1024 * 1024,
 * };
 * const direction = { takeover: false, windowBits: 15 };
 * const compression = new PermessageDeflate(rules, direction, direction);
 * const message = new TextEncoder().encode("again and ".repeat(100));
 * const target = new Uint8Array(message.length);
 * const end = compression.deflate(message, 0, message.length, target, 0);
 * const inflated = compression.inflate(target, 0, end, 1024);
 * console.log(message.length, end < 30, inflated.length); // 1000 true 1000
 * ```
 *
 * @category Compression
 */
export class PermessageDeflate implements MessageCompression {
  readonly #rules: PermessageRules;
  readonly #inbound: PermessageDirection;
  readonly #outbound: PermessageDirection;
  readonly #threshold: number;
  /** For takeover in either direction, and for fragments. */
  #memory: ContextMemory | undefined;
  /** One object for all messages. */
  readonly #options: DeflateOptions;
  /** Whether the next fragment must begin with the tail omitted from the previous one. */
  #tailDue = false;
  /** The message whose decompression is paused. */
  #paused: { readonly decompression: PausedInflation; readonly limit: number } | undefined;

  /**
   * Creates the compression of one connection. Memory is allocated with the first message.
   *
   * @param rules The local rules.
   * @param inbound The negotiated parameters for received messages.
   * @param outbound The negotiated parameters for sent messages.
   */
  constructor(
    rules: PermessageRules,
    inbound: PermessageDirection,
    outbound: PermessageDirection,
  ) {
    this.#rules = rules;
    this.#inbound = inbound;
    this.#outbound = outbound;
    this.#threshold = rules.threshold ?? (outbound.takeover ? 0 : THRESHOLD_ALONE);
    if (inbound.takeover || outbound.takeover) {
      this.#memory = new ContextMemory(rules.memoryLimit);
    }
    const context = outbound.takeover ? this.#memory?.encoder(outbound.windowBits) : undefined;
    this.#options = { level: "fast", windowBits: outbound.windowBits, context };
  }

  /** The parameters that determine compressed output. */
  get shareKey(): string | undefined {
    const { takeover, windowBits } = this.#outbound;
    return takeover ? undefined : `${this.#rules.level} ${windowBits}`;
  }

  /** Whether to try to compress a message of this size; never for empty messages. */
  wants(length: number): boolean {
    return this.#rules.compress && length >= this.#threshold && length > 0;
  }

  /**
   * The maximum size of a compressed fragment: stored blocks, after the tail of the previous one.
   */
  bound(length: number): number {
    return TAIL.length + storedSize(length);
  }

  /**
   * Compresses a message into `target[offset...]`, which must have room for its {@linkcode
   * PermessageDeflate.bound}.
   *
   * @returns The end offset, or -1 if the message should be sent uncompressed. Without takeover the
   * result is always shorter than the message.
   */
  deflate(
    source: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    offset: number,
  ): number {
    const { takeover } = this.#outbound;
    const length = end - start;
    const most = takeover && length >= GROWING_FROM ? length + GROWTH : length - 1;
    const options = this.#options;
    options.level = this.#levelFor(length);
    const at = deflateWithin(source, start, end, target, offset, most, options);
    countDeflate(length);
    if (takeover) this.#memory!.encoded();
    return at;
  }

  /** Begins to compress a long message in slices. */
  deflateSlices(message: Uint8Array): MessageSlices {
    const { takeover, windowBits } = this.#outbound;
    const level = this.#levelFor(message.length);
    const memory = takeover ? this.#memory : undefined;
    return new SlicedDeflation(message, { level, windowBits, memory });
  }

  /** Whether fragmented messages are compressed: always, regardless of size. */
  get wantsFragments(): boolean {
    return this.#rules.compress;
  }

  /**
   * Compresses the next fragment of a message into `target[offset...]`, which must have room for
   * its {@linkcode PermessageDeflate.bound}. Each fragment can be decompressed on arrival and may
   * refer to earlier ones, even without context takeover.
   *
   * @param last Whether it is the last of its message.
   * @returns The end offset.
   */
  deflateFragment(
    source: Uint8Array,
    start: number,
    end: number,
    last: boolean,
    target: Uint8Array,
    offset: number,
  ): number {
    let at = offset;
    if (start < end) {
      if (this.#tailDue) {
        target.set(TAIL, at);
        at += TAIL.length;
      }
      at = this.#deflatePart(source, start, end, target, at);
      this.#tailDue = true;
    } else if (last && !this.#tailDue) {
      // RFC 7692 7.2.3.6: an empty message is an empty block, reduced to this byte.
      target[at++] = 0;
    }
    if (last) {
      this.#tailDue = false;
      if (!this.#outbound.takeover) this.#memory?.dropEncoder();
    }
    return at;
  }

  #deflatePart(
    source: Uint8Array,
    start: number,
    end: number,
    target: Uint8Array,
    offset: number,
  ): number {
    const { takeover, windowBits } = this.#outbound;
    const memory = this.#memory ??= new ContextMemory(this.#rules.memoryLimit);
    const options = this.#options;
    options.level = this.#levelFor(end - start);
    options.context = memory.encoder(windowBits);
    const at = deflatePart(source, start, end, target, offset, options);
    countDeflate(end - start);
    if (!takeover) options.context = undefined;
    memory.encoded();
    return at;
  }

  #levelFor(length: number): DeflateLevel {
    const { level } = this.#rules;
    return level === "auto" ? autoLevel(length) : level;
  }

  /**
   * Decompresses a message.
   *
   * @param limit The maximum size of the result in bytes.
   * @returns The message, in memory that the next message reuses.
   * @throws {InvalidPayloadError} `INVALID_DEFLATE_DATA` when the data is corrupt.
   * @throws {MessageTooBigError} When the result would exceed the limit.
   * @throws {WebSocketError} `COMPRESSION_REFUSED` when compressed messages are not accepted.
   */
  inflate(bytes: Uint8Array, start: number, end: number, limit: number): Uint8Array {
    return this.inflateWithin(bytes, start, end, limit, Infinity)!;
  }

  /**
   * Decompresses a message like {@linkcode PermessageDeflate.inflate}, with pauses if it is slow.
   *
   * @param work The maximum work until it pauses, in bytes of output; a million takes about 10
   * milliseconds.
   * @param isOwn Whether no other code writes to the memory of `bytes`. Default: `false`.
   * @returns The message, or `undefined` if {@linkcode PermessageDeflate.resumeInflate} must
   * complete it before any other message is decompressed.
   */
  inflateWithin(
    bytes: Uint8Array,
    start: number,
    end: number,
    limit: number,
    work: number,
    isOwn = false,
  ): Uint8Array | undefined {
    if (!this.#rules.decompress) {
      throw new WebSocketError(
        "COMPRESSION_REFUSED",
        "A message is compressed, and compression.decompress is false",
        { closeCode: CloseCode.UnsupportedData },
      );
    }
    const { takeover, windowBits } = this.#inbound;
    const history = takeover ? this.#memory?.decoder(windowBits) : undefined;
    try {
      return this.#inflated(
        inflateWithin(bytes, start, end, limit, work, history, windowBits, isOwn),
        limit,
      );
    } catch (error) {
      throw this.#inflateFailed(error, limit);
    }
  }

  /**
   * Resumes the message paused by {@linkcode PermessageDeflate.inflateWithin}. Returns it in
   * separate memory.
   */
  resumeInflate(work: number): Uint8Array | undefined {
    const { decompression, limit } = this.#paused!;
    try {
      const message = decompression.resume(work);
      return message && this.#inflated(message, limit);
    } catch (error) {
      throw this.#inflateFailed(error, limit);
    }
  }

  #inflated(result: Uint8Array | PausedInflation, limit: number): Uint8Array | undefined {
    if (result instanceof PausedInflation) {
      this.#paused = { decompression: result, limit };
      return undefined;
    }
    this.#paused = undefined;
    if (this.#inbound.takeover) this.#memory?.decoded();
    return result;
  }

  #inflateFailed(error: unknown, limit: number): unknown {
    this.#paused = undefined;
    const { takeover } = this.#inbound;
    if (takeover) this.#memory?.decoded();
    return error instanceof InflateError ? toPeerError(error, limit, takeover) : error;
  }

  /** The memory of the paused message in bytes: the remaining input and the output. */
  get pausedSize(): number {
    return this.#paused?.decompression.byteLength ?? 0;
  }

  /** The memory of the contexts in bytes. */
  get contextSize(): number {
    return this.#memory?.byteLength ?? 0;
  }

  /** Releases the memory of the connection; no more messages are read or sent on it. */
  close(): void {
    this.#paused?.decompression.release();
    this.#paused = undefined;
    this.#memory?.close();
  }
}

/** The error for a message that inflates to more than the limit. */
export function inflatesTooMuch(limit: number): MessageTooBigError {
  return new MessageTooBigError(
    `A message exceeds maxMessageSize: it inflates to more than ${limit} bytes`,
  );
}

function toPeerError(error: InflateError, limit: number, takeover: boolean): WebSocketError {
  if (error.code === "too-big") {
    return inflatesTooMuch(limit);
  }
  // References to earlier messages are the only sign of such a peer.
  const advice = !takeover && error.message.startsWith("distance exceeds the")
    ? ". The peer may refer to earlier messages though the handshake has ruled that out, as Jetty, " +
      'Netty and Tornado do: serve it with compression: "compatible"'
    : "";
  return new InvalidPayloadError(
    "INVALID_DEFLATE_DATA",
    `A compressed message is corrupt: ${error.message}${advice}`,
  );
}
