import assert from "node:assert/strict";
import { PreparedMessage } from "../../src/message/prepared_message.ts";
import { Opcode } from "../../src/wire/opcode.ts";
import { Random } from "../support/random.ts";
import { BINARY, frame, TEXT, utf8 } from "../support/vectors.ts";

const random = new Random(29);

for (const size of [0, 1, 125, 126, 127, 65535, 65536, 70000]) {
  Deno.test(`a prepared message of ${size} bytes is identical to the frame that a server sends`, () => {
    const payload = random.bytes(size);
    const message = new PreparedMessage(payload);
    assert.equal(message.opcode, Opcode.Binary);
    assert.deepEqual(message.frame, frame({ opcode: BINARY, payload }));
    assert.deepEqual(message.payload, payload);
  });
}

for (const text of ["", "a", "\u20ac\u{1f600}", "x".repeat(126), "\u20ac".repeat(21846)]) {
  Deno.test(`a prepared text of ${text.length} characters is a text frame in UTF-8`, () => {
    const message = new PreparedMessage(text);
    assert.equal(message.opcode, Opcode.Text);
    assert.deepEqual(message.frame, frame({ opcode: TEXT, payload: text }));
    assert.deepEqual(message.payload, utf8(text));
  });
}

Deno.test("sends a lone surrogate in a prepared text as U+FFFD", () => {
  assert.deepEqual(new PreparedMessage("a\ud800b").payload, utf8("a\ufffdb"));
});

Deno.test("a prepared message copies the bytes", () => {
  const payload = random.bytes(10);
  const before = payload.slice();
  const message = new PreparedMessage(payload);
  payload.fill(0);
  assert.deepEqual(message.payload, before);
});
