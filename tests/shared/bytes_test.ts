import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { toBytes } from "../../src/shared/bytes.ts";
import { hex, toHex } from "../support/vectors.ts";

const memory = hex("00 01 02 03 04 05 06 07").buffer as ArrayBuffer;

const VIEWS: readonly [what: string, view: unknown, bytes: string][] = [
  ["a Uint8Array", new Uint8Array(memory), "0001020304050607"],
  ["a part of a Uint8Array", new Uint8Array(memory, 2, 3), "020304"],
  ["an ArrayBuffer", memory, "0001020304050607"],
  ["an empty ArrayBuffer", new ArrayBuffer(0), ""],
  ["a DataView of a part", new DataView(memory, 3, 2), "0304"],
  ["a Uint16Array of a part", new Uint16Array(memory, 2, 2), "02030405"],
  ["a BigInt64Array", new BigInt64Array(memory), "0001020304050607"],
  ["a Buffer", Buffer.from([9, 8]), "0908"],
];

for (const [what, view, bytes] of VIEWS) {
  Deno.test(`the bytes of ${what} are those it shows`, () => {
    assert.equal(toHex(toBytes(view)), bytes);
  });
}

Deno.test("a Uint8Array is taken as it is, without a copy", () => {
  const bytes = hex("01 02");
  assert.equal(toBytes(bytes), bytes);
});

const OTHERS: readonly [value: unknown, shown: string][] = [
  [undefined, "undefined"],
  [null, "null"],
  [7, "7"],
  [1n, "1"],
  [true, "true"],
  ["hello", '"hello"'],
  [[1, 2], "an array"],
  [{}, "an object"],
  [new SharedArrayBuffer(2), "an object"],
  [() => {}, "a function"],
  [Symbol("x"), "a symbol"],
];

for (const [value, shown] of OTHERS) {
  Deno.test(`${shown} (${typeof value}) is no bytes: a TypeError shows it and what is allowed`, () => {
    assert.throws(() => toBytes(value), {
      name: "TypeError",
      message:
        `Cannot send: the data must be a string, a Uint8Array or an ArrayBuffer, got ${shown}`,
    });
  });
}
