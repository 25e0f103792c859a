// The helpers that define cases.

import assert from "node:assert/strict";
import {
  close,
  concat,
  first,
  fragments,
  hex,
  last,
  next,
  text,
  utf8,
} from "../../doctor/steps.ts";

Deno.test("creates bytes from hexadecimal digits and other parts", () => {
  assert.deepEqual(hex("00 ff10"), Uint8Array.of(0, 255, 16));
  assert.deepEqual(concat([hex("01"), hex(""), hex("0203")]), Uint8Array.of(1, 2, 3));
});

Deno.test("a Close frame has a code and a reason, or no payload", () => {
  assert.deepEqual(close(1000, "bye").payload, concat([hex("03e8"), utf8("bye")]));
  assert.deepEqual(close().payload, hex(""));
  assert.deepEqual(close(65535).payload, hex("ffff"));
});

Deno.test("the first fragment has the opcode, the last has FIN", () => {
  const frames = fragments(2, "a", "b", "c");
  assert.deepEqual(frames.map(({ opcode, fin }) => [opcode, fin]), [[2, false], [0, false], [
    0,
    true,
  ]]);
  assert.deepEqual(fragments(1, "a"), [text("a")]);
  assert.deepEqual([first("a"), next("b"), last("c")], fragments(1, "a", "b", "c"));
});
