// An output for frames: it reserves buffers of exactly the requested size, between canaries.

import assert from "node:assert/strict";
import type { FrameOutput } from "../../src/wire/frame_writer.ts";
import { concat, hex } from "./vectors.ts";

/** Collects the committed bytes, and checks that nothing outside the reserved range is written. */
export class Output implements FrameOutput {
  written = new Uint8Array(0);
  offset = 3;
  #room = new Uint8Array(0);

  reserve(size: number): Uint8Array {
    this.#room = new Uint8Array(this.offset + size).fill(0xa5);
    return this.#room;
  }

  commit(size: number): void {
    assert.ok(this.offset + size <= this.#room.length, "more was committed than was reserved");
    assert.deepEqual(
      this.#room.slice(0, 3),
      hex("a5 a5 a5"),
      "the memory before the reserved range was changed",
    );
    this.written = concat(this.written, this.#room.slice(this.offset, this.offset + size)).slice();
  }
}
