// A transport controlled by the test: it can apply backpressure, and it checks that the memory of a
// pending write stays unchanged.

import assert from "node:assert/strict";
import type { Transport } from "../../src/transport/transport.ts";
import { concat } from "./vectors.ts";

/** Records the written bytes. */
export class FakeTransport implements Transport {
  readonly remoteAddress = "test";
  readonly writesLater: boolean;
  /** While `true`, writes stay pending, as on a socket with a full buffer. */
  refusing = false;
  /** The bytes of each write. */
  readonly writes: Uint8Array[] = [];
  /** The buffer passed to the last write. */
  lent: Uint8Array | undefined;
  #pendingWrite: { memory: Uint8Array; copy: Uint8Array } | undefined;

  constructor(writesLater = false) {
    this.writesLater = writesLater;
  }

  /** All bytes that were written. */
  get written(): Uint8Array {
    return concat(...this.writes);
  }

  get bufferedAmount(): number {
    return this.#pendingWrite?.copy.length ?? 0;
  }

  write(bytes: Uint8Array, length: number): boolean {
    assert.equal(this.#pendingWrite, undefined, "write before drain");
    assert.ok(length > 0 && length <= bytes.length, "empty write, or a write beyond the buffer");
    const copy = bytes.slice(0, length);
    this.writes.push(copy);
    this.lent = bytes;
    if (!this.refusing && !this.writesLater) return true;
    this.#pendingWrite = { memory: bytes, copy };
    return false;
  }

  /** Completes the pending write, if there is one. The caller notifies the writer. */
  completeWrite(): boolean {
    if (this.#pendingWrite === undefined) return false;
    const { memory, copy } = this.#pendingWrite;
    this.#pendingWrite = undefined;
    assert.deepEqual(
      memory.slice(0, copy.length),
      copy,
      "the memory of a pending write was changed",
    );
    return true;
  }

  start(): void {}

  pause(): void {}

  resume(): void {}

  end(): void {}

  destroy(): void {}
}
