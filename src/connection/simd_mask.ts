// Masks with WebAssembly SIMD: 16 bytes at a time, instead of 4 in JavaScript. The payload is copied
// into the module's memory and back, block by block.

import type { Masks } from "../wire/mask.ts";

/**
 * The block size in bytes: a multiple of four, so that each block starts with the first byte of the
 * key, and small enough for the L1 cache; blocks of 64 KiB take 1.5 times as long
 * (bench/micro/mask.ts).
 */
const BLOCK = 16_384;

/**
 * The same for short frames: the block that is read in part, because the connection pauses, is
 * masked again.
 */
const FRAMES_BLOCK = 8192;

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
 *         (local.tee $at (i32.add (local.get $at) (i32.const 64))) (local.get $end)))))
 *   ;; Masks whole frames, and returns the end of the last one.
 *   (func (export "g") (param $end i32) (result i32)
 *     (local $at i32) (local $stop i32) (local $p i32) (local $keys v128)
 *     (block $done (loop $frame
 *       ;; At a length of 64 bits, or a frame without a mask, JavaScript continues.
 *       (br_if $done (i32.ge_u (local.tee $stop
 *         (i32.sub (i32.load8_u offset=1 (local.get $at)) (i32.const 128))) (i32.const 127)))
 *       (local.set $p (i32.add (local.get $at) (i32.const 6)))
 *       (if (i32.eq (local.get $stop) (i32.const 126)) (then
 *         (local.set $stop (i32.or
 *           (i32.shl (i32.load8_u offset=2 (local.get $at)) (i32.const 8))
 *           (i32.load8_u offset=3 (local.get $at))))
 *         (local.set $p (i32.add (local.get $at) (i32.const 8)))))
 *       (br_if $done (i32.gt_u
 *         (local.tee $stop (i32.add (local.get $p) (local.get $stop))) (local.get $end)))
 *       (local.set $keys (i32x4.splat (i32.load (i32.sub (local.get $p) (i32.const 4)))))
 *       (block $last (loop $turn
 *         (br_if $last (i32.gt_u (i32.add (local.get $p) (i32.const 16)) (local.get $stop)))
 *         (v128.store (local.get $p) (v128.xor (v128.load (local.get $p)) (local.get $keys)))
 *         (local.set $p (i32.add (local.get $p) (i32.const 16)))
 *         (br $turn)))
 *       ;; The rest: fewer than 16 bytes, so the keys of the others are zero.
 *       (v128.store (local.get $p) (v128.xor (v128.load (local.get $p)) (v128.and (local.get $keys)
 *         (i8x16.lt_u (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
 *           (i8x16.splat (i32.sub (local.get $stop) (local.get $p)))))))
 *       (br_if $frame (i32.lt_u (local.tee $at (local.get $stop)) (local.get $end)))))
 *     (local.get $at)))
 * ```
 */
const MODULE =
  "AGFzbQEAAAABCwJgAn9/AGABfwF/AwMCAAEFAwEAAQcNAwFtAgABZgAAAWcAAQqdAgJcAgF/AXsgAf0RIQMDQC" +
  "ACIAL9AAAAIAP9Uf0LAAAgAiAC/QAAECAD/VH9CwAQIAIgAv0AACAgA/1R/QsAICACIAL9AAAwIAP9Uf0LADAg" +
  "AkHAAGoiAiAASQ0ACwu9AQIDfwF7AkADQCABLQABQYABayICQf8ATw0BIAFBBmohAyACQf4ARgRAIAEtAAJBCH" +
  "QgAS0AA3IhAiABQQhqIQMLIAMgAmoiAiAASw0BIANBBGsoAAD9ESEEAkADQCADQRBqIAJLDQEgAyAD/QAAACAE" +
  "/VH9CwAAIANBEGohAwwACwsgAyAD/QAAACAE/QwAAQIDBAUGBwgJCgsMDQ4PIAIgA2v9D/0m/U79Uf0LAAAgAi" +
  "IBIABJDQALCyABCw==";

/** Returns the masks, or `undefined` where there is no WebAssembly SIMD or a policy forbids it. */
export function simdMask(): Masks | undefined {
  try {
    const module = new WebAssembly.Module(Uint8Array.from(atob(MODULE), (c) => c.charCodeAt(0)));
    const { m, f, g } = new WebAssembly.Instance(module).exports;
    const memory = new Uint8Array((m as WebAssembly.Memory).buffer);
    return blockwise(memory, f as MaskBlock, g as MaskFrames);
  } catch {
    return undefined;
  }
}

/** Masks the first bytes of the module's memory, at least `end`. */
type MaskBlock = (end: number, key: number) => void;

/** Masks the whole frames in the first bytes of the module's memory, and returns their end. */
type MaskFrames = (end: number) => number;

function blockwise(memory: Uint8Array, maskBlock: MaskBlock, maskFrames: MaskFrames): Masks {
  const block = memory.subarray(0, BLOCK);
  /** The frames masked last: chunks often have the same size, and views are slow (`payload`). */
  let masked = block;
  return {
    payload(bytes, start, end, key): void {
      for (let at = start; at < end; at += BLOCK) {
        const size = Math.min(BLOCK, end - at);
        memory.set(size === bytes.length ? bytes : bytes.subarray(at, at + size));
        maskBlock(size, key);
        bytes.set(size === BLOCK ? block : memory.subarray(0, size), at);
      }
    },
    frames(bytes, start, end): number {
      const size = Math.min(FRAMES_BLOCK, end - start);
      memory.set(size === bytes.length ? bytes : bytes.subarray(start, start + size));
      const done = maskFrames(size);
      if (done !== masked.length) masked = memory.subarray(0, done);
      bytes.set(masked, start);
      return start + done;
    },
  };
}
