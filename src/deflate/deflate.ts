// The encoder: level selection, stored blocks, whole messages and parts, and the shared context.

import { BitOutput } from "./bits.ts";
import { deflateFixed, writeBlock } from "./block_writer.ts";
import { FIXED_LITERAL_WORDS } from "./encode_codes.ts";
import {
  findTokens,
  PIECE,
  PositionTable,
  SharedPositionTable,
  TextBuffer,
  TokenBlock,
} from "./match_finder.ts";
import { END_OF_BLOCK, FIXED_BLOCK, MAX_STORED, powerOfTwo, STORED_BLOCK } from "./tables.ts";

/**
 * The effort of {@linkcode deflate}: `"fast"` is one pass with fixed codes; `"best"` searches more
 * thoroughly and builds codes for the message, in two to three times the time.
 *
 * @category Compression
 */
export type DeflateLevel = "fast" | "best";

/**
 * From this size in bytes, `"best"` saves more than ten bytes of JSON per additional microsecond on
 * every runtime; see `bench/deflate`.
 */
const BEST_PAYS = 2048;

/**
 * The best level for a message of `length` bytes: `"fast"` below 2 KiB, where `"best"` spends most
 * of its time making and describing codes.
 *
 * @example
 * ```ts
 * import { autoLevel } from "@quickws/quickws/core";
 *
 * console.log(autoLevel(100), autoLevel(10_000)); // fast best
 * ```
 *
 * @category Compression
 */
export function autoLevel(length: number): DeflateLevel {
  return length < BEST_PAYS ? "fast" : "best";
}

// Incompressible bytes, in stored blocks (RFC 1951 3.2.4).

/** One byte for BFINAL, BTYPE and padding, then LEN and NLEN. */
const BLOCK_HEADER = 5;

/** The size of the output of {@linkcode store} for `length` bytes. */
export function storedSize(length: number): number {
  return length + BLOCK_HEADER * Math.ceil(length / MAX_STORED) + 1;
}

/**
 * Writes `source[start..end)` uncompressed to `target[offset...]`, and returns the end offset:
 * after the first byte of a sync flush, whose last four bytes, `00 00 ff ff`, are omitted.
 */
export function store(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  offset: number,
): number {
  let at = offset;
  for (let from = start; from < end; from += MAX_STORED) {
    const to = Math.min(from + MAX_STORED, end);
    const length = to - from;
    target[at] = STORED_BLOCK << 1;
    target[at + 1] = length;
    target[at + 2] = length >>> 8;
    target[at + 3] = ~length;
    target[at + 4] = ~length >>> 8;
    target.set(source.subarray(from, to), at + BLOCK_HEADER);
    at += BLOCK_HEADER + length;
  }
  target[at] = STORED_BLOCK << 1;
  return at + 1;
}

// Compresses a whole message. The output ends with a sync flush: an empty stored block, of which
// only the three type bits and the padding are written (RFC 1951 3.2.4).

/** BFINAL and BTYPE (RFC 1951 3.2.3); no block is final. */
const TYPE_BITS = 3;

/**
 * The maximum compressed size of a piece: literals have at most 9 bits, no match is longer than the
 * bytes it replaces, plus room for block ends.
 */
const PIECE_BOUND = PIECE + PIECE / 8 + 32;

/**
 * The options of a compressed message; one object serves all messages of a connection.
 *
 * @category Compression
 */
export interface DeflateOptions {
  /** The effort. */
  level: DeflateLevel;
  /** The base-2 logarithm of the window size (the maximum distance), 8 to 15. */
  windowBits: number;
  /** The context of earlier messages (context takeover). Default: none. */
  context?: DeflateContext;
}

/** The working memory of all messages. */
class Workspace {
  readonly text = new TextBuffer();
  readonly output = new BitOutput(PIECE_BOUND);
  readonly near = new SharedPositionTable();
}

/** The additional working memory of level "best". */
class TokenWorkspace {
  readonly far = new SharedPositionTable();
  readonly block = new TokenBlock();
}

// Allocated on first use.
let workspace: Workspace | undefined;
let tokenWorkspace: TokenWorkspace | undefined;

/** The end of a block with fixed codes, as in `encode_codes.ts`. */
const FIXED_END = FIXED_LITERAL_WORDS[END_OF_BLOCK];

const NO_BYTES = new Uint8Array(0);

/**
 * Compresses the message `source[start..end)` into `target[offset...]` and returns the end offset,
 * or -1 if the result would not be smaller. In that case send the message uncompressed: the context
 * does not contain it, and `target` is undefined from `offset` on.
 *
 * The result ends with a sync flush whose last four bytes, `00 00 ff ff`, are omitted. With a
 * context, results must be sent, in order, because the context contains them.
 *
 * The first call allocates working memory for all messages, at most about 400 KiB regardless of
 * their sizes. `source` and `target` are only used during the call and must not overlap.
 *
 * @param target With room for `end - start` bytes from `offset` on.
 * @throws {TypeError} When the level is invalid.
 * @throws {RangeError} When a range is outside its array, `target` has too little room, or
 *   `windowBits` is not an integer from 8 to 15.
 *
 * @example
 * ```ts
 * import { deflate } from "@quickws/quickws/core";
 *
 * const message = new TextEncoder().encode("ababababababababab");
 * const target = new Uint8Array(message.length);
 * const options = { level: "fast", windowBits: 15 } as const;
 * const end = deflate(message, 0, message.length, target, 0, options);
 * console.log(end, target.subarray(0, end)); // 6 Uint8Array(6) [74, 76, 66, 135, 0, 0]
 * ```
 *
 * @category Compression
 */
export function deflate(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  offset: number,
  options: DeflateOptions,
): number {
  const length = end - start;
  check(source, start, end, target, offset, length);
  return compress(source, start, end, target, offset, length - 1, options);
}

/**
 * The same, but the result may have up to `maxSize` bytes, even more than the message, so that later
 * messages can refer to this one.
 *
 * @param target With room for `maxSize` bytes from `offset` on.
 * @throws {TypeError | RangeError} As {@linkcode deflate} does.
 */
export function deflateWithin(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  offset: number,
  maxSize: number,
  options: DeflateOptions,
): number {
  check(source, start, end, target, offset, maxSize);
  return compress(source, start, end, target, offset, maxSize, options);
}

/**
 * Compresses `source[start..end)`, a part of a message, into `target[offset...]` and returns the
 * end offset. The result ends like that of {@linkcode deflate}: append the four bytes `00 00 ff ff`
 * between parts, but not after the last.
 *
 * A part always has a result, so that parts and messages can share one context. An incompressible
 * part may grow by a few bytes and empties the context.
 *
 * @param target With room for the {@linkcode storedSize} of the part from `offset` on.
 * @throws {TypeError | RangeError} As {@linkcode deflate} does.
 */
export function deflatePart(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  offset: number,
  options: DeflateOptions,
): number {
  const maxSize = storedSize(end - start);
  check(source, start, end, target, offset, maxSize);
  const at = compress(source, start, end, target, offset, maxSize, options);
  if (at !== -1) return at;
  // The receiver's window also contains stored bytes, but incompressible data is not worth keeping.
  // Dropping the context is legal: later messages just do not refer to it.
  options.context?.drop();
  return store(source, start, end, target, offset);
}

/** @throws {RangeError} When a range is outside its array. */
function check(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  offset: number,
  needed: number,
): void {
  if (!(start >= 0 && end >= start && end <= source.length)) {
    throw new RangeError(
      `source range is ${start} to ${end}: it must lie in 0 to ${source.length}`,
    );
  }
  const room = target.length - offset;
  if (!(offset >= 0 && room >= needed)) {
    throw new RangeError(`target has ${room} bytes from ${offset} on: it must have ${needed}`);
  }
}

/** Returns the end offset, or -1 if the result would exceed `maxSize` bytes. */
function compress(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  offset: number,
  maxSize: number,
  options: DeflateOptions,
): number {
  const length = end - start;
  const { level, context } = options;
  if (level !== "fast" && level !== "best") {
    throw new TypeError(`level is ${String(level)}: it must be "fast" or "best"`);
  }
  const windowSize = powerOfTwo("windowBits", options.windowBits);
  const { text, output, near: shared } = workspace ??= new Workspace();

  output.open();
  let near: PositionTable = shared;
  if (context === undefined) {
    text.open(NO_BYTES, 0);
    shared.begin(0, length);
  } else {
    text.open(context.history, context.length);
    near = context.begin();
  }
  const tokens = level === "best" ? tokenWorkspace ??= new TokenWorkspace() : undefined;
  if (tokens === undefined) output.put(FIXED_BLOCK << 1, TYPE_BITS);
  else tokens.far.begin(text.end, length);

  const limit = offset + maxSize;
  let position = offset;
  for (let from = start; from < end; from += PIECE) {
    const moved = text.append(source, from, Math.min(from + PIECE, end));
    near.move(moved);
    if (tokens === undefined) {
      deflateFixed(text, output, near, windowSize);
    } else {
      tokens.far.move(moved);
      writeBlocks(text, output, tokens.block, near, tokens.far, windowSize);
    }
    if (position + output.position > limit) return -1;
    position = output.take(target, position);
  }

  if (tokens === undefined) output.put(FIXED_END >>> 4, FIXED_END & 15);
  output.put(STORED_BLOCK << 1, TYPE_BITS);
  output.alignToByte();
  if (position + output.position > limit) return -1;
  if (context !== undefined) context.remember(text.bytes, text.end, length);
  return output.take(target, position);
}

/** Compresses the text's piece into one or more blocks. */
function writeBlocks(
  text: TextBuffer,
  output: BitOutput,
  block: TokenBlock,
  near: PositionTable,
  far: SharedPositionTable,
  windowSize: number,
): void {
  for (let from = text.start; from < text.end;) {
    block.open();
    const to = findTokens(block, text, from, near, far, windowSize);
    writeBlock(output, block, text.bytes, from, to);
    from = to;
  }
}

// The encoder's memory of earlier messages. It can be dropped at any time, at the cost of repeated
// data.

/**
 * The sizes of a {@linkcode DeflateContext}.
 *
 * @category Compression
 */
export interface DeflateContextOptions {
  /**
   * The base-2 logarithm of the number of bytes kept, 8 to 15. More than the window of {@linkcode
   * DeflateOptions} is useless. Default: 12 (4 KiB).
   */
  historyBits?: number;
  /**
   * The base-2 logarithm of the number of 2-byte hash table slots, 8 to 15. Default: 11 (4 KiB).
   */
  tableBits?: number;
}

/**
 * The memory of an encoder with context takeover. Its memory, `2 ** historyBits + 2 * 2 **
 * tableBits` bytes (8 KiB by default), is allocated on the first message and may be dropped between
 * messages.
 *
 * @example
 * ```ts
 * import { deflate, DeflateContext } from "@quickws/quickws/core";
 *
 * const options = { level: "fast", windowBits: 15, context: new DeflateContext() } as const;
 * const message = new TextEncoder().encode("to be or not to be, that is the question");
 * const target = new Uint8Array(message.length);
 * console.log(deflate(message, 0, message.length, target, 0, options)); // 39
 * console.log(deflate(message, 0, message.length, target, 0, options)); // 6
 * ```
 *
 * @category Compression
 */
export class DeflateContext {
  readonly #historySize: number;
  readonly #tableBits: number;
  #history: Uint8Array = NO_BYTES;
  #length = 0;
  #table: PositionTable | undefined;
  /** The table position after the last kept byte. */
  #end = 0;

  /**
   * Creates an empty context.
   *
   * @param options Its sizes.
   * @throws {RangeError} When an option is not an integer from 8 to 15.
   */
  constructor(options: DeflateContextOptions = {}) {
    const { historyBits = 12, tableBits = 11 } = options;
    this.#historySize = powerOfTwo("historyBits", historyBits);
    powerOfTwo("tableBits", tableBits);
    this.#tableBits = tableBits;
  }

  /** The memory held, in bytes; 0 before the first message and after `drop`. */
  get byteLength(): number {
    return this.#table === undefined ? 0 : this.#historySize + this.#table.slots.byteLength;
  }

  /** Releases the memory. The next message starts without context. */
  drop(): void {
    this.#history = NO_BYTES;
    this.#length = 0;
    this.#table = undefined;
    this.#end = 0;
  }

  /**
   * The memory with the kept bytes at its start.
   *
   * @internal
   */
  get history(): Uint8Array {
    return this.#history;
  }

  /**
   * The number of kept bytes.
   *
   * @internal
   */
  get length(): number {
    return this.#length;
  }

  /**
   * The table, positioned for a text that begins with the kept bytes.
   *
   * @internal
   */
  begin(): PositionTable {
    const table = this.#table ?? this.#allocate();
    table.base = this.#end - this.#length;
    return table;
  }

  /**
   * Keeps a message of `length` bytes that ends at `text[end]`, after the previously kept bytes.
   *
   * @internal
   */
  remember(text: Uint8Array, end: number, length: number): void {
    this.#length = Math.min(this.#length + length, this.#historySize);
    this.#history.set(text.subarray(end - this.#length, end));
    this.#end = this.#end + length & 0xffff;
  }

  /** One allocation for history and table, to save engine overhead. */
  #allocate(): PositionTable {
    const slots = 1 << this.#tableBits;
    const memory = new ArrayBuffer(this.#historySize + 2 * slots);
    this.#history = new Uint8Array(memory, 0, this.#historySize);
    return this.#table = new PositionTable(new Uint16Array(memory, this.#historySize, slots));
  }
}
