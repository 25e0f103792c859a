// A limit for the memory of all encoders together: when it is reached, those that were used least
// recently forget.

import { DeflateContext, type DeflateContextOptions } from "./deflate_context.ts";
import type { PositionTable } from "./position_table.ts";

/**
 * Makes the {@linkcode DeflateContext} of each connection and keeps what they hold together within
 * `maxBytes`. Contexts count themselves when they are used, and evicted ones go on with the next
 * message as if it were their first, which the sender of compressed messages is always free to do.
 *
 * @example
 * ```ts
 * import { deflate, DeflateContextPool } from "@quickws/quickws/core";
 *
 * const pool = new DeflateContextPool(64 * 1024 * 1024);
 * const context = pool.create({ historyBits: 12 });
 * const message = new Uint8Array(100);
 * const target = new Uint8Array(100);
 * deflate(message, 0, 100, target, 0, { level: "fast", windowBits: 15, context });
 * console.log(pool.byteLength); // 8192
 * context.drop(); // When the connection is over.
 * console.log(pool.byteLength); // 0
 * ```
 */
export class DeflateContextPool {
  readonly #list: ContextList;

  /**
   * Makes a pool without contexts.
   *
   * @param maxBytes The most bytes that all contexts together may hold between messages. With 0
   *   nothing is remembered.
   * @throws {RangeError} When `maxBytes` is not a number from 0 on.
   */
  constructor(maxBytes: number) {
    if (!(maxBytes >= 0)) {
      throw new RangeError(`maxBytes is ${maxBytes}: it must be 0 or more bytes`);
    }
    this.#list = new ContextList(maxBytes);
  }

  /** The limit, in bytes. */
  get maxBytes(): number {
    return this.#list.maxBytes;
  }

  /** What all contexts together hold, in bytes. */
  get byteLength(): number {
    return this.#list.byteLength;
  }

  /**
   * Makes a context that counts. It holds nothing before its first message, and must be dropped
   * when its connection is over.
   *
   * @throws {RangeError} When an option is not an integer from 8 to 15.
   */
  create(options?: DeflateContextOptions): DeflateContext {
    return new ListedContext(this.#list, options);
  }
}

/** A context that is in its pool's list while it holds something. */
class ListedContext extends DeflateContext {
  readonly #list: ContextList;
  /** The one that was used next before it. */
  older: ListedContext | undefined;
  /** The one that was used next after it. */
  newer: ListedContext | undefined;
  /** What the list has counted for it, in bytes; 0 while it is not in. */
  counted = 0;

  constructor(list: ContextList, options?: DeflateContextOptions) {
    super(options);
    this.#list = list;
  }

  override begin(): PositionTable {
    const table = super.begin();
    this.#list.use(this);
    // What this one holds is needed until its message is done.
    this.#list.evict(this);
    return table;
  }

  override remember(text: Uint8Array, end: number, length: number): void {
    super.remember(text, end, length);
    this.#list.use(this);
    this.#list.evict();
  }

  override drop(): void {
    super.drop();
    this.#list.remove(this);
  }
}

/** Contexts that hold something, in the order of their last use. */
class ContextList {
  readonly maxBytes: number;
  byteLength = 0;
  #newest: ListedContext | undefined;
  #oldest: ListedContext | undefined;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Makes a context the newest and counts what it holds now. */
  use(context: ListedContext): void {
    if (context !== this.#newest) {
      this.remove(context);
      context.older = this.#newest;
      if (this.#newest === undefined) this.#oldest = context;
      else this.#newest.newer = context;
      this.#newest = context;
    }
    this.byteLength += context.byteLength - context.counted;
    context.counted = context.byteLength;
  }

  /** Drops the oldest until the rest is within the limit, or only `spared` is left. */
  evict(spared?: ListedContext): void {
    while (this.byteLength > this.maxBytes && this.#oldest !== spared) this.#oldest?.drop();
  }

  /** Takes a context out, if it is in. */
  remove(context: ListedContext): void {
    if (context.counted === 0) return;
    this.byteLength -= context.counted;
    context.counted = 0;
    if (context.newer === undefined) this.#newest = context.older;
    else context.newer.older = context.older;
    if (context.older === undefined) this.#oldest = context.newer;
    else context.older.newer = context.newer;
    context.older = undefined;
    context.newer = undefined;
  }
}
