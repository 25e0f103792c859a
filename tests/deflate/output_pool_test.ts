import assert from "node:assert/strict";
import { OutputPool } from "../../src/deflate/inflate_output.ts";

/** Writes a message of this size. Returns the resulting capacity. */
function write(pool: OutputPool, length: number, limit = length): number {
  pool.open(limit);
  pool.reserve(length);
  pool.bytes.fill(0x5a, 0, length);
  pool.length = length;
  return pool.bytes.length;
}

Deno.test("allocates nothing before the first message", () => {
  assert.equal(new OutputPool().bytes.length, 0);
});

Deno.test("capacity grows by a factor of four, up to the limit plus one turn", () => {
  const pool = new OutputPool();
  assert.equal(write(pool, 1, 1 << 20), 16384);
  assert.equal(write(pool, 16384, 1 << 20), 65536);
  assert.equal(write(pool, 65000, 1 << 20), 65536);
  assert.equal(write(pool, 100000, 200000), 200262);
  assert.equal(write(pool, 250000, 1 << 20), 801048);
  // Growing by one step suffices if the limit equals that step.
  assert.equal(write(new OutputPool(), 20000, 65536), 65536 + 262);
  assert.equal(pool.view.buffer, pool.bytes.buffer);
});

Deno.test("growing preserves the output of the current message", () => {
  const pool = new OutputPool();
  pool.open(1 << 20);
  pool.reserve(3);
  pool.bytes.set([1, 2, 3]);
  pool.length = 3;
  pool.reserve(100000);
  assert.deepEqual(pool.message, Uint8Array.of(1, 2, 3));
});

Deno.test("immediately frees memory that is too small or no longer needed", () => {
  // Node 20 cannot free it, and leaves it to the garbage collector.
  const isFreed = (buffer: ArrayBufferLike): boolean =>
    buffer.byteLength === 0 || !("transfer" in ArrayBuffer.prototype);
  const pool = new OutputPool();
  write(pool, 1, 1 << 20);
  const outgrown = pool.bytes;
  write(pool, 100_000, 1 << 20);
  assert.ok(isFreed(outgrown.buffer));
  assert.equal(pool.message.length, 100_000);
  const tooLarge = pool.bytes;
  for (let i = 0; i < 600; i++) write(pool, 1, 1 << 20);
  assert.notEqual(pool.bytes, tooLarge);
  assert.ok(isFreed(tooLarge.buffer));
  const last = pool.bytes;
  pool.release();
  assert.ok(isFreed(last.buffer));
  assert.equal(pool.message.length, 0);
});

Deno.test("accepts output up to the limit", () => {
  const pool = new OutputPool();
  pool.open(10);
  pool.reserve(10);
  assert.equal(pool.roomEnd, 10);
  assert.throws(() => pool.reserve(11), {
    name: "InflateError",
    code: "too-big",
    message: "message inflates to more than 10 bytes",
  });
  pool.length = 4;
  assert.throws(() => pool.reserve(7), { code: "too-big" });
});

Deno.test("a turn that begins at the maximum length stays within the buffer", () => {
  const pool = new OutputPool();
  pool.open(Infinity);
  pool.reserve(0);
  // A literal, the longest match, and the excess bytes of a 4-byte store.
  assert.equal(pool.roomEnd + 1 + 258 + 3, pool.bytes.length);
});

Deno.test("after 256 messages the buffer shrinks to the size of the largest of them", () => {
  const pool = new OutputPool();
  write(pool, 1 << 20);
  for (let run = 1; run < 256; run++) {
    assert(write(pool, 100) >= 1 << 20, "the buffer shrank too early");
  }
  // The large message is still among the last 256.
  assert(write(pool, 100) >= 1 << 20);
  write(pool, 40000);
  for (let run = 2; run < 256; run++) write(pool, 100);
  assert.equal(write(pool, 100), 65536);
  for (let run = 1; run < 257; run++) write(pool, 100);
  assert.equal(pool.bytes.length, 16384);
});

Deno.test("without a limit a message is smaller than 2 GiB", () => {
  const pool = new OutputPool();
  pool.open(Infinity);
  assert.throws(() => pool.reserve(2 ** 31), { name: "InflateError", code: "too-big" });
});

Deno.test("rejects a limit that is negative or not a number", () => {
  const pool = new OutputPool();
  for (const limit of [-1, NaN]) {
    assert.throws(() => pool.open(limit), {
      name: "RangeError",
      message: `limit is ${limit}: it must be 0 or more bytes`,
    });
  }
});
