// Extracts the mask keys of a client's frames.

import assert from "node:assert/strict";
import { encodeFrame } from "../../doctor/encode_frame.ts";
import { MaskKeys } from "../../doctor/mask_keys.ts";
import { binary, concat, ping, text } from "../../doctor/steps.ts";

const STREAM = concat([
  encodeFrame(text("Hello", { maskKey: 1 }), "server"),
  encodeFrame(ping("", { maskKey: 2 }), "server"),
  encodeFrame(text("not masked", { maskRule: false }), "server"),
  encodeFrame(binary({ source: "octets", size: 300 }, { maskKey: 3 }), "server"),
  encodeFrame(text("x", { maskKey: 2 }), "server"),
]);

for (const size of [1, 3, 7, STREAM.length]) {
  Deno.test(`finds mask keys in chunks of ${size} bytes`, () => {
    const found = new MaskKeys();
    for (let at = 0; at < STREAM.length; at += size) found.read(STREAM.subarray(at, at + size));
    assert.deepEqual(found.keys, [1, 2, 3, 2]);
    assert.equal(found.repeated, true);
  });
}

Deno.test("different keys are not a repetition", () => {
  const found = new MaskKeys();
  found.read(concat([1, 2, 3].map((maskKey) => encodeFrame(text("", { maskKey }), "server"))));
  assert.equal(found.repeated, false);
});
