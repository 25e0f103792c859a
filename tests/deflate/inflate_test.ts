import assert from "node:assert/strict";
import { inflate } from "../../src/deflate/inflate.ts";
import { InflateError } from "../../src/deflate/bits.ts";
import { InflateHistory } from "../../src/deflate/inflate_output.ts";
import { Random } from "../support/random.ts";
import { Bits } from "./bits.ts";
import { anySize, kinds, message } from "./corpus.ts";
import { craftedStreams } from "./crafted_streams.ts";
import { concat, fflateInflate, TAIL, zlibDeflate, zlibInflate } from "./oracles.ts";

const decoder = new TextDecoder();

/** Inflates a message and returns it as text. */
function text(payload: Uint8Array, history?: InflateHistory): string {
  return decoder.decode(inflate(payload, 0, payload.length, 1 << 20, history));
}

/** Returns a predicate for InflateErrors with this code. */
function isInflateError(code: string): (error: unknown) => boolean {
  return (error) => error instanceof InflateError && error.code === code;
}

for (const { name, payload, quickws } of craftedStreams) {
  const outcome = typeof quickws === "string" ? "is decompressed" : "is rejected";
  Deno.test(`${name} ${outcome}`, () => {
    if (typeof quickws === "string") {
      assert.equal(text(payload), quickws);
    } else {
      assert.throws(() => text(payload), quickws);
      assert.throws(() => text(payload), isInflateError("corrupt"));
    }
  });
}

Deno.test("zlib agrees on the crafted streams, except where a `zlib` result is given", () => {
  for (const stream of craftedStreams) {
    const quickws = typeof stream.quickws === "string" ? stream.quickws : undefined;
    const expected = "zlib" in stream ? stream.zlib : quickws;
    const result = zlibInflate(stream.payload);
    assert.equal(result && decoder.decode(result.bytes), expected, stream.name);
  }
});

Deno.test("rejects every truncated message that zlib rejects", () => {
  const longer = zlibDeflate(message(new Random(5), "json", 600));
  for (const payload of [...craftedStreams.map((stream) => stream.payload), longer]) {
    for (let end = 1; end < payload.length; end++) {
      const start = payload.subarray(0, end);
      let quickws: Uint8Array | undefined;
      try {
        quickws = inflate(start, 0, end, 1 << 20).slice();
      } catch (error) {
        assert(error instanceof InflateError, String(error));
      }
      if (quickws === undefined) continue;
      const reference = zlibInflate(start);
      assert(reference !== undefined, `accepted: ${start}`);
      assert.deepEqual(
        quickws.subarray(0, reference.bytes.length),
        Uint8Array.from(reference.bytes),
      );
    }
  }
});

Deno.test("decompresses zlib's output for any level, strategy and window", () => {
  const random = new Random(11);
  for (let run = 0; run < 150; run++) {
    const plain = message(random, random.pick(kinds), anySize(random, 20000));
    const windowBits = 9 + random.below(7);
    const payload = zlibDeflate(plain, {
      level: random.below(10),
      strategy: random.below(5),
      memLevel: 1 + random.below(9),
      windowBits,
    });
    const history = windowBits === 15 ? undefined : new InflateHistory(windowBits);
    assert.deepEqual(inflate(payload, 0, payload.length, plain.length, history), plain);
    assert.deepEqual(fflateInflate(payload, plain.length), plain);
  }
});

Deno.test("accepts a flush in the middle of a message", () => {
  const parts = ["one ", "two ", "three"].map((part) =>
    zlibDeflate(new TextEncoder().encode(part))
  );
  const payload = concat(parts[0], TAIL, parts[1], TAIL, parts[2]);
  assert.equal(text(payload), "one two three");
});

Deno.test("reads only the given range", () => {
  const payload = zlibDeflate(new TextEncoder().encode("only this and nothing else"));
  for (const around of [0x00, 0xff]) {
    for (const margin of [1, 2, 3, 40]) {
      const source = new Uint8Array(payload.length + 2 * margin).fill(around);
      source.set(payload, margin);
      const result = inflate(source, margin, margin + payload.length, 100);
      assert.equal(decoder.decode(result), "only this and nothing else");
    }
  }
});

Deno.test("accepts a message as large as the limit and rejects a larger one", () => {
  const random = new Random(13);
  for (const kind of kinds) {
    for (const size of [1, 2, 3, 4, 5, 257, 258, 259, 260, 16383, 16384, 16385, 70000]) {
      const plain = message(random, kind, size);
      const payload = zlibDeflate(plain);
      assert.deepEqual(inflate(payload, 0, payload.length, size), plain);
      for (const limit of [size - 1, size >> 1, 0]) {
        assert.throws(
          () => inflate(payload, 0, payload.length, limit),
          isInflateError("too-big"),
          `${size} bytes of ${kind} at limit ${limit}`,
        );
      }
    }
  }
});

Deno.test("accepts an empty message with a limit of 0", () => {
  assert.equal(inflate(Uint8Array.of(0), 0, 1, 0).length, 0);
  assert.equal(inflate(new Uint8Array(0), 0, 0, 0).length, 0);
});

Deno.test("decompresses without a limit", () => {
  const payload = zlibDeflate(new Uint8Array(100000));
  assert.equal(inflate(payload, 0, payload.length, Infinity).length, 100000);
});

/** Returns the size of the result buffer after a series of one-byte messages. */
function memoryAfterSmallMessages(): number {
  const small = zlibDeflate(new Uint8Array(1));
  for (let run = 0; run < 600; run++) inflate(small, 0, small.length, 1);
  return inflate(small, 0, small.length, 1).buffer.byteLength;
}

Deno.test("rejects a bomb before it is fully decompressed", () => {
  const megabyte = concat(zlibDeflate(new Uint8Array(1 << 20)), TAIL);
  const bomb = concat(...Array.from({ length: 200 }, () => megabyte));
  memoryAfterSmallMessages();
  const limit = 1 << 18;
  assert.throws(() => inflate(bomb, 0, bomb.length, limit), isInflateError("too-big"));
  // The next message uses the same buffer.
  const { buffer } = inflate(Uint8Array.of(0), 0, 1, limit);
  assert(buffer.byteLength >= limit && buffer.byteLength < limit + 300, `${buffer.byteLength}`);
});

Deno.test("frees the memory of a large message after a series of small ones", () => {
  const large = zlibDeflate(new Uint8Array(1 << 20));
  assert(inflate(large, 0, large.length, 1 << 20).buffer.byteLength >= 1 << 20);
  assert.equal(memoryAfterSmallMessages(), 16384);
});

Deno.test("a result contains no bytes of earlier messages", () => {
  const random = new Random(17);
  const canary = zlibDeflate(new Uint8Array(60000).fill(0xa5));
  for (let run = 0; run < 100; run++) {
    inflate(canary, 0, canary.length, 60000);
    const plain = message(random, "binary", anySize(random, 5000)).map((byte) => byte & 0x7f);
    const payload = zlibDeflate(plain);
    const result = inflate(payload, 0, payload.length, 60000);
    assert.deepEqual(result, plain);
  }
});

Deno.test("a message may refer to earlier ones within the history", () => {
  const history = new InflateHistory(8);
  assert.equal(
    text(new Bits().block("fixed").fixedText("0123456789").fixedEnd().flush().bytes(), history),
    "0123456789",
  );
  // Length 10 at distance 10, entirely in the history, then length 5 at distance 5.
  const match = new Bits().block("fixed").fixed(264).fixedDistance(6).put(1, 2).fixed(259)
    .fixedDistance(4).put(0, 1).fixedEnd().flush().bytes();
  assert.equal(text(match, history), "012345678956789");
  const tooFar = new Bits().block("fixed").fixed(257).fixedDistance(9).put(1, 3).fixedEnd().flush()
    .bytes();
  assert.throws(() => text(tooFar, history), /exceeds the history/);
});

Deno.test("a match may begin in the history and continue in the message", () => {
  const history = new InflateHistory();
  const first = new Bits().block("fixed").fixedText("abc").fixedEnd().flush().bytes();
  assert.equal(text(first, history), "abc");
  // Length 9 at distance 2.
  const second = new Bits().block("fixed").fixed(263).fixedDistance(1).fixedEnd().flush().bytes();
  assert.equal(text(second, history), "bcbcbcbcb");
});

Deno.test("rejects a distance that exceeds the window, with and without a history", () => {
  for (let bits = 8; bits <= 14; bits++) {
    const size = 1 << bits;
    const history = new InflateHistory(bits);
    const filler = zlibDeflate(new Uint8Array(size).fill(65));
    // A distance equal to the window size, in the first symbol that can encode it, and one more.
    const symbol = 2 * bits - 1;
    const at = (extra: number, symbol: number): Uint8Array =>
      new Bits().block("fixed").fixed(257).fixedDistance(symbol).put(extra, (symbol >> 1) - 1)
        .fixedEnd().flush().bytes();
    const inside = at((1 << bits - 2) - 1, symbol);
    const outside = at(0, symbol + 1);

    inflate(filler, 0, filler.length, size, history);
    assert.equal(text(inside, history), "AAA");
    assert.throws(() => text(outside, history), /exceeds the window/);

    const whole = concat(filler, TAIL, inside);
    assert.equal(inflate(whole, 0, whole.length, size + 3, undefined, bits).length, size + 3);
    const over = concat(zlibDeflate(new Uint8Array(size + 1).fill(65)), TAIL, outside);
    assert.equal(inflate(over, 0, over.length, size + 4).length, size + 4);
    assert.throws(
      () => inflate(over, 0, over.length, size + 4, undefined, bits),
      /exceeds the window/,
    );
  }
});

Deno.test("reads the input's memory only during the call", () => {
  const payload = zlibDeflate(new TextEncoder().encode("once and once and once again"));
  const result = inflate(payload, 0, payload.length, 100);
  payload.fill(0);
  assert.equal(decoder.decode(result), "once and once and once again");
});

Deno.test("throws a RangeError for an invalid range, limit or window", () => {
  const source = new Uint8Array(4);
  for (const [start, end] of [[-1, 2], [0, 5], [3, 2], [NaN, 2], [0, NaN]]) {
    assert.throws(() => inflate(source, start, end, 10), RangeError, `${start} to ${end}`);
  }
  for (const limit of [-1, NaN]) assert.throws(() => inflate(source, 0, 1, limit), RangeError);
  for (const bits of [7, 16, 9.5, NaN]) {
    assert.throws(() => inflate(source, 0, 1, 10, undefined, bits), {
      name: "RangeError",
      message: `windowBits is ${bits}: it must be an integer from 8 to 15`,
    });
  }
});

Deno.test("a failed call leaves no state", () => {
  const good = zlibDeflate(new TextEncoder().encode("good"));
  assert.throws(() => text(Uint8Array.of(0x07)));
  assert.equal(text(good), "good");
  assert.throws(() => inflate(good, 0, 99, 10), RangeError);
  assert.equal(text(good), "good");
});
