// Encodes the frames of cases as bytes, with any header.

import { applyMask, readMaskKey, writeMaskKey } from "@quickws/quickws/core";
import type { FrameStep, Role } from "./case.ts";
import { payloadBytes } from "./corpus.ts";

/** Random bytes for many mask keys, because Node takes long for each call. */
const random = new Uint8Array(4096);
let used = random.length;

/** A new mask key (RFC 6455 5.3). */
function randomKey(): number {
  if (used === random.length) {
    crypto.getRandomValues(random);
    used = 0;
  }
  used += 4;
  return readMaskKey(random, used - 4);
}

/** The number of bytes of the length after the header's second byte. */
function lengthSize(length: number | bigint, bits: 16 | 64 | undefined): 0 | 2 | 8 {
  if (bits !== undefined) return bits === 16 ? 2 : 8;
  return length < 126 ? 0 : length < 0x10000 ? 2 : 8;
}

/**
 * The bytes of a frame.
 *
 * @param step The frame.
 * @param role The role of the receiver: a server receives masked frames.
 */
export function encodeFrame(step: FrameStep, role: Role): Uint8Array {
  const payload = payloadBytes(step.payload);
  const masked = (role === "server") === step.maskRule;
  const length = step.announced ?? payload.length;
  const wide = lengthSize(length, step.lengthBits);
  const headerSize = 2 + wide + (masked ? 4 : 0);
  const bytes = new Uint8Array(headerSize + payload.length);
  bytes[0] = (step.fin ? 0x80 : 0) | step.rsv << 4 | step.opcode;
  bytes[1] = (masked ? 0x80 : 0) | (wide === 0 ? Number(length) : wide === 2 ? 126 : 127);
  if (wide === 2) new DataView(bytes.buffer).setUint16(2, Number(length));
  if (wide === 8) new DataView(bytes.buffer).setBigUint64(2, BigInt(length));
  bytes.set(payload, headerSize);
  if (masked) {
    const maskKey = step.maskKey ?? randomKey();
    writeMaskKey(bytes, headerSize - 4, maskKey);
    applyMask(bytes, headerSize, bytes.length, maskKey);
  }
  return bytes;
}
