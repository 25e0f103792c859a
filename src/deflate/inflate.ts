// Decompresses a whole message: its blocks one after the other, each by its type (RFC 1951 3.2.3),
// into memory that the next message reuses.

import { BitInput, corrupt } from "./bits.ts";
import {
  BLOCK_END,
  CONSUMED,
  type DecodeTable,
  dynamicDistances,
  dynamicLiterals,
  fixedDistances,
  fixedLiterals,
  readDynamicCodes,
  SPECIAL,
  SUBTABLE,
} from "./decode_tables.ts";
import { type InflateHistory, OutputPool } from "./inflate_output.ts";
import { DYNAMIC_BLOCK, FIXED_BLOCK, powerOfTwo, STORED_BLOCK } from "./tables.ts";

/**
 * Work is counted in bytes of output, about 8 ns each. These are the costs of starting a block, and
 * of each byte of a code description, for which tables are built. Measured with the blocks of
 * `tests/deflate/inflate_work_test.ts`.
 */
const BLOCK_WORK = 32;
const DESCRIPTION_BYTE_WORK = 40;

/**
 * The maximum work of blocks and descriptions, in total and per byte of output. zlib stays below 20
 * with its smallest blocks (`memLevel` 1), and below 40 with a flush every 25 bytes. A stream of
 * mostly descriptions costs far more than its size.
 */
const FREE_OVERHEAD = 8 * 1024 * 1024;
const OVERHEAD_PER_BYTE = 100;

/** More work than any message can cause. */
const NEVER = 0x7fff_ffff;

/** The decompression of one message. */
class Inflation {
  readonly #input = new BitInput();
  readonly #output = new OutputPool();
  #history: InflateHistory | undefined;
  #windowSize = 0;
  /** The tables of the block where it was paused. */
  #literals: DecodeTable | undefined;
  #distances: DecodeTable | undefined;
  /** Whether that block, or the previous one, is final. */
  #last = false;
  /** Work other than output. */
  #overhead = 0;
  #isEmpty = false;

  /** Starts on the message `source[start..end)`. */
  begin(
    source: Uint8Array,
    start: number,
    end: number,
    limit: number,
    history: InflateHistory | undefined,
    windowBits: number,
  ): void {
    if (!(start >= 0 && start <= end && end <= source.length)) {
      throw new RangeError(
        `source range is ${start} to ${end}: it must lie in 0 to ${source.length}`,
      );
    }
    this.#windowSize = history === undefined
      ? powerOfTwo("windowBits", windowBits)
      : history.windowSize;
    this.#output.open(limit);
    this.#input.open(source, start, end);
    this.#history = history;
    this.#literals = this.#distances = undefined;
    this.#last = false;
    this.#overhead = 0;
    this.#isEmpty = start === end;
  }

  /**
   * Decompresses until the message is complete or `work` is done; returns whether it is complete.
   */
  run(work: number): boolean {
    const input = this.#input;
    if (this.#isEmpty) return true;
    try {
      if (!this.#runBlocks(work)) return false;
    } catch (error) {
      input.close();
      throw error;
    }
    input.close();
    return true;
  }

  #runBlocks(work: number): boolean {
    const input = this.#input;
    const output = this.#output;
    const history = this.#history;
    const pauseAt = Math.min(output.length + this.#overhead + work, NEVER);
    let literals = this.#literals;
    let distances = this.#distances;
    for (;;) {
      if (literals === undefined) {
        if (output.length + this.#overhead > pauseAt) {
          this.#literals = undefined;
          return false;
        }
        const start = input.position;
        this.#last = input.take(1) === 1; // BFINAL
        const type = input.take(2); // BTYPE
        this.#overhead += BLOCK_WORK;
        if (type === FIXED_BLOCK) {
          literals = fixedLiterals;
          distances = fixedDistances;
        } else if (type === DYNAMIC_BLOCK) {
          readDynamicCodes(input);
          this.#overhead += (input.position - start) * DESCRIPTION_BYTE_WORK;
          literals = dynamicLiterals;
          distances = dynamicDistances;
        } else if (type === STORED_BLOCK) {
          input.alignToByte();
          // The rest of the sync flush: its LEN and NLEN would follow.
          if (input.position === input.end) return true;
          inflateStored(input, output);
        } else {
          corrupt("block type 3 is reserved");
        }
        if (this.#overhead > FREE_OVERHEAD + OVERHEAD_PER_BYTE * output.length) {
          corrupt("message has far more blocks than data");
        }
      }
      if (literals !== undefined) {
        const blockPauseAt = pauseAt - this.#overhead;
        if (
          !inflateBlock(
            input,
            output,
            literals,
            distances!,
            this.#windowSize,
            history,
            blockPauseAt,
          )
        ) {
          this.#literals = literals;
          this.#distances = distances;
          return false;
        }
        literals = undefined;
      }
      if (this.#last) {
        input.alignToByte();
        if (input.position === input.end) return true;
      }
    }
  }

  /** Frees the memory of a paused message. */
  release(): void {
    this.#output.release();
  }

  /** Copies the input and the current block's tables, which other messages would overwrite. */
  keep(ownsInput = false): void {
    this.#input.keep(ownsInput);
    if (this.#literals === dynamicLiterals) {
      this.#literals = dynamicLiterals.clone();
      this.#distances = dynamicDistances.clone();
    }
  }

  /** Bytes of its input, and of the output so far. */
  get byteLength(): number {
    return this.#input.bytes.length + this.#output.length;
  }

  /** The complete message. */
  finish(): Uint8Array {
    this.#history?.append(this.#output.bytes, this.#output.length);
    return this.#output.message;
  }
}

/** Decompresses all messages except paused ones. */
let inflation = new Inflation();

/**
 * Decompresses the message `source[start..end)`, which ends with a sync flush whose last four
 * bytes, `00 00 ff ff`, were omitted.
 *
 * The result is a view of memory that the next call overwrites or frees: copy or decode it first.
 * That memory grows to at most 262 bytes past the largest `limit`, and shrinks again after 256
 * smaller messages. `source` is only used during the call.
 *
 * A message is rejected at its first error, and always if zlib would reject it. Two extensions to
 * the RFC are accepted: input of no bytes is an empty message, and blocks after a final block are
 * decoded too, from the next byte boundary and with the same window.
 *
 * @param limit The maximum size of the message in bytes.
 * @param history The earlier messages; this one is appended. Discard it after an error. Default:
 * none.
 * @param windowBits The base-2 logarithm of the window size, 8 to 15, if there is no `history`;
 * longer distances are errors. Default: 15.
 * @throws {InflateError} When the message is corrupt or too big.
 * @throws {RangeError} When the range is outside `source`, `limit` is negative or not a number, or
 *   `windowBits` is not an integer from 8 to 15.
 *
 * @example
 * ```ts
 * import { inflate } from "@quickws/quickws/core";
 *
 * const hello = Uint8Array.of(0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00);
 * console.log(new TextDecoder().decode(inflate(hello, 0, hello.length, 1024))); // Hello
 * ```
 *
 * @category Compression
 */
export function inflate(
  source: Uint8Array,
  start: number,
  end: number,
  limit: number,
  history?: InflateHistory,
  windowBits = 15,
): Uint8Array {
  inflation.begin(source, start, end, limit, history, windowBits);
  inflation.run(NEVER);
  return inflation.finish();
}

/** The decompression of a message that {@linkcode inflateWithin} has paused. */
export class PausedInflation {
  readonly #inflation: Inflation;

  /** Bytes of its input, and of the output so far. */
  get byteLength(): number {
    return this.#inflation.byteLength;
  }

  /** Created by {@linkcode inflateWithin}. */
  constructor(inflation: Inflation) {
    this.#inflation = inflation;
  }

  /**
   * Resumes.
   *
   * @param work The maximum work until it is paused again.
   * @returns The message, in separate memory, or `undefined` if it is not complete yet.
   * @throws {InflateError} When the message is corrupt or too big.
   */
  resume(work: number): Uint8Array | undefined {
    if (this.#inflation.run(work)) return this.#inflation.finish();
    this.#inflation.keep();
    return undefined;
  }

  /** Frees the memory of the message. */
  release(): void {
    this.#inflation.release();
  }
}

/**
 * Decompresses a message like {@linkcode inflate}, with pauses if it is slow.
 *
 * @param work The maximum work until it is paused, in bytes of output; the descriptions of blocks
 * count as well. A million takes about 10 milliseconds.
 * @param isOwn Whether no other code writes to the memory of `source`, so that a paused message
 * needs no copy. Default: `false`.
 * @returns The message, or its paused decompression.
 * @throws {InflateError} When the message is corrupt or too big.
 */
export function inflateWithin(
  source: Uint8Array,
  start: number,
  end: number,
  limit: number,
  work: number,
  history?: InflateHistory,
  windowBits = 15,
  isOwn = false,
): Uint8Array | PausedInflation {
  inflation.begin(source, start, end, limit, history, windowBits);
  if (inflation.run(work)) return inflation.finish();
  const paused = inflation;
  inflation = new Inflation();
  paused.keep(isOwn);
  return new PausedInflation(paused);
}

/** RFC 1951 3.2.4: LEN, its complement NLEN, and the bytes as they are. */
function inflateStored(input: BitInput, output: OutputPool): void {
  const { bytes, position, end } = input;
  if (end - position < 4) corrupt("message ends before a stored block's lengths");
  const length = bytes[position] | bytes[position + 1] << 8;
  const complement = bytes[position + 2] | bytes[position + 3] << 8;
  if ((length ^ 0xffff) !== complement) corrupt("a stored block's lengths do not match");
  const from = position + 4;
  if (end - from < length) corrupt("message ends within a stored block");
  output.reserve(length);
  output.bytes.set(bytes.subarray(from, from + length), output.length);
  output.length += length;
  input.position = from + length;
}

// The hot loop: decodes the symbols of one block to bytes (RFC 1951 3.2.3, "loop (until end of
// block code recognized)").

/** From this length, a repeated byte is written with `fill`. */
const LONG_RUN = 16;

/**
 * Decodes the symbols of a block and returns `true`, or `false` if the output exceeds `pauseAt`
 * bytes first.
 *
 * @param windowSize The maximum distance.
 * @throws {InflateError} When a symbol is invalid, or the output exceeds the limit.
 */
export function inflateBlock(
  input: BitInput,
  output: OutputPool,
  literals: DecodeTable,
  distances: DecodeTable,
  windowSize: number,
  history: InflateHistory | undefined,
  pauseAt: number = NEVER,
): boolean {
  for (;;) {
    output.reserve(0);
    if (input.position > input.fastEnd) input.enterTail();
    // A 32-bit integer for the comparison in the loop.
    const roomEnd = Math.min(output.roomEnd, pauseAt) | 0;
    if (inflateSymbols(input, output, literals, distances, windowSize, history, roomEnd)) break;
    if (output.length > pauseAt) return false;
  }
  input.checkNotPastEnd();
  return true;
}

/**
 * Decodes symbols while there is input for an iteration and room for its output; returns whether
 * the block has ended.
 *
 * Each refill leaves 24 bits or more in `hold`: it ORs in three bytes above the bits that count,
 * and advances by as many of them as are then complete. The incomplete bits above are read again,
 * with the same value, by the next refill. That is enough for two words of the root table (10 bits
 * each), for a length with its extra bits (15 + 5), or for a distance's word (15).
 */
function inflateSymbols(
  input: BitInput,
  output: OutputPool,
  literals: DecodeTable,
  distances: DecodeTable,
  windowSize: number,
  history: InflateHistory | undefined,
  roomEnd: number,
): boolean {
  const source = input.bytes;
  const fastEnd = input.fastEnd;
  const target = output.bytes;
  const view = output.view;
  const literalEntries = literals.entries;
  const literalMask = (1 << literals.rootBits) - 1;
  const distanceEntries = distances.entries;
  const distanceMask = (1 << distances.rootBits) - 1;
  let { position, hold, bits } = input;
  let length = output.length;
  let ended = false;

  while (position <= fastEnd && length <= roomEnd) {
    hold |= (source[position] | source[position + 1] << 8 | source[position + 2] << 16) << bits;
    position += 31 - bits >> 3;
    bits |= 24;
    let entry = literalEntries[hold & literalMask];
    if (entry < 0) {
      hold >>>= entry & CONSUMED;
      bits -= entry & CONSUMED;
      target[length++] = entry >>> 16;
      entry = literalEntries[hold & literalMask];
      if (entry < 0) {
        hold >>>= entry & CONSUMED;
        bits -= entry & CONSUMED;
        target[length++] = entry >>> 16;
        continue;
      }
      hold |= (source[position] | source[position + 1] << 8 | source[position + 2] << 16) << bits;
      position += 31 - bits >> 3;
      bits |= 24;
    }
    if ((entry & SPECIAL) !== 0) {
      if ((entry & SUBTABLE) !== 0) {
        const index = hold >>> (entry & CONSUMED) & (1 << (entry >>> 8 & 15)) - 1;
        entry = literalEntries[(entry >>> 16) + index];
        if (entry < 0) {
          hold >>>= entry & CONSUMED;
          bits -= entry & CONSUMED;
          target[length++] = entry >>> 16;
          continue;
        }
      }
      if ((entry & SPECIAL) !== 0) {
        if ((entry & BLOCK_END) === 0) corrupt("invalid literal or length code");
        hold >>>= entry & CONSUMED;
        bits -= entry & CONSUMED;
        ended = true;
        break;
      }
    }
    let consumed = entry & CONSUMED;
    const count = (entry >>> 16) + ((hold & (1 << consumed) - 1) >>> (entry >>> 8 & 15));
    hold >>>= consumed;
    bits -= consumed;

    hold |= (source[position] | source[position + 1] << 8 | source[position + 2] << 16) << bits;
    position += 31 - bits >> 3;
    bits |= 24;
    entry = distanceEntries[hold & distanceMask];
    if ((entry & SPECIAL) !== 0) {
      if ((entry & SUBTABLE) !== 0) {
        const index = hold >>> (entry & CONSUMED) & (1 << (entry >>> 8 & 15)) - 1;
        entry = distanceEntries[(entry >>> 16) + index];
      }
      if ((entry & SPECIAL) !== 0) corrupt("invalid distance code");
    }
    consumed = entry & CONSUMED;
    const word = entry >>> 8 & 15;
    let distance = entry >>> 16;
    if (consumed <= bits) {
      distance += (hold & (1 << consumed) - 1) >>> word;
      hold >>>= consumed;
      bits -= consumed;
    } else {
      // A long word with many extra bits needs two more bytes.
      consumed -= word;
      hold >>>= word;
      bits -= word;
      hold |= (source[position] | source[position + 1] << 8) << bits;
      position += 2;
      bits += 16;
      distance += hold & (1 << consumed) - 1;
      hold >>>= consumed;
      bits -= consumed;
    }

    if (distance > windowSize) corrupt("distance exceeds the window");
    const end = length + count;
    let from = length - distance;
    if (from < 0) {
      if (history === undefined || -from > history.length) corrupt("distance exceeds the history");
      length += history.copy(target, length, -from, count);
      from = 0;
      while (length < end) target[length++] = target[from++];
    } else if (distance >= 4) {
      // Copies four bytes at a time. The last word may pass the end: there is room, and later
      // output overwrites it.
      do {
        view.setInt32(length, view.getInt32(from, true), true);
        length += 4;
        from += 4;
      } while (length < end);
      length = end;
    } else if (distance === 1 && count > LONG_RUN) {
      target.fill(target[from], length, end);
      length = end;
    } else {
      do target[length++] = target[from++]; while (length < end);
    }
  }

  // Keep the complete bits only; the others are read again.
  input.hold = hold & (1 << bits) - 1;
  input.bits = bits;
  input.position = position;
  output.length = length;
  if (length > output.limit) output.refuse();
  return ended;
}
