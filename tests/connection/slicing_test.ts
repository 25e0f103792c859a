// The compression of a long message leaves turns of the event loop to other work.

import assert from "node:assert/strict";
import { TURN_TIME } from "../../src/connection/fair_turns.ts";
import { Slicing } from "../../src/connection/slicing.ts";
import type { MessageSlices } from "../../src/message/message_compression.ts";

/** Slices that take a whole turn each. */
class SlowSlices implements MessageSlices {
  readonly size = 0;
  readonly byteLength = 0;
  readonly isSmaller = true;
  left = 5;
  /** The number of slices left when a timer fired that the first slice had started. */
  leftAtTimer: number | undefined;

  get isComplete(): boolean {
    return this.left === 0;
  }

  compressNext(): boolean {
    if (this.left === 5) setTimeout(() => this.leftAtTimer = this.left);
    const end = performance.now() + TURN_TIME;
    while (performance.now() < end);
    this.left--;
    return this.isComplete;
  }

  writeTo(): void {}
}

Deno.test("a turn ends when its time is over, even if slices are left", async () => {
  const slices = new SlowSlices();
  await new Promise<void>((resolve) => Slicing.of(slices).add(resolve));
  assert.equal(slices.left, 0);
  assert.ok(slices.leftAtTimer! > 0, `${slices.leftAtTimer} slices`);
});
