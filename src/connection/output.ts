// The output of one connection with its flow control: backpressure, notifications of sent output,
// and slow peers.

import type { Transport } from "../transport/transport.ts";
import { callReported } from "../shared/user_code.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";
import type { WrittenCallback } from "./arguments.ts";
import { FragmentQueue, type QueuedMessage } from "./fragments.ts";
import { HELD_SIZE, OutputBuffer } from "./output_buffer.ts";

/** The limits of one connection's buffered output. */
export interface OutputRules {
  /** Bytes above which senders should wait. */
  readonly highWaterMark: number;
  /** Bytes above which the peer is cut. */
  readonly maxBufferedAmount: number;
  /** When messages of `sendDelayed` are sent. */
  readonly delayedWrite: {
    readonly maxMessages: number;
    readonly maxDelay: number;
    readonly bufferSize: number;
  };
}

/** The port of an {@linkcode Output} to its connection. None of these may throw. */
export interface OutputOwner {
  /** The stream to write to. */
  readonly transport: Transport;
  /** Output was written, perhaps all of it. */
  flushed(): void;
  /** At most `highWaterMark` is buffered again, after a send returned `false`. */
  callDrain(): void;
  /** There is room for messages waiting elsewhere. Returns whether any were sent. */
  releaseWaiting(): boolean;
  /** The limit for slow peers was exceeded. */
  tooSlow(size: number, limit: "highWaterMark" | "maxBufferedAmount"): void;
  /** A method of the transport threw, which violates its contract. */
  transportFailed(error: unknown): void;
  /** A callback of the user has thrown. */
  callbackFailed(error: unknown): void;
  /** Sends a message that waited for the end of a fragmented one. */
  sendQueued(message: QueuedMessage): void;
}

/** Rarely used state. */
class OutputExtra {
  /** The fragment queue, once a message was sent in fragments. */
  fragments: FragmentQueue | undefined;
  drainWaiters: Array<() => void> | undefined;
  /** Waiters for output outside the fragment queue. */
  outputWaiters: Array<() => void> | undefined;
  /** The `written` callbacks, in the order of their bytes. */
  written: Array<{ readonly end: number; readonly call: WrittenCallback }> | undefined;
  /** The size of a single message over `maxBufferedAmount`, until it has been sent. */
  oversize = 0;
  delayTimer: Timer | undefined;
  delayedMessages = 0;
  /** Whether senders are waiting for room. */
  wantsDrain = false;
}

/** The output of one connection. */
export class Output extends OutputBuffer implements TimerTarget {
  readonly #owner: OutputOwner;
  readonly #rules: OutputRules;
  #extra: OutputExtra | undefined;

  /**
   * @param owner The connection.
   * @param rules The limits.
   */
  constructor(owner: OutputOwner, rules: OutputRules) {
    super();
    this.#owner = owner;
    this.#rules = rules;
  }

  protected override get transport(): Transport {
    return this.#owner.transport;
  }

  /** Bytes that have not left the process, including the fragment queue. */
  get bufferedAmount(): number {
    const extra = this.#extra;
    return extra?.fragments === undefined ? this.size : this.size + extra.fragments.size;
  }

  /** The memory of the buffer and the fragment queue. */
  override get held(): number {
    const extra = this.#extra;
    return extra?.fragments === undefined ? super.held : super.held + extra.fragments.held;
  }

  /** The share of frames shared with other connections, in the buffer and the fragment queue. */
  override get sharedWeight(): number {
    return super.sharedWeight + (this.#extra?.fragments?.sharedWeight ?? 0);
  }

  /** Bytes of long messages waiting for compression, which is not the peer's fault. */
  get uncompressed(): number {
    return this.#extra?.fragments?.uncompressed ?? 0;
  }

  /** Whether more than `highWaterMark` is buffered. */
  get slow(): boolean {
    return this.bufferedAmount > this.#rules.highWaterMark;
  }

  // Flow control.

  /**
   * A message was added.
   *
   * @param length Its approximate size in bytes.
   * @returns Whether more may be sent.
   */
  accepted(length: number): boolean {
    const size = this.bufferedAmount;
    return size <= this.#rules.highWaterMark || this.#isBelowMark(size, length);
  }

  /** Calls back when everything added so far has left the process. */
  whenWritten(call: WrittenCallback): void {
    (this.#more.written ??= []).push({ end: this.end, call });
    // If everything has already been sent, no other event follows.
    this.needFlush();
  }

  /** Resolves when at most `highWaterMark` is buffered, or the connection has ended. */
  drainedPromise(): Promise<void> {
    if (this.isClosed || !this.slow) return Promise.resolve();
    this.#more.wantsDrain = true;
    return new Promise((resolve) => (this.#more.drainWaiters ??= []).push(resolve));
  }

  /** The same, without messages in the fragment queue. */
  outputDrained(): Promise<void> {
    if (this.isClosed || this.size <= this.#rules.highWaterMark) return Promise.resolve();
    this.#more.wantsDrain = true;
    return new Promise((resolve) => (this.#more.outputWaiters ??= []).push(resolve));
  }

  /**
   * Requests a call of {@linkcode OutputOwner.releaseWaiting} when there is room.
   *
   * @param bytes Bytes that wait elsewhere.
   * @param newest The bytes of the message added there last.
   * @returns `false` if the connection was cut.
   */
  awaitDrain(bytes: number, newest: number): boolean {
    this.#more.wantsDrain = true;
    return this.#isWithinLimit(this.bufferedAmount + bytes, newest);
  }

  /** The peer reads too slowly. */
  cutSlow(): void {
    this.#owner.tooSlow(this.bufferedAmount, "highWaterMark");
  }

  /**
   * The connection has ended: discards waiting output.
   *
   * @param error The error for messages that were not written.
   * @returns The unsent messages of the fragment queue.
   */
  finish(error: Error): QueuedMessage[] {
    this.stop();
    const extra = this.#extra;
    if (extra === undefined) return [];
    extra.wantsDrain = false;
    this.#endBatch(extra);
    extra.outputWaiters = wakeAll(extra.outputWaiters);
    extra.drainWaiters = wakeAll(extra.drainWaiters);
    this.giveUpStream();
    const unsent = extra.fragments?.end() ?? [];
    const { written } = extra;
    extra.written = undefined;
    for (const { call } of written ?? []) this.#callWritten(call, error);
    for (const { written: call } of unsent) if (call !== undefined) this.#callWritten(call, error);
    return unsent;
  }

  // Messages in fragments.

  /** The fragment queue, once a message was sent in fragments. */
  get fragments(): FragmentQueue | undefined {
    return this.#extra?.fragments;
  }

  /** The fragment queue, created on first use. */
  ensureFragments(): FragmentQueue {
    return this.#more.fragments ??= new FragmentQueue((next) => this.#owner.sendQueued(next));
  }

  /** A stream was completed or aborted, or a long message was sent. */
  leaveFragments(): void {
    this.fragments?.leave();
    if (!this.isCorked && !this.isClosed) this.settle();
  }

  /** No more messages can be sent: ends the stream that is being sent. */
  giveUpStream(): void {
    this.fragments?.giveUp();
  }

  // Delayed messages.

  /** A message of `sendDelayed` was added. */
  delayedAdded(): void {
    const extra = this.#more;
    const { maxMessages, maxDelay } = this.#rules.delayedWrite;
    if (++extra.delayedMessages >= maxMessages) this.#flushDelayed(extra);
    else if (extra.delayTimer?.target === undefined) {
      extra.delayTimer = timers.start(maxDelay, this, 0);
    }
  }

  /** Starts to delay messages; earlier ones may have been sent with other messages. */
  startDelayed(): void {
    if (!this.delaying && this.#extra !== undefined) this.#endBatch(this.#extra);
    this.startDelay();
  }

  /** The delay has passed. */
  timerFired(): void {
    if (this.delaying) this.#flushDelayed(this.#more);
  }

  #flushDelayed(extra: OutputExtra): void {
    this.#endBatch(extra);
    this.flush();
  }

  #endBatch(extra: OutputExtra): void {
    timers.cancel(extra.delayTimer);
    extra.delayedMessages = 0;
  }

  get #more(): OutputExtra {
    return this.#extra ??= new OutputExtra();
  }

  /** Handles more than `highWaterMark` buffered bytes. Returns whether that is resolved. */
  #isBelowMark(size: number, length: number): boolean {
    const { highWaterMark, maxBufferedAmount } = this.#rules;
    if (!this.congested && size > Math.min(maxBufferedAmount, HELD_SIZE)) {
      // Output that just waits for the end of the tick is not the peer's fault.
      this.write();
      size = this.bufferedAmount;
      if (size <= highWaterMark) return true;
    }
    this.#more.wantsDrain = true;
    this.#isWithinLimit(size, length);
    return false;
  }

  /** Cuts a peer that reads too slowly, but not because of a single message. */
  #isWithinLimit(buffered: number, length: number): boolean {
    const { maxBufferedAmount } = this.#rules;
    const size = buffered - this.uncompressed;
    if (size <= maxBufferedAmount) return true;
    if (length > maxBufferedAmount && size - length <= maxBufferedAmount) {
      this.#more.oversize = Math.max(this.#more.oversize, length);
      return true;
    }
    if (size <= maxBufferedAmount + (this.#extra?.oversize ?? 0)) return true;
    this.#owner.tooSlow(size, "maxBufferedAmount");
    return false;
  }

  /** Something was written, and no handler is running. */
  protected override settle(): void {
    if (this.isCorked || this.isClosed) return;
    const extra = this.#extra;
    if (extra?.written !== undefined) this.#checkWritten(extra);
    if (extra?.wantsDrain) this.#checkDrained(extra);
    this.#owner.flushed();
  }

  protected override get delayedSize(): number {
    return this.#rules.delayedWrite.bufferSize;
  }

  protected override writeFailed(error: unknown): void {
    this.#owner.transportFailed(error);
  }

  #checkDrained(extra: OutputExtra): void {
    if (this.size > this.#rules.highWaterMark) return;
    extra.oversize = 0;
    extra.outputWaiters = wakeAll(extra.outputWaiters);
    // If everything is sent at once, no other event reports the free space.
    while (!this.slow && this.#owner.releaseWaiting());
    if (this.slow) return;
    extra.wantsDrain = false;
    extra.drainWaiters = wakeAll(extra.drainWaiters);
    this.#owner.callDrain();
    // If all output was sent at once, no other event follows. Not in this turn of the event loop:
    // an endless producer would starve everything else.
    if (extra.wantsDrain) setTimeout(() => this.settle());
  }

  #checkWritten(extra: OutputExtra): void {
    const { left } = this;
    const { written } = extra;
    let count = 0;
    while (count < written!.length && written![count].end <= left) count++;
    if (count === 0) return;
    const done = written!.splice(0, count);
    if (written!.length === 0) extra.written = undefined;
    for (const { call } of done) this.#callWritten(call, undefined);
  }

  #callWritten(call: WrittenCallback, error: Error | undefined): void {
    // Rejections of async callbacks are errors of user code.
    callReported(
      () => error === undefined ? call() : call(error),
      (cause) => this.#owner.callbackFailed(cause),
    );
  }
}

function wakeAll(waiters: Array<() => void> | undefined): undefined {
  for (const wake of waiters ?? []) wake();
}
