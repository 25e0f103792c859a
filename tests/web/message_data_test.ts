// The conversion of the argument of `send`, and its length in bytes, which `bufferedAmount` counts.

import assert from "node:assert/strict";
import { runInNewContext } from "node:vm";
import { isBlob, messageData, messageSize, utf8Length } from "../../src/web/message_data.ts";

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

Deno.test("the length of a string in UTF-8 is that of TextEncoder, surrogates included", () => {
  for (const first of UNITS) {
    for (const second of UNITS) {
      for (const third of UNITS) {
        const text = first + second + third;
        assert.equal(utf8Length(text), new TextEncoder().encode(text).length, JSON.stringify(text));
      }
    }
  }
});

Deno.test("buffers of another realm are bytes, and not text", () => {
  for (
    const code of ["new ArrayBuffer(2)", "new DataView(new ArrayBuffer(2))", "new Int16Array(1)"]
  ) {
    assert.deepEqual(messageData(runInNewContext(code)), new Uint8Array(2), code);
  }
  assert.throws(() => messageData(runInNewContext("new SharedArrayBuffer(2)")), TypeError);
  assert.throws(() => messageData(runInNewContext("new Uint8Array(new SharedArrayBuffer(2))")));
});

Deno.test("shared and resizable memory is not taken", () => {
  const shared = new SharedArrayBuffer(2);
  const resizable = new ArrayBuffer(2, { maxByteLength: 4 });
  for (const buffer of [shared, resizable]) {
    assert.throws(() => messageData(buffer), TypeError);
    assert.throws(() => messageData(new Uint8Array(buffer)), TypeError);
  }
});

Deno.test("a detached buffer holds no bytes", () => {
  const view = new Uint8Array([1, 2, 3]);
  const { buffer } = view;
  structuredClone(buffer, { transfer: [buffer] });
  for (const data of [view, buffer, new Uint8Array(0)]) {
    assert.deepEqual(messageData(data), new Uint8Array(0));
  }
});

Deno.test("a Blob is recognized by its brand; an object with its members alone is text", () => {
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
