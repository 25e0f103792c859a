import assert from "node:assert/strict";
import {
  applyMask,
  maskWith,
  readMaskKey,
  rotateMaskKey,
  SHARED_SIZE,
  SHARED_WORD_THRESHOLD,
  SIMD_THRESHOLD,
  WORD_THRESHOLD,
  writeMaskKey,
} from "../../src/wire/mask.ts";
import { simdMask } from "../../src/connection/simd_mask.ts";
import { Random } from "../support/random.ts";
import { BINARY, concat, frame, header, hex, MASK_KEY, PING, utf8 } from "../support/vectors.ts";

const KEYS: readonly (readonly number[])[] = [
  [0, 0, 0, 0],
  [0xff, 0xff, 0xff, 0xff],
  [1, 2, 3, 4],
  [0x80, 0, 0, 0x80],
  MASK_KEY,
];

/** Converts a key from its bytes on the wire to the library's form. */
function keyOf(bytes: readonly number[]): number {
  return readMaskKey(Uint8Array.from(bytes), 0);
}

/** Masks as RFC 6455 5.3 says: "transformed-octet-i = original-octet-i XOR masking-key-octet-j". */
function expected(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: readonly number[],
): Uint8Array {
  return bytes.map((byte, i) => i >= start && i < end ? byte ^ key[(i - start) % 4] : byte);
}

function assertMasked(size: number, alignment: number, key: readonly number[]): void {
  // The payload begins at any offset of its buffer, and of the view that is used for masking.
  const buffer = new Uint8Array(size + 32);
  for (let i = 0; i < buffer.length; i++) buffer[i] = i * 7 + 1;
  const view = buffer.subarray(alignment);
  const want = expected(view, 3, 3 + size, key);
  applyMask(view, 3, 3 + size, keyOf(key));
  if (view.every((byte, i) => byte === want[i])) return;
  assert.deepEqual(view, want, `size ${size}, alignment ${alignment}, key ${key}`);
}

Deno.test("masks correctly at every length from 0 to 300, every alignment and several keys", () => {
  for (let size = 0; size <= 300; size++) {
    for (let alignment = 0; alignment < 8; alignment++) {
      for (const key of KEYS) assertMasked(size, alignment, key);
    }
  }
});

maskWith(simdMask);

Deno.test("masks large payloads correctly around the thresholds between the masking methods", () => {
  for (const size of [SIMD_THRESHOLD, 16_384, 32_768, 65_536]) {
    for (const difference of [-1, 0, 1, 2, 3, 15, 63]) {
      for (const alignment of [0, 1, 5]) assertMasked(size + difference, alignment, MASK_KEY);
    }
  }
});

Deno.test("SIMD masks payloads of every length up to several iterations, and nothing after them", () => {
  const { payload: mask } = simdMask()!;
  for (let size = 0; size <= 200; size++) {
    const bytes = Uint8Array.from({ length: size + 80 }, (_, i) => i * 7 + 1);
    const want = expected(bytes, 3, 3 + size, MASK_KEY);
    mask(bytes, 3, 3 + size, keyOf(MASK_KEY));
    assert.deepEqual(bytes, want, `size ${size}`);
  }
});

Deno.test("SIMD masks short frames of every length, and nothing outside their payloads", () => {
  const { frames } = simdMask()!;
  for (let size = 0; size <= 300; size++) {
    const payload = Uint8Array.from({ length: size }, (_, i) => i * 7 + 1);
    const plain = concat(
      frame({ opcode: BINARY, mask: MASK_KEY, payload }),
      frame({ opcode: PING, mask: [9, 8, 7, 6], payload: payload.subarray(0, 125) }),
    );
    const masked = frame({ opcode: BINARY, mask: MASK_KEY, payload: payload.map((_, i) => i) });
    const rests = [[], [0x82], [0x82, 0xff, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0], [0x82, 0x01, 7]];
    for (const rest of [...rests, masked.subarray(0, -1)]) {
      const bytes = concat(Uint8Array.of(5, 5, 5), plain, Uint8Array.from(rest));
      const want = concat(
        Uint8Array.of(5, 5, 5),
        header({ opcode: BINARY, mask: MASK_KEY, payload }),
        payload,
        header({ opcode: PING, mask: [9, 8, 7, 6], payload: payload.subarray(0, 125) }),
        payload.subarray(0, 125),
        Uint8Array.from(rest),
      );
      assert.equal(frames(bytes, 3, bytes.length), 3 + plain.length, `size ${size}`);
      assert.deepEqual(bytes, want, `size ${size}, followed by ${rest.length} bytes`);
    }
  }
});

Deno.test("works without SIMD if WebAssembly is not available", () => {
  const { WebAssembly } = globalThis;
  try {
    Reflect.deleteProperty(globalThis, "WebAssembly");
    assert.equal(simdMask(), undefined);
  } finally {
    Object.assign(globalThis, { WebAssembly });
  }
});

Deno.test("masks many payloads correctly in one buffer and in two alternating buffers", () => {
  const memories = [0, 1, 2, 3].map((alignment) => {
    const bytes = new Uint8Array(2 * SHARED_SIZE + alignment).subarray(alignment);
    for (let i = 0; i < bytes.length; i++) bytes[i] = i * 7 + alignment;
    return { bytes, want: bytes.slice() as Uint8Array };
  });
  let start = 0;
  for (let size = 0; size < SHARED_WORD_THRESHOLD + 20; size++) {
    for (const memory of memories) {
      memory.want = expected(memory.want, start, start + size, MASK_KEY);
      applyMask(memory.bytes, start, start + size, keyOf(MASK_KEY));
    }
    start += size + 1;
  }
  for (const { bytes, want } of memories) assert.deepEqual(bytes, want);
});

Deno.test("masks correctly at lengths around the threshold of word-wise masking, and far above it", () => {
  for (const base of [WORD_THRESHOLD, 2 * WORD_THRESHOLD, 4096, 65536]) {
    for (let size = base - 9; size <= base + 9; size++) {
      for (let alignment = 0; alignment < 8; alignment++) assertMasked(size, alignment, MASK_KEY);
    }
  }
});

Deno.test("unmasks the masked Hello of RFC 6455 section 5.7", () => {
  const bytes = hex("81 85 37 fa 21 3d 7f 9f 4d 51 58");
  applyMask(bytes, 6, 11, readMaskKey(bytes, 2));
  assert.deepEqual(bytes.subarray(6), utf8("Hello"));
});

Deno.test("masking twice restores the payload", () => {
  const bytes = new Random(1).bytes(1000);
  const twice = bytes.slice();
  applyMask(twice, 1, 999, keyOf(MASK_KEY));
  assert.notDeepEqual(twice, bytes);
  applyMask(twice, 1, 999, keyOf(MASK_KEY));
  assert.deepEqual(twice, bytes);
});

Deno.test("unmasks a payload in parts with the rotated key, for any split", () => {
  const random = new Random(2);
  for (const size of [1, 2, 3, 4, 5, 8, 13, 64, WORD_THRESHOLD, 3 * WORD_THRESHOLD + 1]) {
    const payload = random.bytes(size);
    const want = expected(payload, 0, size, MASK_KEY);
    for (let cut = 0; cut <= size; cut++) {
      const bytes = payload.slice();
      const key = keyOf(MASK_KEY);
      applyMask(bytes, 0, cut, key);
      applyMask(bytes, cut, size, rotateMaskKey(key, cut));
      assert.ok(bytes.every((byte, i) => byte === want[i]), `size ${size} cut at ${cut}`);
    }
  }
});

Deno.test("rotating a key step by step gives the same result as rotating it at once", () => {
  for (const bytes of KEYS) {
    const key = keyOf(bytes);
    for (let first = 0; first < 9; first++) {
      for (let second = 0; second < 9; second++) {
        assert.equal(
          rotateMaskKey(rotateMaskKey(key, first), second),
          rotateMaskKey(key, first + second),
        );
      }
    }
    assert.equal(rotateMaskKey(key, 4), key);
  }
});

Deno.test("writes the key that was read, at any offset", () => {
  for (const bytes of KEYS) {
    for (let offset = 0; offset < 4; offset++) {
      const memory = new Uint8Array(10).fill(0xa5);
      writeMaskKey(memory, offset, keyOf(bytes));
      assert.equal(readMaskKey(memory, offset), keyOf(bytes));
      assert.deepEqual([...memory.subarray(offset, offset + 4)], [...bytes]);
      assert.deepEqual(memory[offset + 4], 0xa5);
    }
  }
});

Deno.test("the four bytes of the key on the wire are in the order of their use", () => {
  const bytes = new Uint8Array(4);
  applyMask(bytes, 0, 4, keyOf(MASK_KEY));
  assert.deepEqual([...bytes], [...MASK_KEY]);
});
