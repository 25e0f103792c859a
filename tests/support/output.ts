// The output for frames in tests: buffers of exactly the reserved size, between canaries.

import assert from "node:assert/strict";
import type { FrameOutput } from "../../src/wire/frame_writer.ts";
import { concat, hex } from "./vectors.ts";

/** Collects the committed bytes, and reserves exactly the requested size. */
export class Output implements FrameOutput {
  written = new Uint8Array(0);
  offset = 3;
  #room = new Uint8Array(0);

  reserve(size: number): Uint8Array {
    this.#room = new Uint8Array(this.offset + size).fill(0xa5);
    return this.#room;
  }

  commit(size: number): void {
    assert.ok(this.offset + size <= this.#room.length, "more was written than was reserved");
    assert.deepEqual(
      this.#room.slice(0, 3),
      hex("a5 a5 a5"),
      "memory before the reserved range was written",
    );
    this.written = concat(this.written, this.#room.slice(this.offset, this.offset + size)).slice();
  }
}
