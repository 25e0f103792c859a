// The output of one connection: what waits to be written, the write itself, and flow control.
//
// Frames are written straight into the cork, one buffer for the whole process, and leave in one write
// when the chunk that caused them is dealt with, or at the end of the tick. A connection needs memory
// of its own only while its transport takes no more, or when another one takes the cork over.

import type { Transport } from "../transport/transport.ts";
import type { FrameOutput } from "../wire/frame_writer.ts";
import { callReported } from "../shared/log_error.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";
import type { WrittenCallback } from "./connection_driver.ts";
import { FragmentQueue, type QueuedMessage } from "./fragments.ts";
import { SharedBatch } from "./shared_batch.ts";

/** Bytes that gather before they are written without waiting for the tick's end. */
export const CORK_SIZE = 65536;

/** The first size of a connection's own output memory. */
const HELD_MIN = 512;

/** The least bytes of shared memory that a slow connection refers to instead of copying them. */
const PARKED_MIN = 512;

let cork = new Uint8Array(CORK_SIZE);
let corkLength = 0;
let corkOwner: Output | undefined;

const waiting: Output[] = [];

/** The buffer shared by connections that send the same frames. */
const batch = new SharedBatch(CORK_SIZE);

/** Writes, at the end of the tick, what connections sent outside of their handlers. */
function flushWaiting(): void {
  // Flushing calls drain handlers, which may send on other connections: the list can grow meanwhile.
  for (let i = 0; i < waiting.length; i++) waiting[i].flushScheduled();
  waiting.length = 0;
}

/** How much may wait on one connection. */
export interface OutputRules {
  /** Bytes above which senders are asked to wait. */
  readonly highWaterMark: number;
  /** Bytes above which the peer is cut. */
  readonly maxBufferedAmount: number;
  /** When messages of `sendDelayed` leave. */
  readonly delayedWrite: {
    readonly maxMessages: number;
    readonly maxDelay: number;
    readonly bufferSize: number;
  };
}

/** The port of an {@linkcode Output} to its connection. None of these may throw. */
export interface OutputOwner {
  /** Output was written: see whether all of it has left. */
  flushed(): void;
  /** At most `highWaterMark` is buffered again, after a send returned `false`. */
  callDrain(): void;
  /** There is room for what waits elsewhere. Returns whether any of that was sent. */
  releaseWaiting(): boolean;
  /** More bytes wait than a peer may let wait. */
  tooSlow(size: number, limit: "highWaterMark" | "maxBufferedAmount"): void;
  /** The transport threw where it must not. */
  transportFailed(error: unknown): void;
  /** A callback of the user has thrown. */
  callbackFailed(error: unknown): void;
  /** Sends a message that waited for the end of a fragmented one. */
  sendQueued(message: QueuedMessage): void;
}

/** Memory that waits to be written. */
interface Parked {
  readonly bytes: Uint8Array;
  readonly length: number;
  /** Whether it is memory of this connection alone. */
  readonly isOwn: boolean;
}

/** Rarely used state. */
class OutputExtra {
  /**
   * Output to write before the held buffer, while the transport accepts no more: frames shared with
   * other connections, and buffers that were held before them.
   */
  parked: Parked[] = [];
  /** The index of the first that is not written. */
  parkedFirst = 0;
  parkedSize = 0;
  /** The bytes of it that are in memory of this connection alone. */
  parkedOwn = 0;
  /** The order of messages, once one was sent in fragments. */
  fragments: FragmentQueue | undefined;
  /** Called if the connection ends while a stream is being sent. */
  streamEnded: (() => void) | undefined;
  drainWaiters: Array<() => void> | undefined;
  /** Waiters for the output alone, not for messages in the fragment queue. */
  outputWaiters: Array<() => void> | undefined;
  /** Callbacks of `written`, in the order of the bytes that they wait for. */
  written: Array<{ readonly end: number; readonly call: WrittenCallback }> | undefined;
  /** The size of a message that alone is over `maxBufferedAmount`, until it has left. */
  oversize = 0;
  delayTimer: Timer | undefined;
  delayedMessages = 0;
}

/** The output of one connection. */
export class Output implements FrameOutput, TimerTarget {
  readonly #transport: Transport;
  readonly #owner: OutputOwner;
  readonly #rules: OutputRules;
  /** Memory of our own, in use from a displacement or a refused write until all of it is written. */
  #held: Uint8Array | undefined;
  #heldLength = 0;
  /** Bytes that the transport was given. */
  #handedOver = 0;
  /** Whether the held buffer is read-only, because other connections send the same bytes. */
  #shared = false;
  /** Whether new frames go to held memory and wait for {@linkcode Output.flush}. */
  #delaying = false;
  /** Whether all that is held may go on waiting. */
  #delayed = false;
  #congested = false;
  #corks = 0;
  #scheduled = false;
  #closed = false;
  #wantsDrain = false;
  /** Whether the memory that the transport still needs is that of frames that others send as well. */
  #lendsShared = false;
  #extra: OutputExtra | undefined;

  /**
   * @param transport Where the bytes go.
   * @param owner The connection.
   * @param rules How much may wait.
   */
  constructor(transport: Transport, owner: OutputOwner, rules: OutputRules) {
    this.#transport = transport;
    this.#owner = owner;
    this.#rules = rules;
  }

  /** Bytes that have not left the process, without messages in the fragment queue. */
  get size(): number {
    const corked = corkOwner === this ? corkLength : 0;
    // A transport that takes more has nothing left: it need not be asked.
    const below = this.#congested ? this.#transport.bufferedAmount : 0;
    return this.#heldLength + corked + below + this.#parkedSize;
  }

  /** Bytes that have not left the process. */
  get bufferedAmount(): number {
    const extra = this.#extra;
    return extra?.fragments === undefined ? this.size : this.size + extra.fragments.size;
  }

  /**
   * Bytes of memory that it holds for this connection alone: frames that others send as well are those of
   * all of them.
   */
  get held(): number {
    const own = this.#shared ? 0 : this.#heldLength;
    const below = this.#congested && !this.#lendsShared ? this.#transport.bufferedAmount : 0;
    const extra = this.#extra;
    if (extra === undefined) return own + below;
    return own + below + extra.parkedOwn + (extra.fragments?.size ?? 0);
  }

  /** Bytes that have left the process since the connection opened. */
  get left(): number {
    return this.#handedOver - (this.#congested ? this.#transport.bufferedAmount : 0);
  }

  /** Whether more than `highWaterMark` is buffered. */
  get slow(): boolean {
    return this.bufferedAmount > this.#rules.highWaterMark;
  }

  /** Whether the transport takes nothing at the moment. */
  get congested(): boolean {
    return this.#congested;
  }

  /** Whether bytes wait that may go on waiting. */
  get delaying(): boolean {
    return this.#delayed && this.#heldLength > 0;
  }

  /** Whether nothing waits here; what the transport took may still wait there. */
  get empty(): boolean {
    return this.#heldLength === 0 && corkOwner !== this && this.#parkedSize === 0;
  }

  get #parkedSize(): number {
    return this.#extra === undefined ? 0 : this.#extra.parkedSize;
  }

  // Memory for frames.

  /** Where the room of the last {@linkcode Output.reserve} begins. */
  get offset(): number {
    return this.#held === undefined ? corkLength : this.#heldLength;
  }

  /** Makes room for `size` bytes. */
  reserve(size: number): Uint8Array {
    if (
      this.#held === undefined && !this.#congested && !this.#delaying && size <= CORK_SIZE &&
      this.#parkedSize === 0
    ) {
      if (corkOwner !== this) this.#takeCork();
      if (corkLength + size <= CORK_SIZE) return cork;
      this.#write();
      if (!this.#congested) {
        this.#takeCork();
        return cork;
      }
    }
    return this.#reserveHeld(size);
  }

  /** Says that `size` bytes of the room are written, and sees to it that they leave in time. */
  commit(size: number): void {
    if (this.#held === undefined) corkLength += size;
    else {
      this.#heldLength += size;
      if (this.#heldLength >= CORK_SIZE) this.#write();
    }
    if (this.#delaying) return;
    this.#delayed = false;
    if (this.#corks === 0 && !this.#scheduled) this.#schedule();
  }

  /** Adds immutable bytes that need no encoding. */
  share(bytes: Uint8Array): void {
    if (this.#shared && this.#heldLength + bytes.length > CORK_SIZE) this.#write();
    const held = this.#held;
    if (this.#congested && bytes.length >= PARKED_MIN) {
      this.#parkHeld();
      this.#park(bytes, bytes.length, false);
    } else if (this.#shared && held !== undefined && batch.add(held, this.#heldLength, bytes)) {
      this.#held = batch.bytes;
      this.#heldLength = batch.length;
    } else if (this.#heldLength === 0 && corkOwner !== this) {
      this.#held = bytes;
      this.#heldLength = bytes.length;
      this.#shared = true;
    } else {
      this.append(bytes);
      return;
    }
    this.#delayed = false;
    if (this.#corks === 0 && !this.#scheduled) this.#schedule();
  }

  /**
   * Output added from here to {@linkcode Output.endDelay} waits until other output is added, until a
   * flush, or until it fills a whole cork.
   */
  startDelay(): void {
    this.#delayed ||= this.empty;
    this.#delaying = true;
  }

  /** Ends {@linkcode Output.startDelay}. */
  endDelay(): void {
    this.#delaying = false;
  }

  /** Adds bytes that are ready as they are. */
  append(bytes: Uint8Array): void {
    this.reserve(bytes.length).set(bytes, this.offset);
    this.commit(bytes.length);
  }

  /** Writes nothing before {@linkcode Output.ready}: an earlier write is still pending. */
  wait(): void {
    this.#congested = true;
  }

  /** From here on writes wait for {@linkcode Output.uncork}. Calls nest. */
  cork(): void {
    this.#corks++;
  }

  /**
   * Undoes one {@linkcode Output.cork}; the last one writes what has gathered.
   *
   * @param settles Whether to see who waits for that. Not where this is done already.
   */
  uncork(settles = true): void {
    if (--this.#corks > 0) return;
    if (!this.#delayed) this.#write();
    if (settles) this.#settle();
  }

  /** The transport takes output again; {@linkcode Output.flush} is to follow. */
  ready(): void {
    this.#congested = false;
  }

  /** Writes what waits, even what may go on waiting: now, or with the last {@linkcode Output.uncork}. */
  flush(): void {
    this.#delayed = false;
    if (this.#corks > 0) return;
    this.#write();
    this.#settle();
  }

  /** Writes what waits now, also inside of a {@linkcode Output.cork}. */
  flushNow(): void {
    this.#delayed = false;
    this.#write();
    this.#settle();
  }

  /** The flush at the end of the tick. */
  flushScheduled(): void {
    this.#scheduled = false;
    if (this.#corks > 0 || this.#closed) return;
    this.#write();
    this.#settle();
  }

  /** Forgets what waits; the stream has ended. */
  close(): void {
    this.#closed = true;
    this.#held = undefined;
    this.#heldLength = 0;
    if (this.#extra !== undefined) {
      this.#extra.parked = [];
      this.#extra.parkedFirst = 0;
      this.#extra.parkedSize = 0;
      this.#extra.parkedOwn = 0;
    }
    if (corkOwner === this) {
      corkOwner = undefined;
      corkLength = 0;
    }
  }

  // Flow control.

  /**
   * A message was added.
   *
   * @param length Its bytes, about.
   * @returns Whether more may be sent at once.
   */
  accepted(length: number): boolean {
    const size = this.bufferedAmount;
    return size <= this.#rules.highWaterMark || this.#isBelowMark(size, length);
  }

  /** Calls back when all that was added up to here has left the process. */
  whenWritten(call: WrittenCallback): void {
    const corked = corkOwner === this ? corkLength : 0;
    const end = this.#handedOver + this.#parkedSize + this.#heldLength + corked;
    (this.#more.written ??= []).push({ end, call });
    // All of it may have left already, and then nothing else would tell.
    if (!this.#scheduled) this.#schedule();
  }

  /** Resolves when at most `highWaterMark` is buffered, or the connection has ended. */
  drainedPromise(): Promise<void> {
    if (this.#closed || !this.slow) return Promise.resolve();
    this.#wantsDrain = true;
    return new Promise((resolve) => (this.#more.drainWaiters ??= []).push(resolve));
  }

  /** The same, without messages in the fragment queue. */
  outputDrained(): Promise<void> {
    if (this.#closed || this.size <= this.#rules.highWaterMark) return Promise.resolve();
    this.#wantsDrain = true;
    return new Promise((resolve) => (this.#more.outputWaiters ??= []).push(resolve));
  }

  /**
   * Asks for a call of {@linkcode OutputOwner.releaseWaiting} when there is room.
   *
   * @param bytes Bytes that wait elsewhere.
   * @param newest The bytes of the message that was added there last.
   * @returns Whether the connection was not cut for it.
   */
  awaitDrain(bytes: number, newest: number): boolean {
    this.#wantsDrain = true;
    return this.#isWithinLimit(this.bufferedAmount + bytes, newest);
  }

  /** The peer reads too slowly. */
  cutSlow(): void {
    this.#owner.tooSlow(this.bufferedAmount, "highWaterMark");
  }

  /**
   * The connection has ended: nothing waits any longer.
   *
   * @param error Why messages that were not written could not be.
   * @returns The messages of the fragment queue that were not sent.
   */
  end(error: Error): QueuedMessage[] {
    this.#wantsDrain = false;
    this.#closed = true;
    const extra = this.#extra;
    if (extra === undefined) return [];
    this.#endBatch(extra);
    this.#wake(extra);
    this.giveUpStream();
    const unsent = extra.fragments?.end() ?? [];
    const { written } = extra;
    extra.written = undefined;
    for (const { call } of written ?? []) this.#callWritten(call, error);
    for (const { written: call } of unsent) if (call !== undefined) this.#callWritten(call, error);
    return unsent;
  }

  // Messages in fragments.

  /** The order of messages, once one was sent in fragments. */
  get fragments(): FragmentQueue | undefined {
    return this.#extra?.fragments;
  }

  /** The same, made when it is first needed. */
  needFragments(): FragmentQueue {
    return this.#more.fragments ??= new FragmentQueue((next) => this.#owner.sendQueued(next));
  }

  /** A stream sends its fragments from here on; `ended` is called if the connection ends before it does. */
  async startFragments(ended: () => void): Promise<void> {
    await this.needFragments().enter();
    if (this.#closed) ended();
    this.#more.streamEnded = ended;
  }

  /** The stream is complete or given up. */
  leaveFragments(): void {
    this.#more.streamEnded = undefined;
    this.fragments?.leave();
    if (this.#corks === 0 && !this.#closed) this.#settle();
  }

  /** No message can be sent any more: ends the stream that is being sent. */
  giveUpStream(): void {
    const extra = this.#extra;
    const streamEnded = extra?.streamEnded;
    if (extra === undefined || streamEnded === undefined) return;
    extra.streamEnded = undefined;
    streamEnded();
  }

  // Messages that may wait for others.

  /** A message of `sendDelayed` was added. */
  delayedAdded(): void {
    const extra = this.#more;
    const { maxMessages, maxDelay } = this.#rules.delayedWrite;
    if (++extra.delayedMessages >= maxMessages) this.#flushDelayed(extra);
    else if (extra.delayTimer?.target === undefined) {
      extra.delayTimer = timers.start(maxDelay, this, 0);
    }
  }

  /** Starts to add messages of `sendDelayed`; those before may have left with other messages. */
  startDelayed(): void {
    if (!this.delaying && this.#extra !== undefined) this.#endBatch(this.#extra);
    this.startDelay();
  }

  /** The time of delayed messages is over. */
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

  /** More than `highWaterMark` is buffered. Returns whether it no longer is. */
  #isBelowMark(size: number, length: number): boolean {
    const { highWaterMark, maxBufferedAmount } = this.#rules;
    if (size > maxBufferedAmount) {
      // The peer had no chance to read output that waits only for the end of the tick.
      this.#write();
      size = this.bufferedAmount;
      if (size <= highWaterMark) return true;
    }
    this.#wantsDrain = true;
    this.#isWithinLimit(size, length);
    return false;
  }

  /** Cuts a peer that reads too slowly; one message alone is never the reason. */
  #isWithinLimit(size: number, length: number): boolean {
    const { maxBufferedAmount } = this.#rules;
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
  #settle(): void {
    if (this.#corks > 0 || this.#closed) return;
    const extra = this.#extra;
    if (extra?.written !== undefined) this.#checkWritten(extra);
    if (this.#wantsDrain) this.#checkDrained();
    this.#owner.flushed();
  }

  #checkDrained(): void {
    if (this.size > this.#rules.highWaterMark) return;
    const extra = this.#extra;
    if (extra !== undefined) {
      extra.oversize = 0;
      extra.outputWaiters = wakeAll(extra.outputWaiters);
    }
    // As long as all of it leaves at once, nothing else would tell that there is room for more.
    while (!this.slow && this.#owner.releaseWaiting());
    if (this.slow) return;
    this.#wantsDrain = false;
    if (extra !== undefined) extra.drainWaiters = wakeAll(extra.drainWaiters);
    this.#owner.callDrain();
    // The handler may have sent, and all of it may have left at once; nothing else would tell. Not in
    // this turn of the event loop: a producer without an end would leave none for anybody else.
    if (this.#wantsDrain) setTimeout(() => this.#settle());
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
    // An async function is a callback as well, and its rejection an error of user code.
    callReported(
      () => error === undefined ? call() : call(error),
      (cause) => this.#owner.callbackFailed(cause),
    );
  }

  #wake(extra: OutputExtra): void {
    extra.outputWaiters = wakeAll(extra.outputWaiters);
    extra.drainWaiters = wakeAll(extra.drainWaiters);
  }

  #takeCork(): void {
    if (corkOwner !== undefined) corkOwner.#giveUpCork();
    corkOwner = this;
    corkLength = 0;
  }

  /** Another connection writes before the flush: pending output moves to a buffer of this connection. */
  #giveUpCork(): void {
    if (corkLength === 0) return;
    this.#held = cork.slice(0, corkLength);
    this.#heldLength = corkLength;
  }

  #reserveHeld(size: number): Uint8Array {
    // Taken with bytes in the cork only when a large message follows small ones in one tick.
    if (corkOwner === this) {
      this.#giveUpCork();
      corkOwner = undefined;
    }
    if (this.#congested && this.#shared && this.#heldLength >= PARKED_MIN) this.#parkHeld();
    const needed = this.#heldLength + size;
    const old = this.#held;
    if (old !== undefined && old.length >= needed && !this.#shared) return old;
    this.#shared = false;
    const first = this.#delaying ? this.#rules.delayedWrite.bufferSize : HELD_MIN;
    const grown = new Uint8Array(old === undefined ? Math.max(size, first) : needed * 2);
    if (old !== undefined) grown.set(old.subarray(0, this.#heldLength));
    this.#held = grown;
    return grown;
  }

  /** Parks the held buffer behind those parked before; later output gets a new one. */
  #parkHeld(): void {
    if (corkOwner === this) {
      this.#giveUpCork();
      corkOwner = undefined;
    }
    if (this.#held !== undefined && this.#heldLength > 0) {
      this.#park(this.#held, this.#heldLength, !this.#shared);
    }
    this.#held = undefined;
    this.#heldLength = 0;
    this.#shared = false;
  }

  #park(bytes: Uint8Array, length: number, isOwn: boolean): void {
    const extra = this.#more;
    extra.parked.push({ bytes, length, isOwn });
    extra.parkedSize += length;
    if (isOwn) extra.parkedOwn += length;
  }

  /** Writes what is parked, small parts together, for as long as the transport takes it. */
  #writeParked(extra: OutputExtra): void {
    const { parked } = extra;
    while (extra.parkedSize > 0 && !this.#congested && !this.#closed) {
      const { bytes, length, isOwn } = parked[extra.parkedFirst++];
      if (isOwn) extra.parkedOwn -= length;
      let total = length;
      const next = parked[extra.parkedFirst];
      const isAlone = next === undefined || length + next.length > CORK_SIZE;
      if (!isAlone) {
        this.#takeCork();
        corkOwner = undefined;
        cork.set(bytes.subarray(0, length));
        for (let i = extra.parkedFirst; i < parked.length; i++) {
          const { bytes, length, isOwn } = parked[i];
          if (total + length > CORK_SIZE) break;
          cork.set(bytes.subarray(0, length), total);
          total += length;
          if (isOwn) extra.parkedOwn -= length;
          extra.parkedFirst++;
        }
      }
      extra.parkedSize -= total;
      this.#lendsShared = isAlone && !isOwn;
      this.#transfer(isAlone ? bytes : cork, total, !isAlone);
    }
    // The array is cut rarely, so that the cost of a part does not depend on their number.
    if (this.#closed || extra.parkedFirst * 2 < parked.length) return;
    extra.parked = parked.slice(extra.parkedFirst);
    extra.parkedFirst = 0;
  }

  #schedule(): void {
    this.#scheduled = true;
    if (waiting.push(this) === 1) queueMicrotask(flushWaiting);
  }

  #write(): void {
    if (this.#congested || this.#closed) return;
    if (this.#extra !== undefined && this.#extra.parkedSize > 0) {
      this.#writeParked(this.#extra);
      if (this.#congested || this.#closed) return;
    }
    let bytes = this.#held;
    let length = this.#heldLength;
    const fromCork = corkOwner === this;
    if (fromCork) {
      this.#lendsShared = false;
      bytes = cork;
      length = corkLength;
      corkOwner = undefined;
      corkLength = 0;
    } else {
      if (bytes === undefined) return;
      this.#held = undefined;
      this.#heldLength = 0;
      this.#lendsShared = this.#shared;
      this.#shared = false;
      this.#delayed = false;
    }
    if (length > 0) this.#transfer(bytes!, length, fromCork);
  }

  /** Gives bytes to the transport. */
  #transfer(bytes: Uint8Array, length: number, fromCork: boolean): void {
    this.#handedOver += length;
    try {
      if (!fromCork) {
        this.#congested = !this.#transport.write(bytes, length);
      } else if (this.#transport.writesLater === true) {
        this.#congested = !this.#transport.write(cork.slice(0, length), length);
      } else if (!this.#transport.write(cork, length)) {
        this.#congested = true;
        // The transport needs the memory on, so the next writer gets other memory.
        cork = new Uint8Array(CORK_SIZE);
      }
    } catch (error) {
      this.#owner.transportFailed(error);
    }
  }
}

function wakeAll(waiters: Array<() => void> | undefined): undefined {
  for (const wake of waiters ?? []) wake();
}
