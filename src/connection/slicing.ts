// Compresses long messages in later turns of the event loop: slice by slice, a few milliseconds per
// turn.

import type { MessageSlices } from "../message/message_compression.ts";
import { continueLater, TURN_TIME } from "./fair_turns.ts";

/** The compressions in progress; a message for several connections is compressed once. */
const slicings: WeakMap<MessageSlices, Slicing> = new WeakMap();

/** The compression of one message. */
export class Slicing {
  /** The slices. */
  readonly slices: MessageSlices;
  readonly #waiting: Set<() => void> = new Set();
  #isScheduled = false;

  private constructor(slices: MessageSlices) {
    this.slices = slices;
  }

  /** The compression of these slices. */
  static of(slices: MessageSlices): Slicing {
    let slicing = slicings.get(slices);
    if (slicing === undefined) slicings.set(slices, slicing = new Slicing(slices));
    return slicing;
  }

  /** Continues in later turns, and calls `done` when everything is compressed. */
  add(done: () => void): void {
    this.#waiting.add(done);
    this.#schedule();
  }

  /** Removes `done`. When no callback is left, the rest is not compressed. */
  remove(done: () => void): void {
    this.#waiting.delete(done);
  }

  /** Compresses the rest immediately. */
  finish(): void {
    while (!this.slices.isComplete) this.slices.compressNext();
    this.#wake();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    continueLater(() => this.#continue());
  }

  #continue(): void {
    this.#isScheduled = false;
    if (this.#waiting.size === 0) return;
    const end = performance.now() + TURN_TIME;
    while (!this.slices.isComplete) {
      if (performance.now() >= end) {
        this.#schedule();
        return;
      }
      this.slices.compressNext();
    }
    this.#wake();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const done of waiting) done();
  }
}
