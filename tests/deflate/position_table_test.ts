import assert from "node:assert/strict";
import { PositionTable, SharedPositionTable } from "../../src/deflate/match_finder.ts";

/** Returns the distance from `place` back to the recorded position. */
function distance(table: PositionTable, slot: number, place: number): number {
  return (place + table.base - table.slots[slot] & 0xffff) || 0x10000;
}

/** Stores `place` in a slot. */
function note(table: PositionTable, slot: number, place: number): void {
  table.slots[slot] = place + table.base;
}

Deno.test("a table has 2 ** bits slots, and its shift matches", () => {
  for (const bits of [8, 11, 15]) {
    const table = new PositionTable(new Uint16Array(1 << bits));
    assert.equal(table.slots.length, 1 << bits);
    assert.equal(0xffffffff >>> table.shift, (1 << bits) - 1);
  }
});

Deno.test("distances are correct when positions exceed 16 bits and when the text moves", () => {
  const table = new PositionTable(new Uint16Array(1 << 8));
  table.base = 0xfff0;
  note(table, 3, 10);
  assert.equal(distance(table, 3, 1000), 990);
  table.move(500);
  assert.equal(distance(table, 3, 500), 990);
});

Deno.test("entries of earlier messages refer to positions before the first byte", () => {
  const table = new SharedPositionTable();
  for (let run = 0; run < 3000; run++) {
    const length = 1 + run * 7 % 900;
    const first = run % 5;
    table.begin(first, length);
    // No slot has an entry of this message yet.
    for (const slot of [0, 1, 2, 3, 4]) {
      for (const place of [first, first + length - 1]) {
        assert(place - distance(table, slot, place) < table.first);
      }
    }
    for (let place = first; place < first + length; place++) note(table, place % 4, place);
    assert.equal(distance(table, first % 4, first + length), 1 + (length - 1) % 4);
  }
});

Deno.test("a message over 64 KiB and the message after it start with an empty table", () => {
  const table = new SharedPositionTable();
  table.begin(0, 100);
  note(table, 7, 50);
  table.begin(0, 1 << 17);
  assert(table.slots.every((entry) => entry === 0));
  note(table, 9, 70000);
  table.begin(0, 1);
  assert(table.slots.every((entry) => entry === 0));
});

Deno.test("larger messages use more slots", () => {
  const table = new SharedPositionTable();
  const slots = [1, 512, 513, 2048, 2049, 8192, 8193, 1 << 20].map((length) => {
    table.begin(0, length);
    return 2 ** (32 - table.shift);
  });
  assert.deepEqual(slots, [4096, 4096, 8192, 8192, 16384, 16384, 32768, 32768]);
});

Deno.test("clears every used slot", () => {
  const table = new SharedPositionTable();
  table.begin(0, 60000);
  table.slots.fill(1);
  // A small message uses one slot fewer.
  table.begin(0, 6000);
  assert(table.slots.every((entry) => entry === 0));
});

Deno.test("the position of the first byte moves with the text, down to its start", () => {
  const table = new SharedPositionTable();
  table.begin(300, 1000);
  table.move(100);
  assert.equal(table.first, 200);
  table.move(1000);
  assert.equal(table.first, 0);
});
