// The output of one connection, with its transport and the bytes that it must write.

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

/** An output, its transport, and the bytes that the test has passed to it. */
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
    assert.fail("the connection was closed because the peer is slow");
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

  /** Adds bytes that may be delayed. */
  delay(bytes: Uint8Array): void {
    this.output.startDelay();
    this.put(bytes);
    this.output.endDelay();
  }

  /** Completes the pending write and resumes output. */
  drain(): void {
    if (this.transport.completeWrite()) this.takesMore();
  }

  /** Tells the output that the transport accepts writes again. */
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

/** Resolves after the microtasks that are already queued. */
export async function tick(): Promise<void> {
  await Promise.resolve();
}
