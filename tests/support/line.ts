// The output of one connection: its transport, and the expected bytes.

import assert from "node:assert/strict";
import { Output, type OutputOwner, type OutputRules } from "../../src/connection/output.ts";
import { FakeTransport } from "./fake_transport.ts";
import { concat } from "./vectors.ts";

/** No limits. */
export const RULES: OutputRules = {
  highWaterMark: Infinity,
  maxBufferedAmount: Infinity,
  delayedWrite: { maxMessages: 10, maxDelay: 10, bufferSize: 100 },
};

/** An output with its transport and the bytes written to it. */
export class Line implements OutputOwner {
  readonly transport: FakeTransport;
  readonly output: Output;
  expected: Uint8Array[] = [];
  flushes = 0;

  constructor(writesLater = false) {
    this.transport = new FakeTransport(writesLater);
    this.output = new Output(this, RULES);
  }

  flushed(): void {
    this.flushes++;
  }

  callDrain(): void {}

  releaseWaiting(): boolean {
    return false;
  }

  tooSlow(): void {
    assert.fail("the peer is cut");
  }

  transportFailed(error: unknown): void {
    throw error;
  }

  callbackFailed(error: unknown): void {
    throw error;
  }

  sendQueued(): void {}

  /** Adds bytes as a frame writer does. */
  put(bytes: Uint8Array, room = bytes.length): void {
    const memory = this.output.reserve(room);
    memory.set(bytes, this.output.offset);
    this.output.commit(bytes.length);
    this.expected.push(bytes);
  }

  /** Shares bytes with other lines. */
  share(bytes: Uint8Array): void {
    this.output.share(bytes);
    this.expected.push(bytes);
  }

  /** Adds bytes that may wait. */
  delay(bytes: Uint8Array): void {
    this.output.startDelay();
    this.put(bytes);
    this.output.endDelay();
  }

  /** Ends the backpressure of the transport. */
  drain(): void {
    if (this.transport.takeKept()) this.takesMore();
  }

  /** Reports that the transport accepts output. */
  takesMore(): void {
    this.output.ready();
    this.output.flush();
  }

  assertWritten(writes?: number): void {
    assert.deepEqual(this.transport.written, concat(...this.expected));
    if (writes !== undefined) assert.equal(this.transport.writes.length, writes);
    assert.ok(this.output.empty);
  }
}

/** Resolves when the microtasks that are waiting now have run. */
export async function tick(): Promise<void> {
  await Promise.resolve();
}
