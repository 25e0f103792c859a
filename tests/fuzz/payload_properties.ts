// Invariants of masks, length fields, UTF-8, close payloads and the deflate codec.

import assert from "node:assert/strict";
import fc from "fast-check";
import { deflate } from "../../src/deflate/deflate.ts";
import { inflate } from "../../src/deflate/inflate.ts";
import { InflateError } from "../../src/deflate/bits.ts";
import { InvalidPayloadError, WebSocketError } from "../../src/errors.ts";
import { checkUtf8, checkUtf8End, decodeText, UTF8_COMPLETE } from "../../src/message/utf8.ts";
import {
  formatClosePayload,
  isCloseCode,
  MAX_CLOSE_REASON,
  parseClosePayload,
} from "../../src/wire/close.ts";
import { sealFrame } from "../../src/wire/frame_writer.ts";
import { headerSize, readPayloadLength } from "../../src/wire/header.ts";
import { applyMask, readMaskKey, rotateMaskKey } from "../../src/wire/mask.ts";
import { zlibInflate } from "../deflate/oracles.ts";
import { concat, utf8 } from "../support/vectors.ts";
import { chunkSizes, chunksOf, mutated, mutations, payloads, shortBytes, texts } from "./bytes.ts";
import { closePayloads } from "./frame_streams.ts";

/** Masking in parts equals masking the whole, byte by byte (RFC 6455 section 5.3). */
export const masks = fc.property(
  payloads,
  fc.integer(),
  chunkSizes,
  fc.nat(7),
  (payload, key, sizes, odd) => {
    const keyBytes = Uint8Array.of(key, key >>> 8, key >>> 16, key >>> 24);
    assert.equal(readMaskKey(keyBytes, 0), key);
    const expected = payload.map((byte, i) => byte ^ keyBytes[i % 4]);
    const memory = concat(new Uint8Array(odd).fill(0xa5), payload, new Uint8Array(5).fill(0xa5));
    let at = odd;
    for (const chunk of chunksOf(payload, sizes)) {
      applyMask(memory, at, at + chunk.length, rotateMaskKey(key, at - odd));
      at += chunk.length;
    }
    assert.deepEqual(memory.subarray(odd, at), expected);
    assert.ok([...memory.subarray(0, odd), ...memory.subarray(at)].every((byte) => byte === 0xa5));
  },
);

/** A length is written in the fewest bytes and read back unchanged. */
export const lengths = fc.property(
  fc.oneof(fc.nat(70000), fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.maxSafeNat()),
  (length) => {
    const bytes = new Uint8Array(14);
    sealFrame(bytes, 0, 0x82, length, undefined);
    assert.equal(headerSize(bytes[1]), length < 126 ? 2 : length < 65536 ? 4 : 10);
    assert.equal(readPayloadLength(bytes, 0, length), length);
    if (length > 0) assert.throws(() => readPayloadLength(bytes, 0, length - 1), WebSocketError);
  },
);

/** Any two to fourteen bytes as a length field. */
export const lengthFields = fc.property(
  fc.uint8Array({ minLength: 10, maxLength: 10 }),
  fc.nat(2 ** 31 - 1),
  (field, limit) => {
    const bytes = concat(Uint8Array.of(0x82), new Uint8Array(field));
    try {
      const length = readPayloadLength(bytes, 0, limit);
      assert.ok(length >= 0 && length <= limit && Number.isInteger(length));
    } catch (error) {
      assert.ok(error instanceof WebSocketError, String(error));
    }
  },
);

/** The streaming validator, the decoder and the platform's decoder agree on valid UTF-8. */
export const utf8Texts = fc.property(
  fc.oneof(texts.map(utf8), shortBytes),
  mutations,
  chunkSizes,
  (text, what, sizes) => {
    const bytes = mutated(text, what);
    const oracle = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const expected = attempt(() => oracle.decode(bytes), TypeError);
    assert.equal(attempt(() => decodeText(bytes, 0, bytes.length), InvalidPayloadError), expected);
    const checked = attempt(() => {
      let state = UTF8_COMPLETE;
      for (const chunk of chunksOf(bytes, sizes)) state = checkUtf8(state, chunk, 0, chunk.length);
      checkUtf8End(state);
      return "valid";
    }, InvalidPayloadError);
    assert.equal(checked === undefined, expected === undefined);
  },
);

/**
 * The payload of a Close frame is read or rejected. If it was read, it can be written again.
 */
export const closes = fc.property(closePayloads(), mutations, (payload, what) => {
  const bytes = mutated(payload, what).subarray(0, 125);
  const read = attempt(() => parseClosePayload(bytes, 0, bytes.length), WebSocketError);
  if (read !== undefined) assert.deepEqual(formatClosePayload(read.code, read.reason), bytes);
});

/**
 * A reason of any length is truncated to fit into a control frame, at a code point boundary.
 */
export const closeReasons = fc.property(
  fc.integer({ min: 1000, max: 4999 }).filter(isCloseCode),
  texts,
  (code, reason) => {
    const bytes = formatClosePayload(code, reason);
    const read = parseClosePayload(bytes, 0, bytes.length);
    assert.equal(read.code, code);
    assert.ok(reason.startsWith(read.reason));
    if (utf8(reason).length <= MAX_CLOSE_REASON) assert.equal(read.reason, reason);
  },
);

/** Compressed data decompresses to the original, and never to more than the limit. */
export const codec = fc.property(
  payloads,
  fc.constantFrom("fast", "best"),
  fc.integer({ min: 8, max: 15 }),
  fc.nat(80000),
  (payload, level, windowBits, limit) => {
    const target = new Uint8Array(payload.length);
    const end = deflate(payload, 0, payload.length, target, 0, { level, windowBits });
    if (end === -1) return;
    const read = attempt(() => inflate(target, 0, end, limit, undefined, windowBits), InflateError);
    if (payload.length <= limit) assert.deepEqual(read, payload);
    else assert.equal(read, undefined);
  },
);

/** Any bytes are decompressed or rejected. */
export const compressedNoise = fc.property(
  fc.oneof(shortBytes, payloads.map(packed)),
  mutations,
  fc.nat(80000),
  (bytes, what, limit) => {
    const source = mutated(bytes, what);
    const read = attempt(() => inflate(source, 0, source.length, limit), InflateError);
    if (read === undefined || source.length === 0) return;
    assert.ok(read.length <= limit);
    // zlib's result is the same, up to a final block.
    const reference = zlibInflate(source, 15, 1 << 20);
    assert.ok(reference !== undefined, "only quickws accepts it");
    assert.ok(read.length === reference.bytes.length || reference.stopped);
    assert.deepEqual(read.subarray(0, reference.bytes.length), Uint8Array.from(reference.bytes));
  },
);

function packed(payload: Uint8Array): Uint8Array {
  const target = new Uint8Array(payload.length);
  const end = deflate(payload, 0, payload.length, target, 0, { level: "best", windowBits: 15 });
  return end === -1 ? payload : target.subarray(0, end);
}

/** Returns the result of `run`, or `undefined` if it throws an allowed error. */
function attempt<T>(
  run: () => T,
  expected: abstract new (...args: never[]) => Error,
): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof expected) return undefined;
    throw error;
  }
}
