// Compresses and decompresses messages (RFC 7692) with the runtime's zlib, independently of the
// library.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { constants, createDeflateRaw, deflateRawSync, inflateRawSync } from "node:zlib";
import type { WireFrame } from "./vectors.ts";

/** The RSV1 bit of a frame's `rsv`. */
export const RSV1 = 4;

/** Compresses a message (RFC 7692 7.2.1). */
export function compressed(text: string | Uint8Array): Uint8Array {
  const options = { finishFlush: constants.Z_SYNC_FLUSH };
  return new Uint8Array(deflateRawSync(text, options)).subarray(0, -4);
}

/** Compresses messages with context takeover: each may refer to earlier ones (RFC 7692 7.2.1). */
export async function compressedWithTakeover(
  ...messages: Array<string | Uint8Array>
): Promise<Uint8Array[]> {
  // A stream, because Deno's deflateRawSync ignores a dictionary.
  const stream = createDeflateRaw();
  let chunks: Uint8Array[] = [];
  stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  const payloads: Uint8Array[] = [];
  for (const message of messages) {
    chunks = [];
    stream.write(message);
    await new Promise<void>((done) => stream.flush(constants.Z_SYNC_FLUSH, () => done()));
    payloads.push(new Uint8Array(Buffer.concat(chunks)).subarray(0, -4));
  }
  stream.close();
  return payloads;
}

/** Decompresses the payload of a frame (RFC 7692 7.2.2). Fails if RSV1 is not set. */
export function inflated({ payload, rsv }: WireFrame, windowBits = 15): string {
  assert.equal(rsv, RSV1, "the message is not compressed");
  const whole = Buffer.concat([payload, Uint8Array.of(0, 0, 0xff, 0xff)]);
  const options = { finishFlush: constants.Z_SYNC_FLUSH, windowBits };
  return inflateRawSync(whole, options).toString();
}
