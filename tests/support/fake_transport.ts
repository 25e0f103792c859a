// A transport whose peer is the test: it can reject writes, and it checks the memory that it
// borrows.

import assert from "node:assert/strict";
import type { Transport } from "../../src/transport/transport.ts";
import { concat } from "./vectors.ts";

/** Records the written bytes. */
export class FakeTransport implements Transport {
  readonly remoteAddress = "test";
  readonly writesLater: boolean;
  /** While `true`, every write is accepted and kept, as by a socket with a full buffer. */
  refusing = false;
  /** The writes, one entry each. */
  readonly writes: Uint8Array[] = [];
  /** The memory of the last write. */
  lent: Uint8Array | undefined;
  #kept: { memory: Uint8Array; copy: Uint8Array } | undefined;

  constructor(writesLater = false) {
    this.writesLater = writesLater;
  }

  /** All bytes that were written. */
  get written(): Uint8Array {
    return concat(...this.writes);
  }

  get bufferedAmount(): number {
    return this.#kept?.copy.length ?? 0;
  }

  write(bytes: Uint8Array, length: number): boolean {
    assert.equal(this.#kept, undefined, "a write before drain");
    assert.ok(length > 0 && length <= bytes.length, "empty write, or a write beyond the buffer");
    const copy = bytes.slice(0, length);
    this.writes.push(copy);
    this.lent = bytes;
    if (!this.refusing && !this.writesLater) return true;
    this.#kept = { memory: bytes, copy };
    return false;
  }

  /** Reports that the kept bytes were sent. The caller notifies the writer. */
  takeKept(): boolean {
    if (this.#kept === undefined) return false;
    const { memory, copy } = this.#kept;
    this.#kept = undefined;
    assert.deepEqual(
      memory.slice(0, copy.length),
      copy,
      "memory was changed that was not returned",
    );
    return true;
  }

  start(): void {}

  pause(): void {}

  resume(): void {}

  end(): void {}

  destroy(): void {}
}
