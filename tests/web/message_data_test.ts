// Tests how `send` converts its argument, and the length in bytes for `bufferedAmount`.

import assert from "node:assert/strict";
import { runInNewContext } from "node:vm";
import { isBlob, messageData, messageSize, utf8Length } from "../../src/web/webidl.ts";

const UNITS = [
  "a",
  "\u007f",
  "\u0080",
  "\u07ff",
  "\u0800",
  "\uffff",
  "\ud800",
  "\udc00",
  "\ud83d\ude00",
];

Deno.test("computes the UTF-8 length of a string like TextEncoder, including surrogates", () => {
  for (const first of UNITS) {
    for (const second of UNITS) {
      for (const third of UNITS) {
        const text = first + second + third;
        assert.equal(utf8Length(text), new TextEncoder().encode(text).length, JSON.stringify(text));
      }
    }
  }
});

Deno.test("treats buffers of another realm as bytes, not as text", () => {
  for (
    const code of ["new ArrayBuffer(2)", "new DataView(new ArrayBuffer(2))", "new Int16Array(1)"]
  ) {
    assert.deepEqual(messageData(runInNewContext(code)), new Uint8Array(2), code);
  }
  assert.throws(() => messageData(runInNewContext("new SharedArrayBuffer(2)")), TypeError);
  assert.throws(() => messageData(runInNewContext("new Uint8Array(new SharedArrayBuffer(2))")));
});

Deno.test("rejects shared and resizable memory", () => {
  const shared = new SharedArrayBuffer(2);
  const resizable = new ArrayBuffer(2, { maxByteLength: 4 });
  for (const buffer of [shared, resizable]) {
    assert.throws(() => messageData(buffer), TypeError);
    assert.throws(() => messageData(new Uint8Array(buffer)), TypeError);
  }
});

Deno.test("a detached buffer has no bytes", () => {
  const view = new Uint8Array([1, 2, 3]);
  const { buffer } = view;
  structuredClone(buffer, { transfer: [buffer] });
  for (const data of [view, buffer, new Uint8Array(0)]) {
    assert.deepEqual(messageData(data), new Uint8Array(0));
  }
});

Deno.test("recognizes a Blob by its brand, and converts a look-alike object to a string", () => {
  class OtherBlob {
    readonly size = 3;
    get [Symbol.toStringTag](): string {
      return "Blob";
    }
    arrayBuffer(): Promise<ArrayBuffer> {
      return Promise.resolve(new ArrayBuffer(3));
    }
  }
  const blobs = [new Blob(["abc"]), new File(["abc"], "a.txt"), new OtherBlob()];
  for (const blob of blobs) {
    assert.ok(isBlob(blob));
    const data = messageData(blob);
    assert.equal(data, blob);
    assert.equal(messageSize(data), 3);
  }
  assert.equal(messageData({ size: 3 }), "[object Object]");
});
