// Builds the frames of a load once, into a file that also contains the payload of the replies.

import { constants, deflateRawSync } from "node:zlib";
import { Opcode } from "../../src/core.ts";
import { messagesFor } from "../core/endpoints.ts";
import type { Workload } from "../catalog/workloads.ts";

/** Frames in the order of sending. */
export interface FrameFile {
  bytes: Uint8Array;
  sizes: number[];
  prelude: number;
}

/** Repeats a frame up to this many bytes, so that one write sends a batch. */
const BATCH = 1 << 20;

/** The window of DEFLATE, in bytes. */
const WINDOW = 32 * 1024;

const RSV1 = 0x40;
const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);
const encoder = new TextEncoder();

/** Returns the payload of a workload's messages. */
export function payloadOf({ payload, text }: Workload): Uint8Array {
  if (!text) return Uint8Array.from({ length: payload }, (_, index) => index * 31 & 0xff);
  const line = "The quick brown fox jumps over the lazy dog, 0123456789 times. ";
  return encoder.encode(line.repeat(Math.ceil(payload / line.length)).slice(0, payload));
}

/** Returns JSON of a given size, like that of a price feed. `seed` varies the content. */
export function jsonOf(size: number, seed: number): Uint8Array {
  const rows: string[] = [];
  let length = 0;
  for (let row = 0; length < size; row++) {
    const number = Math.imul(seed * 1000 + row + 1, 2654435761) >>> 0;
    const text = JSON.stringify({
      id: number % 100000,
      symbol: ["ACME", "INIT", "HOOL", "UMBR"][number >>> 5 & 3],
      price: (number >>> 8) / 1000,
      side: number & 1 ? "buy" : "sell",
      open: (number & 6) === 0,
    });
    rows.push(text);
    length += text.length + 1;
  }
  return encoder.encode(`[${rows.join()}]`.slice(0, size));
}

/**
 * Returns the frames of a workload.
 *
 * @param from The sending side: a client masks its frames.
 */
export function framesOf(workload: Workload, from: "client" | "server"): FrameFile {
  return workload.compression === undefined
    ? plainFrames(workload, from)
    : compressedFrames(workload, from, workload.compression === "takeover");
}

function plainFrames(workload: Workload, from: "client" | "server"): FrameFile {
  const payload = payloadOf(workload);
  const opcode = workload.text ? Opcode.Text : Opcode.Binary;
  const count = Math.max(1, Math.min(workload.depth, Math.floor(BATCH / (payload.length + 14))));
  // `messagesFor` takes the receiving side.
  const frames = messagesFor(from === "client" ? "server" : "client", opcode, payload, count);
  const bytes = new Uint8Array(frames.length + payload.length);
  bytes.set(frames);
  bytes.set(payload, frames.length);
  return { bytes, sizes: Array(count).fill(frames.length / count), prelude: 0 };
}

/**
 * Returns different JSON messages. With takeover, the list is larger than the window and is
 * compressed twice in succession. Each message of the second pass then depends on the same window
 * in every repetition, so the second pass can be sent repeatedly after the first.
 */
function compressedFrames(
  workload: Workload,
  from: "client" | "server",
  takeover: boolean,
): FrameFile {
  const count = Math.max(8, Math.ceil(2 * WINDOW / workload.payload));
  const messages = Array.from({ length: count }, (_, seed) => jsonOf(workload.payload, seed));
  const payloads = takeover
    ? [...messages, ...messages].map((message, index, all) => {
      const before = Math.max(0, index - Math.ceil(WINDOW / workload.payload) - 1);
      return deflate(message, concatenate(all.slice(before, index)).subarray(-WINDOW));
    })
    : messages.map((message) => deflate(message));
  const frames = payloads.map((payload) => {
    const side = from === "client" ? "server" : "client";
    const frame = messagesFor(side, Opcode.Text, payload, 1);
    frame[0]! |= RSV1;
    return frame;
  });
  const sizes = frames.map((frame) => frame.length);
  return { bytes: concatenate(frames), sizes, prelude: takeover ? count : 0 };
}

/** Compresses a message with a sync flush and removes the last four bytes (RFC 7692 7.2.1). */
function deflate(message: Uint8Array, dictionary?: Uint8Array): Uint8Array {
  const bytes = deflateRawSync(message, {
    finishFlush: constants.Z_SYNC_FLUSH,
    ...(dictionary && dictionary.length > 0 ? { dictionary } : {}),
  });
  return new Uint8Array(bytes.subarray(0, bytes.length - TAIL.length));
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
