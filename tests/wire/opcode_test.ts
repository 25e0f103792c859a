import assert from "node:assert/strict";
import {
  CONTROL,
  FIN,
  LENGTH_16,
  LENGTH_64,
  LENGTH_BITS,
  MASK,
  MAX_CONTROL_PAYLOAD,
  MAX_HEADER_SIZE,
  Opcode,
  OPCODE_BITS,
  RSV1,
  RSV2_RSV3,
} from "../../src/wire/opcode.ts";
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from "../support/vectors.ts";

Deno.test("the opcodes match RFC 6455 section 11.8", () => {
  assert.deepEqual(Opcode, {
    Continuation: CONTINUATION,
    Text: TEXT,
    Binary: BINARY,
    Close: CLOSE,
    Ping: PING,
    Pong: PONG,
  });
});

Deno.test("the first byte consists of FIN, RSV1, RSV2, RSV3 and the opcode", () => {
  assert.deepEqual([FIN, RSV1, RSV2_RSV3, OPCODE_BITS], [
    0b1000_0000,
    0b0100_0000,
    0b0011_0000,
    15,
  ]);
});

Deno.test("the second byte consists of MASK and the length, whose two largest values announce a longer field", () => {
  assert.deepEqual([MASK, LENGTH_BITS, LENGTH_16, LENGTH_64], [0b1000_0000, 127, 126, 127]);
});

Deno.test("the top bit of an opcode distinguishes control frames from data frames", () => {
  const isControl = (opcode: number): boolean => (opcode & CONTROL) !== 0;
  assert.deepEqual([CLOSE, PING, PONG].map(isControl), [true, true, true]);
  assert.deepEqual([CONTINUATION, TEXT, BINARY].map(isControl), [false, false, false]);
});

Deno.test("the longest header has a 64-bit length and a mask key, and a control payload has at most 125 bytes", () => {
  assert.equal(MAX_HEADER_SIZE, 2 + 8 + 4);
  assert.equal(MAX_CONTROL_PAYLOAD, 125);
});
