import assert from "node:assert/strict";
import { BitInput } from "../../src/deflate/bits.ts";

function open(...bytes: number[]): BitInput {
  const input = new BitInput();
  input.open(Uint8Array.of(0xee, ...bytes, 0xee), 1, 1 + bytes.length);
  return input;
}

Deno.test("reads bits and numbers starting at the least significant bit", () => {
  const input = open(0b1010_0110, 0b1100_0001);
  assert.equal(input.take(1), 0);
  assert.equal(input.take(2), 0b11);
  assert.equal(input.take(8), 0b001_10100);
  assert.equal(input.take(5), 0b11000);
  input.checkNotPastEnd();
});

Deno.test("reads zeros after the end, and reports when one was consumed", () => {
  const input = open(0xff);
  assert.equal(input.take(7), 0x7f);
  input.checkNotPastEnd();
  assert.equal(input.take(2), 0b01);
  assert.throws(() => input.checkNotPastEnd(), /ends within a block/);
});

Deno.test("aligns to the next byte boundary, unless it is already at one", () => {
  const input = open(0x01, 0x02, 0x03, 0x04);
  input.take(1);
  input.alignToByte();
  assert.equal(input.take(8), 0x02);
  input.alignToByte();
  assert.equal(input.take(16), 0x0403);
  input.alignToByte();
  assert.equal(input.position, input.end);
  input.take(1);
  assert.throws(() => input.alignToByte(), /ends within a block/);
});

Deno.test("the tail contains the buffered bits, the rest of the message, and zeros", () => {
  const input = open(0x11, 0x22, 0x33, 0x44, 0x55);
  assert(input.position > input.fastEnd);
  input.take(4);
  input.enterTail();
  assert.equal(input.take(12), 0x221);
  assert.equal(input.take(12), 0x433);
  assert.equal(input.take(16), 0x554);
  assert.throws(() => input.checkNotPastEnd());
});

Deno.test("returns the tail only once", () => {
  const input = open(0x11);
  input.enterTail();
  assert.throws(() => input.enterTail(), /ends within a block/);
});

Deno.test("drops its reference to the message on close", () => {
  const input = open(0x11);
  input.close();
  assert.equal(input.bytes.length, 0);
});
