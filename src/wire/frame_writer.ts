// Encodes frames: writes header, mask and payload directly into output memory.

import { applyMask, writeMaskKey } from "./mask.ts";
import { LENGTH_16, LENGTH_64, MASK } from "./opcode.ts";

/**
 * Receives frames: memory is reserved, filled and then committed.
 *
 * @category Frames
 */
export interface FrameOutput {
  /** Makes room for `size` bytes and returns the memory; write from {@linkcode FrameOutput.offset}. */
  reserve(size: number): Uint8Array;
  /** The start of the last reserved space in its memory. */
  readonly offset: number;
  /** Commits the first `size` bytes of the reserved space. */
  commit(size: number): void;
}

/**
 * Returns a new cryptographically random 32-bit mask key (RFC 6455 sections 5.3, 10.3).
 *
 * @category Frames
 */
export type MaskSource = () => number;

/**
 * The header size in bytes of a frame with a payload of `length` bytes.
 *
 * @example
 * ```ts
 * import { frameHeaderSize } from "@quickws/quickws/core";
 *
 * console.log(frameHeaderSize(125, false), frameHeaderSize(126, false)); // 2 4
 * console.log(frameHeaderSize(65_536, true)); // 14
 * ```
 *
 * @category Frames
 */
export function frameHeaderSize(length: number, masked: boolean): number {
  return (length < LENGTH_16 ? 2 : length < 0x10000 ? 4 : 10) + (masked ? 4 : 0);
}

/** Writes the header before the mask key, and returns the end offset. */
function writeHeader(
  bytes: Uint8Array,
  at: number,
  first: number,
  length: number,
  mask: number,
): number {
  bytes[at] = first;
  if (length < LENGTH_16) {
    bytes[at + 1] = mask | length;
    return at + 2;
  }
  if (length < 0x10000) {
    bytes[at + 1] = mask | LENGTH_16;
    bytes[at + 2] = length >>> 8;
    bytes[at + 3] = length;
    return at + 4;
  }
  return writeLongHeader(bytes, at, length, mask);
}

/** Writes the rest of a header with a 64-bit length. */
function writeLongHeader(bytes: Uint8Array, at: number, length: number, mask: number): number {
  bytes[at + 1] = mask | LENGTH_64;
  // RFC 6455 5.2: 64 bits in network byte order.
  const high = Math.floor(length / 0x100000000);
  bytes[at + 2] = high >>> 24;
  bytes[at + 3] = high >>> 16;
  bytes[at + 4] = high >>> 8;
  bytes[at + 5] = high;
  bytes[at + 6] = length >>> 24;
  bytes[at + 7] = length >>> 16;
  bytes[at + 8] = length >>> 8;
  bytes[at + 9] = length;
  return at + 10;
}

/**
 * Completes a frame whose payload is already in `bytes`, after the space for its header.
 *
 * @param bytes The memory of the frame.
 * @param at The offset of the header.
 * @param first The header's first byte: FIN, RSV1, opcode.
 * @param length The size in bytes of the payload.
 * @param masks The source of mask keys for a client; absent on a server (RFC 6455 section 5.1).
 * @returns The end offset of the frame.
 *
 * @example
 * ```ts
 * import { frameHeaderSize, sealFrame } from "@quickws/quickws/core";
 *
 * const start = frameHeaderSize(5, false);
 * const frame = new Uint8Array(start + 5);
 * new TextEncoder().encodeInto("hello", frame.subarray(start));
 * console.log(sealFrame(frame, 0, 0x81, 5, undefined)); // 7
 * console.log(frame); // Uint8Array(7) [129, 5, 104, 101, 108, 108, 111]
 * ```
 *
 * @category Frames
 */
export function sealFrame(
  bytes: Uint8Array,
  at: number,
  first: number,
  length: number,
  masks: MaskSource | undefined,
): number {
  if (masks === undefined) return writeHeader(bytes, at, first, length, 0) + length;
  const keyAt = writeHeader(bytes, at, first, length, MASK);
  const key = masks();
  writeMaskKey(bytes, keyAt, key);
  const end = keyAt + 4 + length;
  applyMask(bytes, keyAt + 4, end, key);
  return end;
}

/** Up to this size copying byte by byte is cheaper than creating a view for `set`. */
const COPY_LOOP_LIMIT = 64;

/**
 * Writes a whole frame with a copy of `payload[start..end)`.
 *
 * @param output Receives the frame.
 * @param first The header's first byte: FIN, RSV1, opcode.
 * @param payload The memory of the payload.
 * @param start The start of the payload.
 * @param end The end of the payload.
 * @param masks The source of mask keys, for a client.
 *
 * @example
 * ```ts
 * import { type FrameOutput, writeFrame } from "@quickws/quickws/core";
 *
 * const memory = new Uint8Array(1024);
 * let size = 0;
 * const output: FrameOutput = {
 *   reserve: () => memory,
 *   get offset() {
 *     return size;
 *   },
 *   commit: (count) => void (size += count),
 * };
 * writeFrame(output, 0x82, Uint8Array.of(7, 8), 0, 2, undefined);
 * console.log(memory.subarray(0, size)); // Uint8Array(4) [130, 2, 7, 8]
 * ```
 *
 * @category Frames
 */
export function writeFrame(
  output: FrameOutput,
  first: number,
  payload: Uint8Array,
  start: number,
  end: number,
  masks: MaskSource | undefined,
): void {
  const length = end - start;
  const headerSize = frameHeaderSize(length, masks !== undefined);
  const bytes = output.reserve(headerSize + length);
  const at = output.offset;
  copyBytes(payload, start, end, bytes, at + headerSize);
  sealFrame(bytes, at, first, length, masks);
  output.commit(headerSize + length);
}

/** Copies `source[start..end)` to `target` at `at`. */
export function copyBytes(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): void {
  if (end - start <= COPY_LOOP_LIMIT) {
    for (let i = start; i < end; i++) target[at++] = source[i];
  } else if (start === 0 && end === source.length) {
    target.set(source, at);
  } else {
    target.set(source.subarray(start, end), at);
  }
}
