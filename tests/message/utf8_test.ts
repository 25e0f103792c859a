import assert from "node:assert/strict";
import {
  checkUtf8,
  checkUtf8End,
  decodeText,
  encodeLongText,
  encodeText,
  UTF8_COMPLETE,
} from "../../src/message/utf8.ts";
import { Buffer } from "node:buffer";
import { type TextMethods, textMethods } from "../../src/shared/text_methods.ts";
import { Random } from "../support/random.ts";
import { UTF8_SAMPLES } from "../support/utf8_samples.ts";
import { concat, hex, toHex, utf8 } from "../support/vectors.ts";

const INVALID = { name: "InvalidPayloadError", code: "INVALID_UTF8", closeCode: 1007 };

const platform = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/** Whether decoding replaces nothing, which is faster to check than to catch errors. */
function isUtf8(bytes: Uint8Array): boolean {
  return Buffer.compare(utf8(lenient.decode(bytes)), bytes) === 0;
}

const FF = hex("ff");

/**
 * Validates a text in chunks.
 *
 * @returns 0, or the number of bytes after which the text was rejected, like
 * {@linkcode Utf8Sample.refusedAt}. A rejection counts as one at the last byte of its chunk.
 */
function refusedAt(pieces: readonly Uint8Array[]): number {
  let state = UTF8_COMPLETE;
  let count = 0;
  const { stackTraceLimit } = Error;
  // Stacks take most of the time of a rejection.
  Error.stackTraceLimit = 0;
  try {
    for (const piece of pieces) {
      count += piece.length;
      // The surrounding bytes must be ignored.
      const memory = concat(FF, piece, FF);
      state = checkUtf8(state, memory, 1, 1 + piece.length);
    }
    count++;
    checkUtf8End(state);
  } catch (error) {
    assert.ok(error instanceof Error && "code" in error);
    assert.equal(error.code, "INVALID_UTF8");
    return count;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  return 0;
}

function single(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}

for (const { name, bytes, refusedAt: want } of UTF8_SAMPLES) {
  const verdict = want === 0 ? "is UTF-8" : `is rejected at byte ${want}`;
  Deno.test(`${name} ${verdict}, for any chunk split`, () => {
    const text = hex(bytes);
    assert.equal(isUtf8(text), want === 0, "the runtime's decoder agrees");
    assert.equal(refusedAt(single(text)), want);
    for (let cut = 0; cut <= text.length; cut++) {
      const found = refusedAt([text.slice(0, cut), text.slice(cut)]);
      assert.equal(found !== 0, want !== 0);
      if (want > 0 && want <= cut) {
        assert.equal(found, cut, "invalid text is rejected in its chunk");
      }
    }
  });

  Deno.test(`decodes ${name} like the runtime's decoder, or rejects it`, () => {
    // At several lengths, because a loop decodes short texts.
    for (const padding of [0, 1, 11, 12, 13, 50]) {
      const text = concat(new Uint8Array(padding).fill(0x61), hex(bytes));
      const memory = concat(hex("ff ff"), text, hex("ff"));
      const decode = (): string => decodeText(memory, 2, 2 + text.length);
      if (want === 0) assert.equal(decode(), platform.decode(text));
      else assert.throws(decode, INVALID);
    }
  });
}

Deno.test("validates each pair of bytes like the runtime's decoder", () => {
  // The boundary values for the second and third bytes.
  const edges = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff];
  for (let first = 0; first < 256; first++) {
    for (let second = 0; second < 256; second += first < 0xc0 ? 16 : 1) {
      const texts = [Uint8Array.of(first, second)];
      if (first >= 0xe0 && edges.includes(second)) {
        for (const third of edges) texts.push(Uint8Array.of(first, second, third));
      }
      for (const text of texts) {
        if ((refusedAt([text]) === 0) !== isUtf8(text)) assert.fail(toHex(text));
      }
    }
  }
});

Deno.test("validates random bytes in random splits like the runtime's decoder", () => {
  const random = new Random(3629);
  const parts = UTF8_SAMPLES.map(({ bytes }) => hex(bytes));
  const good = UTF8_SAMPLES.filter((sample) => sample.refusedAt === 0).map(({ bytes }) =>
    hex(bytes)
  );
  let valid = 0;
  for (let run = 0; run < 3000; run++) {
    const source = run % 2 === 0 ? good : parts;
    const text = concat(...Array.from({ length: random.below(12) }, () => random.pick(source)));
    if (run % 5 === 0 && text.length > 0) text[random.below(text.length)] = random.below(256);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < text.length;) {
      const end = Math.min(text.length, at + random.below(6));
      pieces.push(text.slice(at, end));
      at = end;
    }
    const want = isUtf8(text);
    if (want) valid++;
    assert.equal(refusedAt(pieces) === 0, want, toHex(text));
    assert.equal(refusedAt(single(text)) === 0, want, toHex(text));
  }
  assert.ok(valid > 500 && valid < 2500, "both kinds were tried");
});

Deno.test("does not read memory after the text", () => {
  for (let size = 0; size < 30; size++) {
    const memory = utf8("a".repeat(size) + "b");
    assert.equal(decodeText(memory, 0, size), "a".repeat(size));
  }
});

Deno.test("keeps a byte order mark, in short and long texts", () => {
  for (const text of ["\ufeff", "\ufeffa", `\ufeff${"a".repeat(100)}`, "a\ufeff"]) {
    const bytes = utf8(text);
    assert.equal(decodeText(bytes, 0, bytes.length), text);
  }
});

const TEXTS = [
  "",
  "a",
  "\u0000\u007f",
  "\u0080",
  "\u00e9",
  "\u20ac",
  "\u{1f600}",
  "\ufeff",
  "a\u00e9\u20ac",
];

Deno.test("encodes text like the runtime's encoder, at every length around the loop's limit", () => {
  for (const text of TEXTS) {
    for (let padding = 0; padding < 40; padding++) {
      for (const whole of [text + "x".repeat(padding), "x".repeat(padding) + text]) {
        const want = utf8(whole);
        const target = new Uint8Array(7 + whole.length * 3).fill(0xa5);
        assert.equal(encodeText(whole, target, 5), want.length);
        assert.deepEqual(target.slice(5, 5 + want.length), want);
        assert.deepEqual(target.slice(0, 5), hex("a5 a5 a5 a5 a5"));
        assert.deepEqual(encodeLongText(whole), want);
      }
    }
  }
});

Deno.test("encodes a lone surrogate as U+FFFD", () => {
  const target = new Uint8Array(300);
  for (const text of ["\ud800", "a\udfffb", "\ud800".repeat(50)]) {
    const want = utf8(text.replaceAll(/[\ud800-\udfff]/g, "\ufffd"));
    assert.equal(encodeText(text, target, 0), want.length);
    assert.deepEqual(target.slice(0, want.length), want);
    assert.deepEqual(encodeLongText(text), want);
  }
});

Deno.test("Buffer methods decode and encode like the runtime's classes, and reject the same texts", () => {
  const { utf8Slice, utf8Write } = Buffer.prototype as TextMethods;
  assert.ok(utf8Slice !== undefined && utf8Write !== undefined);
  Object.assign(textMethods, { utf8Slice, utf8Write });
  try {
    for (const { name, bytes, refusedAt } of UTF8_SAMPLES) {
      // Longer than the texts for the loop, and shorter than those for TextDecoder.
      const text = concat(hex("efbbbf"), utf8("a text of some length: "), hex(bytes));
      const memory = concat(hex("ff"), text, hex("ff"));
      const decode = (): string => decodeText(memory, 1, 1 + text.length);
      if (refusedAt === 0) assert.equal(decode(), platform.decode(text), name);
      else assert.throws(decode, INVALID, name);
    }
    const target = new Uint8Array(1000);
    for (
      const text of [
        "a".repeat(99),
        "\u00e9\u6f22\u{1f600}\ufffd".repeat(20),
        "\ud800 and \udc00".repeat(9),
      ]
    ) {
      const want = encodeLongText(text);
      assert.equal(encodeText(text, target, 7), want.length);
      assert.deepEqual(target.slice(7, 7 + want.length), want);
    }
  } finally {
    Object.assign(textMethods, { utf8Slice: undefined, utf8Write: undefined });
  }
});
