import assert from "node:assert/strict";
import { DeflateContextPool } from "../../src/deflate/context_pool.ts";
import { deflate } from "../../src/deflate/deflate.ts";
import { DeflateContext } from "../../src/deflate/deflate_context.ts";
import { Random } from "../support/random.ts";

const compressible: Uint8Array = new Uint8Array(1 << 14);
const noise = new Random(131).bytes(1000);

/** Compresses a message of so many bytes; returns whether it got smaller. */
function use(context: DeflateContext, length = 200, source = compressible): boolean {
  const target = new Uint8Array(length);
  return deflate(source, 0, length, target, 0, { level: "fast", windowBits: 15, context }) > 0;
}

/** What contexts of these sizes hold. */
function held(contexts: DeflateContext[]): number {
  return contexts.reduce((sum, context) => sum + context.byteLength, 0);
}

Deno.test("a pool counts what its contexts hold", () => {
  const pool = new DeflateContextPool(1 << 20);
  const contexts = Array.from({ length: 10 }, () => pool.create());
  assert.equal(pool.byteLength, 0);
  for (const context of contexts) use(context);
  assert.equal(pool.byteLength, 10 * 8192);
  contexts[4].drop();
  contexts[4].drop();
  assert.equal(pool.byteLength, 9 * 8192);
  assert.equal(pool.byteLength, held(contexts));
});

Deno.test("the least recently used forget when the limit is reached", () => {
  const one = 8192;
  const pool = new DeflateContextPool(3 * one);
  const [a, b, c, d, e] = Array.from({ length: 5 }, () => pool.create());
  for (const context of [a, b, c]) use(context);
  use(a);
  use(d);
  assert.deepEqual([a, b, c, d].map((context) => context.byteLength), [one, 0, one, one]);
  use(e);
  assert.deepEqual([a, b, c, d, e].map((context) => context.byteLength), [one, 0, 0, one, one]);
  use(b);
  assert.deepEqual([a, b, c, d, e].map((context) => context.byteLength), [0, one, 0, one, one]);
  assert.equal(pool.byteLength, 3 * one);
});

Deno.test("a context that forgot goes on as if it were new", () => {
  const pool = new DeflateContextPool(10000);
  const a = pool.create();
  const b = pool.create();
  use(a);
  use(b);
  assert.equal(a.byteLength, 0);
  assert.equal(use(a), true);
  assert.equal(b.byteLength, 0);
  assert.equal(pool.byteLength, a.byteLength);
});

Deno.test("messages that do not get smaller hold memory too, and no more than the limit", () => {
  const pool = new DeflateContextPool(40000);
  const contexts = Array.from({ length: 100 }, () => pool.create());
  for (const context of contexts) {
    assert.equal(use(context, 1000, noise), false);
    assert(pool.byteLength <= 40000);
  }
  assert.equal(pool.byteLength, held(contexts));
});

Deno.test("with a limit of 0 nothing is remembered", () => {
  const pool = new DeflateContextPool(0);
  const context = pool.create();
  for (let run = 0; run < 3; run++) {
    assert.equal(use(context), true);
    assert.equal(context.byteLength, 0);
  }
  assert.equal(pool.byteLength, 0);
});

Deno.test("the count stays right through thousands of uses, drops and evictions", () => {
  const random = new Random(132);
  const pool = new DeflateContextPool(100000);
  const contexts = Array.from(
    { length: 60 },
    (_, index) => pool.create({ historyBits: 8 + index % 5, tableBits: 8 + index % 4 }),
  );
  for (let run = 0; run < 5000; run++) {
    const context = random.pick(contexts);
    const kind = random.below(10);
    if (kind === 0) context.drop();
    else if (kind === 1) use(context, 1 + random.below(1000), noise);
    else use(context, 10 + random.below(5000));
    if (run % 50 === 0) assert.equal(pool.byteLength, held(contexts));
    assert(pool.byteLength <= 100000);
  }
  for (const context of contexts) context.drop();
  assert.equal(pool.byteLength, 0);
});

Deno.test("a context of a pool is a context", () => {
  const context = new DeflateContextPool(1 << 20).create({ historyBits: 15, tableBits: 12 });
  assert(context instanceof DeflateContext);
  use(context, 1 << 14);
  use(context, 1 << 14);
  assert.equal(context.byteLength, 32768 + 8192);
});

Deno.test("a limit is a number from 0 on", () => {
  assert.equal(new DeflateContextPool(Infinity).maxBytes, Infinity);
  for (const maxBytes of [-1, NaN]) {
    assert.throws(() => new DeflateContextPool(maxBytes), {
      name: "RangeError",
      message: `maxBytes is ${maxBytes}: it must be 0 or more bytes`,
    });
  }
  assert.throws(() => new DeflateContextPool(1).create({ tableBits: 7 }), RangeError);
});
