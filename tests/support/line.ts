// The way out of one connection: an outbox, its transport, and what must arrive.

import assert from "node:assert/strict";
import { Outbox } from "../../src/connection/outbox.ts";
import { FakeTransport } from "./fake_transport.ts";
import { concat } from "./vectors.ts";

/** An outbox with its transport, and what was put into it. */
export class Line {
  readonly transport: FakeTransport;
  readonly outbox: Outbox;
  expected: Uint8Array[] = [];
  flushes = 0;

  constructor(writesLater = false) {
    this.transport = new FakeTransport(writesLater);
    this.outbox = new Outbox(this.transport, { flushed: () => this.flushes++ });
  }

  /** Puts bytes in as a frame writer does. */
  put(bytes: Uint8Array, room = bytes.length): void {
    const memory = this.outbox.reserve(room);
    memory.set(bytes, this.outbox.offset);
    this.outbox.commit(bytes.length);
    this.expected.push(bytes);
  }

  /** Shares bytes with other lines. */
  share(bytes: Uint8Array): void {
    this.outbox.share(bytes);
    this.expected.push(bytes);
  }

  /** Puts bytes in that may wait. */
  delay(bytes: Uint8Array, firstSize = 100): void {
    this.outbox.startDelay(firstSize);
    this.put(bytes);
    this.outbox.endDelay();
  }

  /** The transport takes output again. */
  drain(): void {
    if (this.transport.takeKept()) this.outbox.drained();
  }

  assertWritten(writes?: number): void {
    assert.deepEqual(this.transport.written, concat(...this.expected));
    if (writes !== undefined) assert.equal(this.transport.writes.length, writes);
    assert.ok(this.outbox.empty);
  }
}

/** Resolves when the microtasks that are waiting now have run. */
export async function tick(): Promise<void> {
  await Promise.resolve();
}
