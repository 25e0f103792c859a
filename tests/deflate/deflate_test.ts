import assert from "node:assert/strict";
import {
  deflate,
  DeflateContext,
  type DeflateOptions,
  deflatePart,
  storedSize,
} from "../../src/deflate/deflate.ts";
import { inflate } from "../../src/deflate/inflate.ts";
import { InflateHistory } from "../../src/deflate/inflate_output.ts";
import { Random } from "../support/random.ts";
import { anySize, type Kind, kinds, message } from "./corpus.ts";
import {
  concat,
  fflateInflate,
  TAIL,
  zlibDeflate,
  zlibInflate,
  zlibInflateStream,
} from "./oracles.ts";

const levels = ["fast", "best"] as const;

/** Compresses a message. Returns `undefined` if the result is not smaller. */
function compress(bytes: Uint8Array, options: DeflateOptions): Uint8Array | undefined {
  const target = new Uint8Array(bytes.length);
  const end = deflate(bytes, 0, bytes.length, target, 0, options);
  return end < 0 ? undefined : target.slice(0, end);
}

Deno.test("zlib and fflate decompress the output at every level, window and size", () => {
  const random = new Random(101);
  for (let run = 0; run < 300; run++) {
    const bytes = message(random, random.pick(kinds), anySize(random, 20000));
    const windowBits = 8 + random.below(8);
    const payload = compress(bytes, { level: random.pick(levels), windowBits });
    if (payload === undefined) continue;
    assert(payload.length < bytes.length);
    assert.deepEqual(Uint8Array.from(zlibInflate(payload, windowBits)!.bytes), bytes);
    assert.deepEqual(fflateInflate(payload, bytes.length), bytes);
    assert.deepEqual(
      inflate(payload, 0, payload.length, bytes.length, undefined, windowBits),
      bytes,
    );
  }
});

Deno.test("compresses long messages in several parts", () => {
  const random = new Random(102);
  for (const size of [65535, 65536, 65537, 131072, 131073, 300000]) {
    for (const kind of ["json", "binary"] as const) {
      const bytes = message(random, kind, size);
      for (const level of levels) {
        for (const windowBits of [8, 15]) {
          const payload = compress(bytes, { level, windowBits })!;
          assert.deepEqual(Uint8Array.from(zlibInflate(payload)!.bytes), bytes);
          const again = inflate(payload, 0, payload.length, size, undefined, windowBits);
          assert.deepEqual(again, bytes);
        }
      }
    }
  }
});

Deno.test("the output ends with the header of the sync flush, without LEN and NLEN", () => {
  const random = new Random(103);
  for (const level of levels) {
    for (const kind of ["json", "text"] as const) {
      const payload = compress(message(random, kind, 2000), { level, windowBits: 15 })!;
      assert.notDeepEqual(payload.slice(-4), TAIL);
      const flushed = concat(payload, TAIL);
      // Two concatenated messages are a valid stream of blocks.
      const twice = concat(flushed, payload);
      const once = Uint8Array.from(zlibInflate(payload)!.bytes);
      assert.deepEqual(Uint8Array.from(zlibInflate(twice)!.bytes), concat(once, once));
    }
  }
});

Deno.test("discards output that is not smaller than the input", () => {
  const random = new Random(104);
  for (const level of levels) {
    const options = { level, windowBits: 15 };
    assert.equal(compress(new Uint8Array(0), options), undefined);
    assert.equal(compress(Uint8Array.of(65), options), undefined);
    for (const size of [10, 100, 5000, 65536, 200000]) {
      assert.equal(compress(random.bytes(size), options), undefined, `${size} bytes, ${level}`);
    }
    assert.equal(compress(new Uint8Array(6), options)?.length, 5);
  }
});

Deno.test("random data in a long message does not prevent compression of the rest", () => {
  const random = new Random(105);
  const bytes = concat(random.bytes(30000), new Uint8Array(60000), random.bytes(30000));
  for (const level of levels) {
    const payload = compress(bytes, { level, windowBits: 15 })!;
    assert(payload.length < 64500 + 4000);
    assert.deepEqual(Uint8Array.from(zlibInflate(payload)!.bytes), bytes);
  }
});

Deno.test("reads only the given range and writes only the result", () => {
  const random = new Random(106);
  for (let run = 0; run < 300; run++) {
    const bytes = message(random, random.pick(kinds), anySize(random, 3000));
    const options: DeflateOptions = { level: random.pick(levels), windowBits: 8 + random.below(8) };
    const before = random.below(9);
    const source = concat(random.bytes(before), bytes, random.bytes(random.below(9)));
    const offset = random.below(9);
    const target = new Uint8Array(offset + bytes.length + random.below(9)).fill(0xee);
    const copy = source.slice();
    const end = deflate(source, before, before + bytes.length, target, offset, options);
    assert.deepEqual(source, copy);
    assert(target.subarray(0, offset).every((byte) => byte === 0xee));
    const expected = compress(bytes, options);
    if (expected === undefined) {
      assert.equal(end, -1);
      assert(target.subarray(offset + bytes.length).every((byte) => byte === 0xee));
    } else {
      assert.deepEqual(target.slice(offset, end), expected);
      assert(target.subarray(end).every((byte) => byte === 0xee));
    }
  }
});

Deno.test("the output depends only on the message, not on earlier messages", () => {
  const random = new Random(107);
  const samples = Array.from({ length: 24 }, (_, index) => {
    const size = index === 0 ? 150000 : anySize(random, 9000);
    return message(random, random.pick(kinds), size);
  });
  for (const level of levels) {
    const options = { level, windowBits: 15 };
    const expected = samples.map((sample) => compress(sample, options));
    for (let run = 0; run < 200; run++) {
      // The worst preceding message is the sample itself with a few bytes changed.
      const index = random.below(samples.length);
      const neighbor = samples[index].slice();
      for (let change = 0; change < 3 && neighbor.length > 0; change++) {
        neighbor[random.below(neighbor.length)] ^= 1 << random.below(8);
      }
      compress(neighbor, { level: random.pick(levels), windowBits: 15 });
      assert.deepEqual(compress(samples[index], options), expected[index]);
    }
  }
});

Deno.test("the output of a context depends only on its own messages", () => {
  const random = new Random(112);
  const samples = Array.from({ length: 40 }, () => message(random, "json", anySize(random, 4000)));
  const stream = (between: () => void): (Uint8Array | undefined)[] => {
    const context = new DeflateContext({ historyBits: 15 });
    return samples.map((sample, index) => {
      between();
      return compress(sample, { level: levels[index % 5 === 0 ? 0 : 1], windowBits: 15, context });
    });
  };
  const alone = stream(() => {});
  for (let run = 0; run < 20; run++) {
    const others = stream(() => {
      for (let count = random.below(3); count > 0; count--) {
        compress(random.pick(samples), { level: random.pick(levels), windowBits: 15 });
      }
    });
    assert.deepEqual(others, alone);
  }
});

Deno.test("a message compresses to the same output as the first and as a later one", () => {
  // Only the first message of a process has empty tables.
  const options = { level: "best", windowBits: 15 } as const;
  const bytes = message(new Random(108), "json", 5000);
  const first = compress(bytes, options);
  compress(new Uint8Array(1 << 17), options);
  assert.deepEqual(compress(bytes, options), first);
});

Deno.test("messages of a context refer to earlier ones, and zlib decompresses them", () => {
  const random = new Random(109);
  for (let run = 0; run < 60; run++) {
    const windowBits = 8 + random.below(8);
    const context = new DeflateContext({
      historyBits: 8 + random.below(windowBits - 7),
      tableBits: 8 + random.below(5),
    });
    const kind = random.pick(kinds);
    const sent: Uint8Array[] = [];
    const payloads: Uint8Array[] = [];
    const history = new InflateHistory(windowBits);
    for (let index = 0; index < 30; index++) {
      // A message sent uncompressed is not part of the stream, and the context is sometimes dropped.
      const bytes = message(
        random,
        random.below(5) === 0 ? random.pick(kinds) : kind,
        anySize(random, 3000),
      );
      if (random.below(12) === 0) context.drop();
      const payload = compress(bytes, { level: random.pick(levels), windowBits, context });
      if (payload === undefined) continue;
      assert.deepEqual(inflate(payload, 0, payload.length, bytes.length, history), bytes);
      sent.push(bytes);
      payloads.push(payload);
    }
    if (payloads.length === 0) continue;
    const plain = zlibInflateStream(payloads, windowBits);
    assert(plain !== undefined, "zlib rejects the stream");
    assert.deepEqual(Uint8Array.from(plain), concat(...sent));
  }
});

Deno.test("a repeated small message compresses to a few bytes with a context", () => {
  const bytes = new TextEncoder().encode(`{"type":"price","symbol":"ACME","price":12.34}`);
  for (const level of levels) {
    const options = { level, windowBits: 15, context: new DeflateContext() };
    assert.equal(
      compress(bytes, { level, windowBits: 15 })?.length,
      compress(bytes, options)?.length,
    );
    for (let run = 0; run < 3; run++) assert(compress(bytes, options)!.length < 8);
  }
});

Deno.test("a context keeps the end of a long message", () => {
  const random = new Random(110);
  for (const level of levels) {
    const context = new DeflateContext({ historyBits: 12 });
    const options = { level, windowBits: 15, context };
    const long = message(random, "json", 200000);
    const first = compress(long, options)!;
    const end = long.slice(-1000);
    const second = compress(end, options)!;
    assert(second.length < 100, `${second.length} bytes`);
    assert.deepEqual(
      Uint8Array.from(zlibInflateStream([first, second])!),
      concat(long, end),
    );
  }
});

Deno.test("the best level compresses almost as well as zlib, the fast level slightly less", () => {
  const limits: Record<Exclude<Kind, "random">, [best: number, fast: number]> = {
    json: [1.1, 1.75],
    text: [1.1, 1.75],
    binary: [1.1, 1.3],
  };
  for (const kind of ["json", "text", "binary"] as const) {
    const random = new Random(111);
    let zlib = 0;
    const quickws = { fast: 0, best: 0 };
    for (let run = 0; run < 40; run++) {
      const bytes = message(random, kind, 500 + 700 * run);
      zlib += Math.min(bytes.length, zlibDeflate(bytes).length);
      for (const level of levels) {
        quickws[level] += compress(bytes, { level, windowBits: 15 })?.length ?? bytes.length;
      }
    }
    const [best, fast] = limits[kind];
    assert(quickws.best < best * zlib, `best ${kind}: ${quickws.best} to ${zlib}`);
    assert(quickws.fast < fast * zlib, `fast ${kind}: ${quickws.fast} to ${zlib}`);
  }
});

Deno.test("throws a RangeError for an invalid range, output size, window or level", () => {
  const source = new Uint8Array(100);
  const target = new Uint8Array(100);
  const options = { level: "fast", windowBits: 15 } as const;
  for (const [start, end] of [[-1, 5], [0, 101], [6, 5], [NaN, 5], [0, NaN]]) {
    assert.throws(() => deflate(source, start, end, target, 0, options), RangeError);
  }
  for (const offset of [-1, 1, 101, NaN]) {
    assert.throws(() => deflate(source, 0, 100, target, offset, options), RangeError);
  }
  for (const windowBits of [7, 16, 10.5, NaN]) {
    assert.throws(() => deflate(source, 0, 100, target, 0, { level: "best", windowBits }), {
      name: "RangeError",
      message: `windowBits is ${windowBits}: it must be an integer from 8 to 15`,
    });
  }
  for (const level of ["auto", "", undefined]) {
    const unknown = { level, windowBits: 15 } as unknown as DeflateOptions;
    assert.throws(() => deflate(source, 0, 100, target, 0, unknown), {
      name: "TypeError",
      message: `level is ${level}: it must be "fast" or "best"`,
    });
  }
  assert(deflate(source, 0, 100, target, 0, options) > 0);
});

Deno.test("the parts of a message form one stream of blocks, whatever they contain", () => {
  const random = new Random(110);
  for (let run = 0; run < 300; run++) {
    const windowBits = 8 + random.below(8);
    const context = random.below(4) === 0 ? undefined : new DeflateContext({ historyBits: 8 });
    const parts: Uint8Array[] = [];
    const payloads: Uint8Array[] = [];
    for (let count = 1 + random.below(8); count > 0; count--) {
      const largest = random.below(50) === 0 ? 150000 : 3000;
      const bytes = message(random, random.pick(kinds), anySize(random, largest));
      const bound = storedSize(bytes.length);
      const target = new Uint8Array(bound + 2).fill(0xa5);
      const options = { level: random.pick(levels), windowBits, context };
      const end = deflatePart(bytes, 0, bytes.length, target, 1, options);
      assert(end <= bound + 1);
      assert.deepEqual([target[0], target[bound + 1]], [0xa5, 0xa5]);
      parts.push(bytes);
      payloads.push(target.slice(1, end));
    }
    const plain = concat(...parts);
    assert.deepEqual(Uint8Array.from(zlibInflateStream(payloads, windowBits)!), plain);
    const whole = concat(...payloads.flatMap((payload) => [payload, TAIL])).subarray(0, -4);
    assert.deepEqual(inflate(whole, 0, whole.length, 1 << 22, undefined, windowBits), plain);
  }
});

Deno.test("keeps a part that grows by a few bytes in the history, but not random data", () => {
  const random = new Random(111);
  const context = new DeflateContext();
  const part = (bytes: Uint8Array): number =>
    deflatePart(bytes, 0, bytes.length, new Uint8Array(storedSize(bytes.length)), 0, {
      level: "fast",
      windowBits: 15,
      context,
    });
  const words = new TextEncoder().encode("abcdefghijklmno");
  assert.equal(part(words), 17);
  assert(part(words) < 10);
  assert.equal(part(random.bytes(1000)), storedSize(1000));
  assert.equal(context.byteLength, 0);
  assert.equal(part(words), 17);
});

Deno.test("throws a RangeError if the output is too small for the worst case of a part", () => {
  const options = { level: "fast", windowBits: 15 } as const;
  const source = new Uint8Array(100);
  assert.throws(
    () => deflatePart(source, 0, 100, new Uint8Array(storedSize(100) - 1), 0, options),
    { name: "RangeError", message: "target has 105 bytes from 0 on: it must have 106" },
  );
});
