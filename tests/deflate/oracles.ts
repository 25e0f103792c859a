// Other implementations of RFC 1951, called so that they detect all errors.

import { Buffer } from "node:buffer";
import {
  constants,
  createDeflateRaw,
  deflateRawSync,
  inflateRawSync,
  type ZlibOptions,
} from "node:zlib";
import { inflateSync } from "fflate";

/** The end of a sync flush, which messages omit (RFC 7692 7.2.1). */
export const TAIL: Uint8Array = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/**
 * Completes a flushed stream: the tail of the flush, and an empty final stored block. Without a
 * final block, zlib would accept a stream that ends within a block.
 */
const STRICT_END = Uint8Array.of(0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff);

/** zlib's result for a message. */
export interface ZlibResult {
  /** The bytes. */
  bytes: Uint8Array;
  /** Whether zlib stopped after a final block before the end of the message. */
  stopped: boolean;
}

/**
 * Decompresses a message. Returns `undefined` if zlib rejects it.
 *
 * @param windowBits zlib detects distances beyond the window only if it returns its output in small
 * parts, since it copies from its remaining output.
 */
export function zlibInflate(
  payload: Uint8Array,
  windowBits = 15,
  limit = 1 << 24,
): ZlibResult | undefined {
  const options: ZlibOptions = { maxOutputLength: limit, info: true };
  if (windowBits < 15) Object.assign(options, { windowBits, chunkSize: 64 });
  try {
    const { buffer, engine } = inflateRawSync(concat(payload, STRICT_END), options) as unknown as {
      buffer: Uint8Array;
      engine: { bytesWritten: number };
    };
    return { bytes: buffer, stopped: engine.bytesWritten < payload.length + STRICT_END.length };
  } catch {
    return undefined;
  }
}

/** Compresses a message with zlib and a sync flush, without the tail of the flush. */
export function zlibDeflate(bytes: Uint8Array, options: ZlibOptions = {}): Uint8Array {
  const flushed = deflateRawSync(bytes, { ...options, finishFlush: constants.Z_SYNC_FLUSH });
  return Uint8Array.from(flushed.subarray(0, flushed.length - TAIL.length));
}

/** Compresses a sequence of messages with zlib. Each may refer to earlier ones. */
export async function zlibDeflateStream(
  messages: readonly Uint8Array[],
  options: ZlibOptions = {},
): Promise<Uint8Array[]> {
  const stream = createDeflateRaw(options);
  const payloads: Uint8Array[] = [];
  let chunks: Uint8Array[] = [];
  stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  for (const message of messages) {
    chunks = [];
    stream.write(message);
    await new Promise<void>((done) => stream.flush(constants.Z_SYNC_FLUSH, () => done()));
    const flushed = concat(...chunks);
    payloads.push(flushed.subarray(0, flushed.length - TAIL.length));
  }
  stream.close();
  return payloads;
}

/** Decompresses messages that refer to earlier ones. Returns `undefined` if zlib rejects one. */
export function zlibInflateStream(
  payloads: readonly Uint8Array[],
  windowBits = 15,
): Uint8Array | undefined {
  const flushed = payloads.slice(0, -1).flatMap((payload) => [payload, TAIL]);
  return zlibInflate(concat(...flushed, payloads.at(-1)!), windowBits, 1 << 28)?.bytes;
}

/** Decompresses a valid message of `length` bytes. */
export function fflateInflate(payload: Uint8Array, length: number): Uint8Array {
  return inflateSync(concat(payload, STRICT_END), { out: new Uint8Array(length + 1) });
}

/** Concatenates bytes. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
