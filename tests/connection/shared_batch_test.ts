// Batches of frames shared by many connections.

import assert from "node:assert/strict";
import { SharedBatch } from "../../src/connection/shared_batch.ts";
import { Random } from "../support/random.ts";

const random = new Random(8);

/** Records the frames of one connection, as its output does. */
class Holder {
  bytes: Uint8Array | undefined;
  length = 0;
  readonly expected: number[] = [];

  /** Adds a frame. Returns whether the batch accepted it. */
  add(batch: SharedBatch, frame: Uint8Array): boolean {
    this.expected.push(...frame);
    if (this.bytes === undefined) {
      this.bytes = frame;
      this.length = frame.length;
      return true;
    }
    if (batch.add(this.bytes, this.length, frame)) {
      this.bytes = batch.bytes;
      this.length = batch.length;
      return true;
    }
    const own = new Uint8Array(this.length + frame.length);
    own.set(this.bytes.subarray(0, this.length));
    own.set(frame, this.length);
    this.bytes = own;
    this.length = own.length;
    return false;
  }

  assertHeld(): void {
    assert.deepEqual([...this.bytes!.subarray(0, this.length)], this.expected);
  }
}

Deno.test("connections that send the same frames share memory", () => {
  const batch = new SharedBatch(65_536);
  const holders = Array.from({ length: 5 }, () => new Holder());
  for (let count = 0; count < 100; count++) {
    const frame = random.bytes(1 + random.below(200));
    for (const holder of holders) assert.equal(holder.add(batch, frame), true);
  }
  for (const holder of holders) {
    assert.equal(holder.bytes, holders[0]!.bytes);
    holder.assertHeld();
  }
});

Deno.test("later additions do not modify memory in use", () => {
  const batch = new SharedBatch(65_536);
  const [early, late] = [new Holder(), new Holder()];
  const [one, two, three] = [random.bytes(10), random.bytes(20), random.bytes(30)];
  for (const holder of [early, late]) holder.add(batch, one);
  for (const holder of [early, late]) holder.add(batch, two);
  late.add(batch, three);
  assert.equal(late.bytes, early.bytes);
  // Tries to add a frame at an offset that another connection's frame occupies.
  assert.equal(early.add(batch, random.bytes(30)), false);
  for (const holder of [early, late]) holder.assertHeld();
});

Deno.test("combines frames only up to the limit", () => {
  const batch = new SharedBatch(100);
  const frame = random.bytes(60);
  assert.equal(batch.add(frame, 60, random.bytes(41)), false);
  assert.equal(batch.add(frame, 60, random.bytes(40)), true);
  assert.equal(batch.length, 100);
});

Deno.test("each connection keeps its own frames under random additions", () => {
  for (let run = 0; run < 50; run++) {
    const batch = new SharedBatch(2000);
    const holders = Array.from({ length: 4 }, () => new Holder());
    const frames = Array.from({ length: 3 }, () => random.bytes(1 + random.below(100)));
    for (let step = 0; step < 60; step++) {
      const frame = random.pick(frames);
      const listening = random.below(3) === 0 ? holders.slice(0, random.below(4)) : holders;
      for (const holder of listening) holder.add(batch, frame);
      if (random.below(20) === 0) holders[random.below(4)] = new Holder();
    }
    for (const holder of holders) if (holder.bytes !== undefined) holder.assertHeld();
  }
});
