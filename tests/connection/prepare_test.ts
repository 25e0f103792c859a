import assert from "node:assert/strict";
import { prepareMessage } from "../../src/connection/arguments.ts";
import { Opcode } from "../../src/wire/opcode.ts";
import { BINARY, frame, hex, TEXT, toHex } from "../support/vectors.ts";

Deno.test("prepares a string as text", () => {
  const message = prepareMessage("caf\u00e9");
  assert.equal(message.opcode, Opcode.Text);
  assert.deepEqual(message.frame, frame({ opcode: TEXT, payload: "caf\u00e9" }));
});

Deno.test("prepares bytes in any form as binary", () => {
  const bytes = hex("01 02 03 04");
  for (const data of [bytes, bytes.buffer, new Uint16Array(bytes.buffer)]) {
    const message = prepareMessage(data as Uint8Array);
    assert.equal(message.opcode, Opcode.Binary);
    assert.deepEqual(message.frame, frame({ opcode: BINARY, payload: bytes }));
  }
});

Deno.test("copies the bytes, so later changes have no effect", () => {
  const bytes = hex("01 02");
  const message = prepareMessage(bytes);
  bytes.fill(0xff);
  assert.equal(toHex(message.payload), "0102");
});

Deno.test("rejects other values with a TypeError that shows the value", () => {
  for (const [data, shown] of [[7, "7"], [null, "null"], [["a"], "an array"], [{}, "an object"]]) {
    assert.throws(() => prepareMessage(data as unknown as string), {
      name: "TypeError",
      message: new RegExp(`must be a string, an ArrayBuffer or a view of one .*, got ${shown}$`),
    });
  }
});
