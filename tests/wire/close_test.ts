import assert from "node:assert/strict";
import {
  CloseCode,
  formatClosePayload,
  isCloseCode,
  parseClosePayload,
} from "../../src/wire/close.ts";
import { closePayload, concat, hex } from "../support/vectors.ts";

/** The codes that a Close frame may carry (RFC 6455 section 7.4 and the IANA registry). */
const LEGAL_RANGES = [[1000, 1003], [1007, 1014], [3000, 4999]];

const LEGAL = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
  .concat([3000, 3999, 4000, 4999]);
const ILLEGAL = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535];

function parse(payload: Uint8Array): { code: number; reason: string } {
  // The parser must not read the bytes around the payload.
  const memory = concat(hex("ff ff ff"), payload, hex("ff"));
  return parseClosePayload(memory, 3, memory.length - 1);
}

Deno.test("of all 65,536 codes, accepts exactly 1000-1003, 1007-1014 and 3000-4999 on the wire", () => {
  const legal = LEGAL_RANGES.flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i)
  );
  const found = Array.from({ length: 65536 }, (_, code) => code).filter(isCloseCode);
  assert.deepEqual(found, legal);
});

Deno.test("a number outside the range of codes is not a close code", () => {
  for (const code of [-1, NaN, Infinity, -1000, 1000.5, 3000.5]) {
    assert.equal(isCloseCode(code), false);
  }
});

Deno.test("accepts every named code except 1005 and 1006 on the wire", () => {
  const never = Object.entries(CloseCode).filter(([, code]) => !isCloseCode(code));
  assert.deepEqual(never, [["NoStatus", 1005], ["Abnormal", 1006]]);
});

for (const code of LEGAL) {
  Deno.test(`reads and writes a Close frame with the code ${code}`, () => {
    assert.deepEqual(parse(closePayload(code)), { code, reason: "" });
    assert.deepEqual(parse(closePayload(code, "bye")), { code, reason: "bye" });
    assert.deepEqual(formatClosePayload(code, "bye"), closePayload(code, "bye"));
  });
}

for (const code of ILLEGAL) {
  Deno.test(`rejects a Close frame with the code ${code} as a protocol error`, () => {
    for (const reason of ["", "bye"]) {
      assert.throws(() => parse(closePayload(code, reason)), {
        name: "ProtocolError",
        code: "CLOSE_CODE_INVALID",
        closeCode: 1002,
        message: new RegExp(`\\b${code}$`),
      });
    }
  });
}

Deno.test("reports a Close frame without a payload as 1005", () => {
  assert.deepEqual(parse(new Uint8Array(0)), { code: 1005, reason: "" });
});

Deno.test("rejects a Close frame with one byte of payload as a protocol error", () => {
  assert.throws(() => parse(hex("03")), {
    name: "ProtocolError",
    code: "CLOSE_PAYLOAD_TOO_SHORT",
    closeCode: 1002,
  });
});

Deno.test("a reason keeps every byte, including a byte order mark and multibyte characters", () => {
  for (const reason of ["b", "\ufeffbye", "caf\u00e9 \u20ac \u{1f600}", "x".repeat(123)]) {
    assert.equal(parse(closePayload(1000, reason)).reason, reason);
  }
});

for (
  const [what, bytes] of [
    ["a lone continuation byte", "80"],
    ["an overlong slash", "c0 af"],
    ["a surrogate", "ed a0 80"],
    ["a truncated character", "62 79 65 e2 82"],
    ["a byte that never occurs in UTF-8", "ff"],
  ]
) {
  Deno.test(`rejects a reason with ${what} as an invalid payload, not as a protocol error`, () => {
    assert.throws(() => parse(closePayload(1000, hex(bytes))), {
      name: "InvalidPayloadError",
      code: "INVALID_UTF8",
      closeCode: 1007,
    });
  });
}

Deno.test("reports an invalid code before an invalid reason", () => {
  assert.throws(() => parse(closePayload(1005, hex("ff"))), { code: "CLOSE_CODE_INVALID" });
});

Deno.test("writes 1005 as a Close frame without a payload", () => {
  assert.deepEqual(formatClosePayload(1005, "never sent"), new Uint8Array(0));
});

for (
  const [character, size] of [["a", 1], ["\u00e9", 2], ["\u20ac", 3], ["\u{1f600}", 4]] as const
) {
  Deno.test(`truncates a reason of ${size}-byte characters to 123 bytes at a character boundary`, () => {
    for (let shift = 0; shift < 4; shift++) {
      const reason = "x".repeat(shift) + character.repeat(200);
      const kept = Math.floor((123 - shift) / size);
      assert.deepEqual(
        formatClosePayload(1000, reason),
        closePayload(1000, "x".repeat(shift) + character.repeat(kept)),
      );
    }
  });
}

Deno.test("writes a lone surrogate in a reason as U+FFFD, so that the reason is valid UTF-8", () => {
  assert.deepEqual(formatClosePayload(1000, "a\ud800b"), closePayload(1000, "a\ufffdb"));
});
