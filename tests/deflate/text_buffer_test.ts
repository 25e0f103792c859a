import assert from "node:assert/strict";
import { PIECE, TextBuffer } from "../../src/deflate/match_finder.ts";
import { Random } from "../support/random.ts";
import { concat } from "./oracles.ts";

const random = new Random(51);

/** Returns the bytes between two positions of the text. */
function between(text: TextBuffer, from: number, to: number): Uint8Array {
  return text.bytes.slice(from, to);
}

Deno.test("appends a part to the earlier text, followed by zeros", () => {
  const text = new TextBuffer();
  text.bytes.fill(0xee);
  text.open(Uint8Array.of(1, 2, 3, 4), 3);
  assert.equal(text.append(Uint8Array.of(5, 6, 7, 8), 1, 3), 0);
  assert.equal(text.start, 3);
  assert.equal(text.end, 5);
  assert.deepEqual(between(text, 0, 13), Uint8Array.of(1, 2, 3, 6, 7, 0, 0, 0, 0, 0, 0, 0, 0));
});

Deno.test("keeps the window before each part of a long message", () => {
  const message = random.bytes(5 * PIECE + 1000);
  const history = random.bytes(32768);
  for (const length of [0, 100, 32768]) {
    const all = concat(history.subarray(0, length), message);
    const text = new TextBuffer();
    text.open(history, length);
    let moved = 0;
    for (let from = 0; from < message.length; from += PIECE) {
      moved += text.append(message, from, Math.min(from + PIECE, message.length));
      assert.equal(text.end + moved, length + Math.min(from + PIECE, message.length));
      assert.equal(text.start + moved, length + from);
      assert(text.start >= Math.min(32768, length + from));
      assert.deepEqual(between(text, 0, text.end), all.slice(moved, moved + text.end));
    }
  }
});

Deno.test("opening resets the buffer", () => {
  const text = new TextBuffer();
  text.open(random.bytes(300), 300);
  text.open(new Uint8Array(0), 0);
  assert.equal(text.start, 0);
  assert.equal(text.end, 0);
});
