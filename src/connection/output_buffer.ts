// The memory of a connection's output, and the write itself.
//
// Frames are written directly into the cork, one buffer for the whole process, and are sent in one
// write after the current chunk is processed, or at the end of the tick. A connection has its own
// memory only while its transport accepts no output, or after another connection has taken over the
// cork.

import type { Transport } from "../transport/transport.ts";
import { touchedSize } from "../message/memory_governor.ts";
import type { FrameOutput } from "../wire/frame_writer.ts";
import { LentMemory, ParkedOutput } from "./parked_output.ts";
import { SharedBatch } from "./shared_batch.ts";

/**
 * Output above this size is written before the end of the tick. It is the size of a chunk of
 * 128 KiB with frame headers, so that the echo of a chunk leaves in one write (bench/NOTES.md).
 */
export const CORK_SIZE = 132_096;

/** This limit applies to a connection's own memory, and to frames that connections share. */
export const HELD_SIZE = 65_536;

/** The initial size of a connection's own output memory. */
const HELD_MIN = 512;

/**
 * The maximum size of one buffer, unless a single message is larger: a single buffer would be
 * copied as a whole each time it grows.
 */
const PART_SIZE = 1_048_576;

/** The initial size of the buffers after the first full one. */
const PART_MIN = 65_536;

/** The minimum bytes of shared memory that a slow connection references instead of copying. */
const PARKED_MIN = 512;

/**
 * The state of an output, as bits of one number: separate fields would take 56 more bytes per
 * connection. The higher bits count calls of {@linkcode OutputBuffer.cork}.
 */
const Flag = {
  /** The held buffer is read-only: other connections send the same bytes. */
  Shared: 1,
  /** New frames go to held memory and wait for {@linkcode OutputBuffer.flush}. */
  Delaying: 2,
  /** All held output may remain buffered. */
  Delayed: 4,
  /** The transport accepts no output at the moment. */
  Congested: 8,
  /** A flush at the end of the tick is scheduled. */
  Scheduled: 16,
  /** Nothing more is written. */
  Closed: 32,
  /** The memory lent to the transport contains frames shared with other connections. */
  LendsShared: 64,
} as const;

/** One open call of {@linkcode OutputBuffer.cork}. */
const CORK = 128;

/** State of connections whose peers read slowly. */
class Congestion {
  /** Memory that is counted until the transport accepts output again. */
  lent: LentMemory | undefined;
  /** Output to write before the held buffer while the transport accepts no more. Never empty. */
  parked: ParkedOutput | undefined;
}

let cork = new Uint8Array(CORK_SIZE);
let corkLength = 0;
let corkOwner: OutputBuffer | undefined;

const waiting: OutputBuffer[] = [];

/** The buffer shared by connections that send the same frames. */
const batch = new SharedBatch(HELD_SIZE);

/** Writes at the end of the tick the output sent outside of handlers. */
function flushWaiting(): void {
  // Flushing calls drain handlers, which may send on other connections: the list can grow meanwhile.
  for (let i = 0; i < waiting.length; i++) waiting[i].flushScheduled();
  waiting.length = 0;
}

/** Collects the frames of one connection and writes them. */
export abstract class OutputBuffer implements FrameOutput {
  /**
   * Memory of this connection, in use from a displacement or a rejected write until everything is
   * written.
   */
  #held: Uint8Array | undefined;
  #heldLength = 0;
  /** Bytes passed to the transport. */
  #handedOver = 0;
  /** The `Flag` bits and the cork count. */
  #flags = 0;
  #congestion: Congestion | undefined;

  /** The stream to write to. */
  protected abstract readonly transport: Transport;

  /** The initial size of the memory for delayed output. */
  protected abstract readonly delayedSize: number;

  /** Output was written or may have been sent: notifies waiters. Must not throw. */
  protected abstract settle(): void;

  /** A method of the transport threw, which violates its contract. Must not throw. */
  protected abstract writeFailed(error: unknown): void;

  /** Bytes that have not left the process. */
  get size(): number {
    const corked = corkOwner === this ? corkLength : 0;
    return this.#heldLength + corked + this.transportBuffered + this.#parkedSize();
  }

  /** Bytes that the transport has accepted and not yet sent. */
  get transportBuffered(): number {
    // A transport that accepts output has nothing buffered.
    if ((this.#flags & Flag.Congested) === 0) return 0;
    try {
      return this.transport.bufferedAmount;
    } catch (error) {
      // Do not ask again.
      this.#flags &= ~Flag.Congested;
      this.writeFailed(error);
      return 0;
    }
  }

  /**
   * Bytes of memory held for this connection only: shared frames are counted once for all
   * connections.
   */
  get held(): number {
    const held = this.#held;
    const own = (this.#flags & Flag.Shared) !== 0 || held === undefined
      ? 0
      : touchedSize(held.length, this.#heldLength);
    const waits = (this.#flags & Flag.LendsShared) !== 0 ? 0 : this.transportBuffered;
    const congestion = this.#congestion;
    const lent = congestion?.lent?.own ?? 0;
    const transportBuffered = waits > lent ? waits : lent;
    return own + transportBuffered + (congestion?.parked?.own ?? 0);
  }

  /** Its share of frames shared with other connections, in bytes. */
  get sharedWeight(): number {
    return (this.#congestion?.lent?.sharedWeight ?? 0) +
      (this.#congestion?.parked?.sharedWeight ?? 0);
  }

  /** Counts buffered shared frames: most are sent with the next flush and not counted. */
  countShared(): void {
    const waits = (this.#flags & Flag.Congested) !== 0 && (this.#flags & Flag.Shared) !== 0
      ? this.#held
      : undefined;
    if (waits === undefined && this.#congestion?.lent === undefined) return;
    this.#ensureLent().hold(waits);
  }

  /** Bytes sent since the connection opened. */
  get left(): number {
    return this.#handedOver - this.transportBuffered;
  }

  /** The value of `left` once everything added so far has been sent. */
  protected get end(): number {
    const corked = corkOwner === this ? corkLength : 0;
    return this.#handedOver + this.#parkedSize() + this.#heldLength + corked;
  }

  /** Whether the transport currently accepts no output. */
  get congested(): boolean {
    return (this.#flags & Flag.Congested) !== 0;
  }

  /** Whether there are bytes that may stay buffered. */
  get delaying(): boolean {
    return (this.#flags & Flag.Delayed) !== 0 && this.#heldLength > 0;
  }

  /** Whether nothing is buffered here; the transport may still hold output. */
  get empty(): boolean {
    return this.#heldLength === 0 && corkOwner !== this && this.#congestion?.parked === undefined;
  }

  /** Whether nothing more is written. */
  protected get isClosed(): boolean {
    return (this.#flags & Flag.Closed) !== 0;
  }

  /** Whether writes wait for {@linkcode OutputBuffer.uncork}. */
  protected get isCorked(): boolean {
    return this.#flags >= CORK;
  }

  #ensureLent(): LentMemory {
    return (this.#congestion ??= new Congestion()).lent ??= new LentMemory();
  }

  #ensureParked(): ParkedOutput {
    return (this.#congestion ??= new Congestion()).parked ??= new ParkedOutput();
  }

  #parkedSize(): number {
    return this.#congestion?.parked?.size ?? 0;
  }

  // Memory for frames.

  /** The start of the space of the last {@linkcode OutputBuffer.reserve}. */
  get offset(): number {
    return this.#held === undefined ? corkLength : this.#heldLength;
  }

  /** Makes room for `size` bytes. */
  reserve(size: number): Uint8Array {
    // The owner of the cork has no other memory.
    if (
      corkOwner === this && corkLength + size <= cork.length &&
      (this.#flags & (Flag.Congested | Flag.Delaying)) === 0
    ) return cork;
    return this.#reserveOther(size);
  }

  #reserveOther(size: number): Uint8Array {
    if (
      this.#held === undefined && (this.#flags & (Flag.Congested | Flag.Delaying)) === 0 &&
      size <= CORK_SIZE && this.#congestion?.parked === undefined
    ) {
      if (corkOwner !== this) this.#takeCork();
      if (corkLength + size <= cork.length) return cork;
      this.write();
      if ((this.#flags & Flag.Congested) === 0) {
        this.#takeCork();
        if (size > cork.length) cork = new Uint8Array(CORK_SIZE);
        return cork;
      }
    }
    return this.#reserveHeld(size);
  }

  /** Commits `size` bytes of the reserved space, and schedules their write. */
  commit(size: number): void {
    if (this.#held === undefined) corkLength += size;
    else {
      this.#heldLength += size;
      if (this.#heldLength >= HELD_SIZE) this.write();
    }
    const flags = this.#flags;
    // Inside a handler of the connection that is all.
    if (flags >= CORK && (flags & (Flag.Delaying | Flag.Delayed)) === 0) return;
    if ((flags & Flag.Delaying) !== 0) return;
    this.#flags &= ~Flag.Delayed;
    if (!this.isCorked && (this.#flags & Flag.Scheduled) === 0) this.#schedule();
  }

  /** Adds immutable bytes that need no encoding. */
  share(bytes: Uint8Array): void {
    if ((this.#flags & Flag.Shared) !== 0 && this.#heldLength + bytes.length > HELD_SIZE) {
      this.write();
    }
    const held = this.#held;
    if ((this.#flags & Flag.Congested) !== 0 && bytes.length >= PARKED_MIN) {
      this.#parkHeld();
      this.#ensureParked().add(bytes, bytes.length, false);
    } else if (
      (this.#flags & Flag.Shared) !== 0 && held !== undefined &&
      batch.add(held, this.#heldLength, bytes)
    ) {
      this.#held = batch.bytes;
      this.#heldLength = batch.length;
    } else if (this.#heldLength === 0 && corkOwner !== this) {
      this.#held = bytes;
      this.#heldLength = bytes.length;
      this.#flags |= Flag.Shared;
    } else {
      this.append(bytes);
      return;
    }
    this.#flags &= ~Flag.Delayed;
    if (!this.isCorked && (this.#flags & Flag.Scheduled) === 0) this.#schedule();
  }

  /** Adds raw bytes. */
  append(bytes: Uint8Array): void {
    this.reserve(bytes.length).set(bytes, this.offset);
    this.commit(bytes.length);
  }

  /**
   * Delays output added before {@linkcode OutputBuffer.endDelay} until other output is added, until
   * a flush, or until it fills the cork.
   */
  startDelay(): void {
    if (this.empty) this.#flags |= Flag.Delayed;
    this.#flags |= Flag.Delaying;
  }

  /** Ends {@linkcode OutputBuffer.startDelay}. */
  endDelay(): void {
    this.#flags &= ~Flag.Delaying;
  }

  // When output is written.

  /** Writes nothing before {@linkcode OutputBuffer.ready}: an earlier write is still pending. */
  wait(): void {
    this.#flags |= Flag.Congested;
  }

  /** The transport accepts output again; {@linkcode OutputBuffer.flush} must follow. */
  ready(): void {
    this.#flags &= ~Flag.Congested;
    this.#release();
  }

  #release(): void {
    const congestion = this.#congestion;
    if (congestion?.lent === undefined) return;
    congestion.lent.release();
    congestion.lent = undefined;
  }

  /** Delays writes until {@linkcode OutputBuffer.uncork}. Calls nest. */
  cork(): void {
    this.#flags += CORK;
  }

  /**
   * Undoes one {@linkcode OutputBuffer.cork}; the last call writes the collected output.
   *
   * @param settles Whether to notify waiters of the write; `false` if the caller does.
   */
  uncork(settles = true): void {
    this.#flags -= CORK;
    if (this.isCorked) return;
    if ((this.#flags & Flag.Delayed) === 0) this.write();
    if (settles) this.settle();
  }

  /**
   * Writes all output, including delayed output: now, or with the last {@linkcode
   * OutputBuffer.uncork}.
   */
  flush(): void {
    this.#flags &= ~Flag.Delayed;
    if (this.isCorked) return;
    this.write();
    this.settle();
  }

  /** Writes buffered output immediately, even inside a {@linkcode OutputBuffer.cork}. */
  flushNow(): void {
    this.#flags &= ~Flag.Delayed;
    this.write();
    this.settle();
  }

  /** The flush at the end of the tick. */
  flushScheduled(): void {
    this.#flags &= ~Flag.Scheduled;
    if (this.isCorked || (this.#flags & Flag.Closed) !== 0) return;
    this.write();
    this.settle();
  }

  /** Discards buffered output; the stream has ended. */
  close(): void {
    this.#flags |= Flag.Closed;
    this.#held = undefined;
    this.#heldLength = 0;
    this.#release();
    this.#congestion?.parked?.clear();
    this.#congestion = undefined;
    if (corkOwner === this) {
      corkOwner = undefined;
      corkLength = 0;
    }
  }

  /** Nothing more may be written. */
  protected stop(): void {
    this.#flags |= Flag.Closed;
  }

  /** Schedules a flush at the end of the tick. */
  protected needFlush(): void {
    if ((this.#flags & Flag.Scheduled) === 0) this.#schedule();
  }

  #schedule(): void {
    this.#flags |= Flag.Scheduled;
    if (waiting.push(this) === 1) queueMicrotask(flushWaiting);
  }

  #takeCork(): void {
    if (corkOwner !== undefined) corkOwner.#releaseCork();
    corkOwner = this;
    corkLength = 0;
  }

  /**
   * Another connection writes before the flush: moves pending output to a buffer of this
   * connection.
   */
  #releaseCork(): void {
    if (corkLength === 0) return;
    this.#held = cork.slice(0, corkLength);
    this.#heldLength = corkLength;
  }

  #reserveHeld(size: number): Uint8Array {
    // The cork has bytes here only when a large message follows small ones in one tick.
    if (corkOwner === this) {
      this.#releaseCork();
      corkOwner = undefined;
    }
    const isFull = (this.#flags & Flag.Shared) !== 0
      ? this.#heldLength >= PARKED_MIN
      : this.#heldLength > 0 && this.#heldLength + size > PART_SIZE;
    if ((this.#flags & Flag.Congested) !== 0 && isFull) this.#parkHeld();
    const needed = this.#heldLength + size;
    const old = this.#held;
    if (old !== undefined && old.length >= needed && (this.#flags & Flag.Shared) === 0) return old;
    this.#flags &= ~Flag.Shared;
    const smallest = this.#congestion?.parked === undefined ? HELD_MIN : PART_MIN;
    const first = (this.#flags & Flag.Delaying) !== 0 ? this.delayedSize : smallest;
    const doubled = Math.max(needed, Math.min(needed * 2, PART_SIZE));
    const grown = new Uint8Array(old === undefined ? Math.max(size, first) : doubled);
    if (old !== undefined) grown.set(old.subarray(0, this.#heldLength));
    this.#held = grown;
    return grown;
  }

  /** Parks the held buffer behind earlier ones; later output gets a new buffer. */
  #parkHeld(): void {
    if (corkOwner === this) {
      this.#releaseCork();
      corkOwner = undefined;
    }
    if (this.#held !== undefined && this.#heldLength > 0) {
      this.#ensureParked().add(
        this.#held,
        this.#heldLength,
        (this.#flags & Flag.Shared) === 0,
      );
    }
    this.#held = undefined;
    this.#heldLength = 0;
    this.#flags &= ~Flag.Shared;
  }

  /** Writes parked output while the transport accepts it, joining small parts. */
  #writeParked(parked: ParkedOutput): void {
    while (parked.size > 0 && (this.#flags & (Flag.Congested | Flag.Closed)) === 0) {
      if (parked.canJoin(HELD_SIZE)) {
        this.#takeCork();
        corkOwner = undefined;
        this.#flags &= ~Flag.LendsShared;
        this.#transfer(cork, parked.join(cork, HELD_SIZE), true);
      } else {
        const { bytes, length, isOwn } = parked.take();
        if (isOwn) this.#flags &= ~Flag.LendsShared;
        else this.#flags |= Flag.LendsShared;
        this.#transfer(bytes, length, false);
      }
    }
    // If the transport threw, the output is closed.
    if (parked.size === 0 && this.#congestion !== undefined) this.#congestion.parked = undefined;
  }

  /** Writes buffered output as far as the transport accepts it. */
  protected write(): void {
    if ((this.#flags & (Flag.Congested | Flag.Closed)) !== 0) return;
    const parked = this.#congestion?.parked;
    if (parked !== undefined) {
      this.#writeParked(parked);
      if ((this.#flags & (Flag.Congested | Flag.Closed)) !== 0) return;
    }
    let bytes = this.#held;
    let length = this.#heldLength;
    const fromCork = corkOwner === this;
    if (fromCork) {
      this.#flags &= ~Flag.LendsShared;
      bytes = cork;
      length = corkLength;
      corkOwner = undefined;
      corkLength = 0;
    } else {
      if (bytes === undefined) return;
      this.#held = undefined;
      this.#heldLength = 0;
      if ((this.#flags & Flag.Shared) !== 0) this.#flags |= Flag.LendsShared;
      else this.#flags &= ~Flag.LendsShared;
      this.#flags &= ~(Flag.Shared | Flag.Delayed);
    }
    if (length > 0) this.#transfer(bytes!, length, fromCork);
  }

  /** Passes bytes to the transport. */
  #transfer(bytes: Uint8Array, length: number, fromCork: boolean): void {
    this.#handedOver += length;
    try {
      if (!fromCork) {
        if (!this.transport.write(bytes, length)) {
          this.#flags |= Flag.Congested;
          this.#lend(bytes, length);
        }
      } else if (this.transport.writesLater === true) {
        if (!this.transport.write(cork.slice(0, length), length)) {
          this.#flags |= Flag.Congested;
          if (length > HELD_SIZE) this.#lend(cork, length);
        }
      } else if (!this.transport.write(cork, length)) {
        this.#flags |= Flag.Congested;
        if (length > HELD_SIZE) this.#lend(cork, length);
        // The transport still needs the memory, so the next writer gets its unused rest, or other
        // memory: otherwise thousands of stalled peers would keep a whole cork each.
        const used = (length + 7) & ~7;
        const rest = cork.length - used;
        cork = rest >= HELD_SIZE ? cork.subarray(used) : new Uint8Array(CORK_SIZE);
      }
    } catch (error) {
      this.writeFailed(error);
    }
  }

  /** The transport needs the memory until it accepts output again. */
  #lend(bytes: Uint8Array, length: number): void {
    // The connection may have ended meanwhile.
    if ((this.#flags & Flag.Closed) !== 0) return;
    const lent = this.#ensureLent();
    if ((this.#flags & Flag.LendsShared) !== 0) lent.lend(bytes);
    else lent.own = touchedSize(bytes.length, length);
  }
}
