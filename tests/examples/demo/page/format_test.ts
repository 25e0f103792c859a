// Formats and parses numbers and bytes for the page.

import assert from "node:assert/strict";
import {
  formatBytes,
  formatClock,
  formatCount,
  formatTime,
  hexDump,
  hexLine,
  parseHex,
} from "../../../../examples/demo/page/format.js";

Deno.test("formats bytes, times and counts with three significant digits and a unit", () => {
  assert.deepEqual(
    [0, 1023, 1024, 1536, 10240, 2 ** 20, 5 * 2 ** 30].map(formatBytes),
    ["0 B", "1023 B", "1.00 KiB", "1.50 KiB", "10.0 KiB", "1.00 MiB", "5.00 GiB"],
  );
  assert.deepEqual(
    [0.0421, 0.421, 4.21, 42.1, 421, 4210].map(formatTime),
    ["42 \u00b5s", "0.42 ms", "4.21 ms", "42.1 ms", "421 ms", "4.21 s"],
  );
  assert.deepEqual([7, 1234.4, 1234567].map(formatCount), [
    "7",
    "1\u202f234",
    "1\u202f234\u202f567",
  ]);
  assert.equal(formatClock(new Date(2024, 1, 3, 4, 5, 6, 7)), "04:05:06.007");
});

Deno.test("parses hexadecimal in the usual notations", () => {
  for (const text of ["0aff10", "0a ff 10", "0A:FF:10", "0x0a, 0xff, 0x10", "0a\nff\n10 "]) {
    assert.deepEqual([...parseHex(text)], [10, 255, 16], text);
  }
  assert.equal(parseHex("").length, 0);
  assert.throws(() => parseHex("0g"), { name: "SyntaxError", message: /"g"/ });
  assert.throws(() => parseHex("0a f"), { name: "SyntaxError", message: /odd/ });
});

Deno.test("dumps bytes with offsets and characters", () => {
  const lines = hexDump(new TextEncoder().encode("hello, world\n1234")).split("\n");
  assert.equal(
    lines[0],
    "0000  68 65 6c 6c 6f 2c 20 77 6f 72 6c 64 0a 31 32 33  hello, world.123",
  );
  assert.match(lines[1]!, /^0010 {2}34 {47}4$/);
  assert.equal(hexLine(Uint8Array.of(0, 1, 255)), "00 01 ff");
  assert.match(hexLine(new Uint8Array(100)), /^(00 ){24}\u2026$/);
});
