import assert from "node:assert/strict";
import { matchEnd } from "../../src/deflate/match_finder.ts";

Deno.test("a match ends at the first different byte or at the limit", () => {
  const bytes = new Uint8Array(200);
  const view = new DataView(bytes.buffer);
  for (let length = 0; length < 20; length++) {
    for (let limit = 100; limit < 124; limit++) {
      for (let offset = 0; offset < 4; offset++) {
        bytes.fill(7);
        bytes[100 + length] = 9;
        const end = matchEnd(bytes, view, 40 + offset, 100, limit);
        assert.equal(end, Math.min(100 + length, limit));
      }
    }
  }
});

Deno.test("a difference in any bit ends the match", () => {
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  for (let bit = 0; bit < 8; bit++) {
    for (let at = 40; at < 44; at++) {
      bytes.fill(0);
      bytes[at] = 1 << bit;
      assert.equal(matchEnd(bytes, view, 10, 40, 60), at);
    }
  }
});

Deno.test("a match may overlap its own output", () => {
  const bytes = new Uint8Array(100).fill(1);
  const view = new DataView(bytes.buffer);
  assert.equal(matchEnd(bytes, view, 9, 10, 90), 90);
});
