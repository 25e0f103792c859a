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
  Deno.test(`returns the visible bytes of ${what}`, () => {
    assert.equal(toHex(toBytes(view)), bytes);
  });
}

Deno.test("returns a Uint8Array without a copy", () => {
  const bytes = hex("01 02");
  assert.equal(toBytes(bytes), bytes);
});

const OTHERS: readonly [value: unknown, shown: string][] = [
  [undefined, "undefined"],
  [Promise.resolve("hello"), "a promise (is an await missing?)"],
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
  Deno.test(`rejects ${shown} (${typeof value}) with a TypeError that shows it and the allowed types`, () => {
    assert.throws(() => toBytes(value), {
      name: "TypeError",
      message:
        "Cannot send: the data must be a string, an ArrayBuffer or a view of one (Uint8Array, " +
        `Buffer, DataView, ...), got ${shown}`,
    });
  });
}

const DETACHED: readonly [what: string, make: (memory: ArrayBuffer) => unknown][] = [
  ["ArrayBuffer", (memory) => memory],
  ["Uint8Array", (memory) => new Uint8Array(memory)],
  ["Buffer", (memory) => Buffer.from(memory)],
  ["Uint16Array", (memory) => new Uint16Array(memory)],
  ["DataView", (memory) => new DataView(memory)],
];

for (const [what, make] of DETACHED) {
  Deno.test(`rejects a detached ${what} with a TypeError, not as an empty message`, () => {
    const memory = new ArrayBuffer(8);
    const data = make(memory);
    structuredClone(memory, { transfer: [memory] });
    assert.throws(() => toBytes(data, "Cannot publish"), {
      name: "TypeError",
      message: /^Cannot publish: the memory of the data is detached or out of bounds; .*slice\(\)/,
    });
  });
}

Deno.test("rejects a view beyond the end of its shrunk buffer with a TypeError", () => {
  const memory = new ArrayBuffer(8, { maxByteLength: 16 });
  const data = new Uint8Array(memory, 4, 4);
  memory.resize(2);
  assert.throws(() => toBytes(data), { name: "TypeError", message: /out of bounds/ });
});

Deno.test("a view of growable or shared memory shows the current bytes", () => {
  const growing = new ArrayBuffer(2, { maxByteLength: 4 });
  const all = new Uint8Array(growing);
  growing.resize(3);
  assert.equal(toBytes(all).length, 3);
  assert.equal(toBytes(new Uint8Array(new SharedArrayBuffer(5))).length, 5);
});
