// Work limits: decompression can pause at any point and continue after other messages, without
// affecting the result. A message that consists mostly of block headers is rejected.

import assert from "node:assert/strict";
import zlib from "node:zlib";
import { inflate, inflateWithin, PausedInflation } from "../../src/deflate/inflate.ts";
import { InflateError } from "../../src/deflate/bits.ts";
import { InflateHistory } from "../../src/deflate/inflate_output.ts";

const MIB = 1024 * 1024;
const LIMIT = 16 * MIB;

/** Writes bits, least significant first, and Huffman codewords, most significant first. */
class BitWriter {
  readonly bytes: number[] = [];
  #hold = 0;
  #count = 0;

  get isAligned(): boolean {
    return this.#count === 0;
  }

  put(value: number, count: number): void {
    for (let bit = 0; bit < count; bit++) {
      this.#hold |= (value >> bit & 1) << this.#count;
      if (++this.#count < 8) continue;
      this.bytes.push(this.#hold);
      this.#hold = this.#count = 0;
    }
  }

  code(word: number, count: number): void {
    for (let bit = count - 1; bit >= 0; bit--) this.put(word >> bit, 1);
  }
}

const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** Writes an empty block with the shortest possible description of its codes. */
function smallest(out: BitWriter): void {
  out.put(0b100, 3);
  out.put(0, 5);
  out.put(0, 5);
  out.put(14, 4);
  for (const symbol of ORDER.slice(0, 18)) out.put(symbol === 18 || symbol === 1 ? 1 : 0, 3);
  for (const run of [138, 118]) {
    out.code(1, 1);
    out.put(run - 11, 7);
  }
  out.code(0, 1);
  out.code(0, 1);
  out.code(0, 1);
}

/** Writes an empty block with a description of all 316 codewords. */
function largest(out: BitWriter): void {
  out.put(0b100, 3);
  out.put(29, 5);
  out.put(29, 5);
  out.put(15, 4);
  const lengths = new Map([[8, 1], [9, 2], [4, 3], [5, 3]]);
  for (const symbol of ORDER) out.put(lengths.get(symbol) ?? 0, 3);
  for (let symbol = 0; symbol < 226; symbol++) out.code(0, 1);
  for (let symbol = 226; symbol < 286; symbol++) out.code(0b10, 2);
  for (let symbol = 0; symbol < 2; symbol++) out.code(0b110, 3);
  for (let symbol = 2; symbol < 30; symbol++) out.code(0b111, 3);
  out.code(482, 9);
}

function emptyFixed(out: BitWriter): void {
  out.put(0b010, 3);
  out.code(0, 7);
}

function emptyStored(out: BitWriter): void {
  out.put(0, 8);
  out.put(0xffff0000, 32);
}

/** Returns a message of repeated blocks with this total size. */
function repeated(block: (out: BitWriter) => void, size: number): Uint8Array {
  const out = new BitWriter();
  do block(out); while (!out.isAligned);
  const count = Math.floor(size / out.bytes.length);
  const message = new Uint8Array(count * out.bytes.length + 1);
  message.set(out.bytes);
  // Doubling is faster than millions of copies.
  for (let size = out.bytes.length; size < message.length - 1; size *= 2) {
    message.copyWithin(size, 0, Math.min(size, message.length - 1 - size));
  }
  return message;
}

const BLOCKS = { smallest, largest, emptyFixed, emptyStored };

for (const [name, block] of Object.entries(BLOCKS)) {
  Deno.test(`rejects 15 MiB of blocks without data: ${name}`, () => {
    const message = repeated(block, 15 * MIB);
    assert.throws(() => inflate(message, 0, message.length, LIMIT), (error) => {
      assert.ok(error instanceof InflateError);
      assert.equal(error.message, "message has far more blocks than data");
      return true;
    });
  });

  Deno.test(`decompresses 64 KiB of blocks without data to an empty message: ${name}`, () => {
    const message = repeated(block, 65536);
    assert.equal(inflate(message, 0, message.length, LIMIT).length, 0);
  });
}

/** Returns pseudorandom bytes, some of them frequent. */
function noise(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = 12345;
  for (let index = 0; index < size; index++) {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    bytes[index] = 32 + ((state >>> 24) * (state >>> 16 & 255) >> 10);
  }
  return bytes;
}

const { Z_HUFFMAN_ONLY, Z_DEFAULT_STRATEGY, Z_SYNC_FLUSH, Z_FIXED, Z_RLE } = zlib.constants;

/** Compresses a message with zlib and removes the tail. */
function compressed(bytes: Uint8Array, options: zlib.ZlibOptions): Uint8Array {
  const result = zlib.deflateRawSync(bytes, { ...options, finishFlush: Z_SYNC_FLUSH });
  return new Uint8Array(result).subarray(0, -4);
}

const data = noise(2 * MIB);
for (const strategy of [Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED]) {
  for (const memLevel of [1, 9]) {
    Deno.test(`accepts zlib's output: strategy ${strategy}, memLevel ${memLevel}`, () => {
      const message = compressed(data, { strategy, memLevel, level: 6 });
      assert.deepEqual(inflate(message, 0, message.length, LIMIT), data);
    });
  }
}

Deno.test("accepts zlib's output flushed after every 25 bytes", () => {
  // 1 MiB. Each part is compressed separately, as by a full flush.
  const parts: Uint8Array[] = [];
  const whole = data.subarray(0, MIB);
  const options = { strategy: Z_HUFFMAN_ONLY, memLevel: 1, finishFlush: Z_SYNC_FLUSH };
  for (let at = 0; at < whole.length; at += 25 * 1024) {
    for (let part = at; part < Math.min(at + 25 * 1024, whole.length); part += 25) {
      if (part >= at + 25 * 32) break;
      parts.push(new Uint8Array(zlib.deflateRawSync(whole.subarray(part, part + 25), options)));
    }
  }
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const part of parts) {
    all.set(part, end);
    end += part.length;
  }
  // Enough copies to exceed the initial work allowance.
  const copies = 200;
  const message = new Uint8Array(end * copies);
  for (let copy = 0; copy < copies; copy++) message.set(all, copy * end);
  const size = inflate(message, 0, message.length - 4, LIMIT).length;
  assert.equal(size, inflate(all, 0, end - 4, LIMIT).length * copies);
});

/** Messages of 500 bytes to decompress between the slices of a longer message. */
const others = Array.from(
  { length: 16 },
  (_, index) => compressed(data.subarray(index, index + 500), {}),
);

/** Decompresses a message in slices of `work`, with other messages in between. */
function inSlices(
  message: Uint8Array,
  work: number,
  history?: InflateHistory,
): { bytes: Uint8Array; slices: number } {
  const source = message.slice();
  let result: Uint8Array | PausedInflation | undefined = inflateWithin(
    source,
    0,
    source.length,
    LIMIT,
    work,
    history,
  );
  if (!(result instanceof PausedInflation)) return { bytes: result, slices: 1 };
  // The memory of the source may be overwritten after this.
  source.fill(0xff);
  const paused = result;
  for (let slices = 2;; slices++) {
    const other = others[slices % others.length]!;
    assert.equal(inflate(other, 0, other.length, LIMIT).length, 500);
    result = paused.resume(work);
    if (result !== undefined) return { bytes: result, slices };
  }
}

const messages: Record<string, Uint8Array> = {
  "one block": compressed(data.subarray(0, 100_000), { memLevel: 9 }),
  "many blocks": compressed(data.subarray(0, 100_000), { memLevel: 1 }),
  "fixed codes": compressed(data.subarray(0, 100_000), { strategy: Z_FIXED }),
  "stored blocks": compressed(crypto.getRandomValues(new Uint8Array(60_000)), {}),
  "a long run": compressed(new Uint8Array(500_000), {}),
  "no data": repeated(largest, 5000),
};

for (const [title, message] of Object.entries(messages)) {
  const whole = inflate(message, 0, message.length, LIMIT).slice();
  for (const work of [100, 5_000, 333_333]) {
    Deno.test(`decompresses ${title} in slices of ${work}`, () => {
      const { bytes, slices } = inSlices(message, work);
      assert.deepEqual(bytes, whole);
      if (whole.length > 4 * work) assert.ok(slices > 2, `${slices} slices`);
    });
  }
}

Deno.test("adds a paused message to the history of later messages", () => {
  const [one, other] = [new InflateHistory(15), new InflateHistory(15)];
  const deflated = compressed(data.subarray(0, 100_000), {});
  inflate(deflated, 0, deflated.length, LIMIT, one);
  inSlices(deflated, 1000, other);
  const length = Math.min(one.length, other.length);
  const [first, second] = [new Uint8Array(length), new Uint8Array(length)];
  one.copy(first, 0, length, length);
  other.copy(second, 0, length, length);
  assert.deepEqual(first, second);
});

for (const [title, message] of Object.entries(messages)) {
  Deno.test(`slices do not change the result of a truncated message: ${title}`, () => {
    for (let cut = 1; cut < message.length; cut += Math.ceil(message.length / 15)) {
      const part = message.subarray(0, cut);
      const outcome = (run: () => Uint8Array): string => {
        try {
          return `${run().length} bytes`;
        } catch (error) {
          return (error as Error).message;
        }
      };
      assert.equal(
        outcome(() => inSlices(part, 4000).bytes),
        outcome(() => inflate(part, 0, cut, LIMIT)),
      );
    }
  });
}

Deno.test("the work limit determines the slice size", () => {
  const message = repeated(largest, 100_000);
  const { slices } = inSlices(message, 10_000);
  // Four blocks per slice. The work of a block is 62 bytes of description, 40 each, plus 32.
  const blocks = message.length / 62;
  assert.ok(slices > blocks / 6 && slices < blocks / 2, `${slices} slices, ${blocks} blocks`);
});
