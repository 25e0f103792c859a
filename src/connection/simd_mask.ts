// Masks large payloads with WebAssembly SIMD: 64 bytes at a time, instead of 4 in JavaScript. The
// payload is copied into the module's memory and back, block by block.

import type { Mask } from "../wire/mask.ts";

/**
 * The block size in bytes: a multiple of four, so that each block starts with the first byte of the
 * key, and small enough for the L1 cache; blocks of 64 KiB take 1.5 times as long
 * (bench/micro/mask.ts).
 */
const BLOCK = 16_384;

/**
 * ```wat
 * (module
 *   (memory (export "m") 1)
 *   (func (export "f") (param $end i32) (param $key i32) (local $at i32) (local $keys v128)
 *     (local.set $keys (i32x4.splat (local.get $key)))
 *     (loop $turn
 *       ;; Four times, with the offsets 0, 16, 32 and 48:
 *       (v128.store (local.get $at) (v128.xor (v128.load (local.get $at)) (local.get $keys)))
 *       (br_if $turn (i32.lt_u
 *         (local.tee $at (i32.add (local.get $at) (i32.const 64))) (local.get $end))))))
 * ```
 */
// deno-fmt-ignore
const MODULE: readonly number[] = [
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00,
  0x01, 0x06, 0x01, 0x60, 0x02, 0x7f, 0x7f, 0x00,
  0x03, 0x02, 0x01, 0x00,
  0x05, 0x03, 0x01, 0x00, 0x01,
  0x07, 0x09, 0x02, 0x01, 0x6d, 0x02, 0x00, 0x01, 0x66, 0x00, 0x00,
  0x0a, 0x5e, 0x01, 0x5c, 0x02, 0x01, 0x7f, 0x01, 0x7b,
  0x20, 0x01, 0xfd, 0x11, 0x21, 0x03,
  0x03, 0x40,
  0x20, 0x02, 0x20, 0x02, 0xfd, 0x00, 0x04, 0x00, 0x20, 0x03, 0xfd, 0x51, 0xfd, 0x0b, 0x04, 0x00,
  0x20, 0x02, 0x20, 0x02, 0xfd, 0x00, 0x04, 0x10, 0x20, 0x03, 0xfd, 0x51, 0xfd, 0x0b, 0x04, 0x10,
  0x20, 0x02, 0x20, 0x02, 0xfd, 0x00, 0x04, 0x20, 0x20, 0x03, 0xfd, 0x51, 0xfd, 0x0b, 0x04, 0x20,
  0x20, 0x02, 0x20, 0x02, 0xfd, 0x00, 0x04, 0x30, 0x20, 0x03, 0xfd, 0x51, 0xfd, 0x0b, 0x04, 0x30,
  0x20, 0x02, 0x41, 0xc0, 0x00, 0x6a, 0x22, 0x02, 0x20, 0x00, 0x49, 0x0d, 0x00,
  0x0b,
  0x0b,
];

/** Returns the mask, or `undefined` if WebAssembly SIMD is missing or forbidden by a policy. */
export function simdMask(): Mask | undefined {
  try {
    const module = new WebAssembly.Module(Uint8Array.from(MODULE));
    const { m, f } = new WebAssembly.Instance(module).exports;
    return blockwise(new Uint8Array((m as WebAssembly.Memory).buffer), f as MaskBlock);
  } catch {
    return undefined;
  }
}

/** Masks the first bytes of the module's memory, at least `end`. */
type MaskBlock = (end: number, key: number) => void;

function blockwise(memory: Uint8Array, maskBlock: MaskBlock): Mask {
  return (bytes, start, end, key) => {
    for (let at = start; at < end; at += BLOCK) {
      const size = Math.min(BLOCK, end - at);
      memory.set(bytes.subarray(at, at + size));
      maskBlock(size, key);
      bytes.set(memory.subarray(0, size), at);
    }
  };
}
