// The context takeover memory of one connection, counted toward the limit of the process.

import { DeflateContext } from "../deflate/deflate.ts";
import { InflateHistory } from "../deflate/inflate_output.ts";
import { type ContextHolder, ContextMemories } from "./memory_governor.ts";

/** The window of an encoder: a larger one costs memory per connection and saves little. */
const ENCODER_BITS = 12;

/** The contexts of one connection, allocated on the first message. */
export class ContextMemory implements ContextHolder {
  readonly #all: ContextMemories;
  readonly #maxBytes: number;
  #encoder: DeflateContext | undefined;
  #decoder: InflateHistory | undefined;
  /** The counted part, in bytes. */
  #counted = 0;
  /** The next less recently used one. */
  older: ContextHolder | undefined;
  /** The next more recently used one. */
  newer: ContextHolder | undefined;

  /**
   * @param maxBytes The maximum bytes for all connections, enforced when this one is used.
   * @param all Counts and limits the memory. Default: that of the process.
   */
  constructor(maxBytes: number, all: ContextMemories = ContextMemories.ofProcess) {
    this.#maxBytes = maxBytes;
    this.#all = all;
  }

  /** The context of sent messages, with at most this window. */
  encoder(windowBits: number): DeflateContext {
    return this.#encoder ??= new DeflateContext({
      historyBits: Math.min(windowBits, ENCODER_BITS),
    });
  }

  /** The context of received messages. */
  decoder(windowBits: number): InflateHistory {
    return this.#decoder ??= new InflateHistory(windowBits);
  }

  /** A message was compressed: makes the encoder the last one to be dropped. */
  encoded(): void {
    this.#all.use(this);
    this.#count();
  }

  /** A message was decompressed. */
  decoded(): void {
    this.#count();
  }

  /**
   * Drops the context for sending. Always legal: RFC 7692 7.1.1 permits a sender to use its context
   * but does not require it.
   */
  dropEncoder(): void {
    this.#all.remove(this);
    this.#encoder?.drop();
    this.#all.byteLength -= this.#counted - this.#size;
    this.#counted = this.#size;
  }

  /** The memory of the connection's contexts, in bytes. */
  get byteLength(): number {
    return this.#counted;
  }

  /** Releases all memory: the connection has closed. */
  close(): void {
    this.#decoder = undefined;
    this.dropEncoder();
  }

  get #size(): number {
    return (this.#encoder?.byteLength ?? 0) + (this.#decoder?.byteLength ?? 0);
  }

  #count(): void {
    const size = this.#size;
    this.#all.byteLength += size - this.#counted;
    this.#counted = size;
    const all = this.#all;
    if (all.byteLength + all.otherBytes <= this.#maxBytes) return;
    all.limit(this.#maxBytes);
    if (all.byteLength + all.otherBytes > this.#maxBytes) all.exceeded?.(this.#maxBytes);
  }
}
