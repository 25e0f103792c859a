// Records the bytes of a connection.

import assert from "node:assert/strict";
import { Recording, toHex } from "../../doctor/recording.ts";

Deno.test("merges bytes of the same direction and time into one entry", () => {
  let now = 100;
  const recording = new Recording(() => now);
  recording.add(true, Uint8Array.of(1));
  recording.add(true, Uint8Array.of(2));
  recording.add(false, Uint8Array.of(3));
  now = 150;
  recording.add(false, Uint8Array.of(4));
  assert.deepEqual(recording.entries, [
    { sent: true, time: 0, size: 2, hex: "0102" },
    { sent: false, time: 0, size: 1, hex: "03" },
    { sent: false, time: 50, size: 1, hex: "04" },
  ]);
  assert.equal(recording.leftOut, 0);
});

Deno.test("keeps the first bytes of an entry and its total size", () => {
  const recording = new Recording(() => 0);
  recording.add(true, new Uint8Array(50));
  recording.add(true, new Uint8Array(1000));
  const [entry] = recording.entries;
  assert.equal(entry?.size, 1050);
  assert.equal(entry?.hex.length, 128);
});

Deno.test("keeps the first entries and the number of omitted entries", () => {
  let now = 0;
  const recording = new Recording(() => now++ * 10);
  for (let i = 0; i < 100; i++) recording.add(i % 2 === 0, Uint8Array.of(i));
  assert.equal(recording.entries.length, 60);
  assert.equal(recording.leftOut, 40);
});

Deno.test("formats bytes in hexadecimal", () => {
  assert.equal(toHex(Uint8Array.of(0, 0x0f, 0xff)), "000fff");
  assert.equal(toHex(Uint8Array.of(1, 2, 3), 2), "0102");
});
