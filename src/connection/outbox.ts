// What waits to be written on one connection, and the write itself.
//
// Frames are written straight into the cork, one buffer for the whole process, and leave in one write
// when the chunk that caused them is dealt with, or at the end of the tick. A connection needs memory
// of its own only while its transport takes no more, or when another one takes the cork over.

import type { Transport } from "../transport/transport.ts";
import type { FrameOutput } from "../wire/frame_writer.ts";
import { SharedBatch } from "./shared_batch.ts";

/** Bytes that gather before they are written without waiting for the tick's end. */
export const CORK_SIZE = 65536;

/** The first size of a connection's own output memory. */
const HELD_MIN = 512;

let cork = new Uint8Array(CORK_SIZE);
let corkLength = 0;
let corkOwner: Outbox | undefined;

const waiting: Outbox[] = [];

/** What connections hold that send the same frames. */
const batch = new SharedBatch(CORK_SIZE);

/** Writes, at the end of the tick, what connections sent outside of their handlers. */
function flushWaiting(): void {
  // Flushing calls drain handlers, which may send on other connections: the list can grow meanwhile.
  try {
    for (let i = 0; i < waiting.length; i++) waiting[i].flushScheduled();
  } finally {
    waiting.length = 0;
  }
}

/** Who hears of an {@linkcode Outbox}'s writes. */
export interface OutboxOwner {
  /** A write was made outside of {@linkcode Outbox.uncork}: see how much still waits. */
  flushed(): void;
}

/** The output of one connection. */
export class Outbox implements FrameOutput {
  readonly #transport: Transport;
  readonly #owner: OutboxOwner;
  /** Memory of our own, in use from a displacement or a refused write until all of it is written. */
  #held: Uint8Array | undefined;
  #heldLength = 0;
  /** Whether the memory held is not ours to write to, because others send the same bytes. */
  #shared = false;
  /** Whether new frames go to held memory and wait for {@linkcode Outbox.flush}. */
  #delaying = false;
  /** The first size of held memory. */
  #firstSize = HELD_MIN;
  /** Whether all that is held may go on waiting. */
  #delayed = false;
  #congested = false;
  #corks = 0;
  #scheduled = false;
  #closed = false;

  /**
   * @param transport Where the bytes go.
   * @param owner Who hears of writes.
   */
  constructor(transport: Transport, owner: OutboxOwner) {
    this.#transport = transport;
    this.#owner = owner;
  }

  /** Bytes that have not left the process. */
  get size(): number {
    const corked = corkOwner === this ? corkLength : 0;
    // A transport that takes more has nothing left: it need not be asked.
    const below = this.#congested ? this.#transport.bufferedAmount : 0;
    return this.#heldLength + corked + below;
  }

  /** Whether the transport takes nothing at the moment. */
  get congested(): boolean {
    return this.#congested;
  }

  /** Whether writes wait for {@linkcode Outbox.uncork}. */
  get corked(): boolean {
    return this.#corks > 0;
  }

  /** Whether bytes wait that may go on waiting. */
  get delaying(): boolean {
    return this.#delayed && this.#heldLength > 0;
  }

  /** Whether nothing waits here; what the transport took may still wait there. */
  get empty(): boolean {
    return this.#heldLength === 0 && corkOwner !== this;
  }

  /** Where the room of the last {@linkcode Outbox.reserve} begins. */
  get offset(): number {
    return this.#held === undefined ? corkLength : this.#heldLength;
  }

  /** Makes room for `size` bytes. */
  reserve(size: number): Uint8Array {
    if (this.#held === undefined && !this.#congested && !this.#delaying && size <= CORK_SIZE) {
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

  /** Adds bytes that are ready as they are, and that nobody will ever change. */
  share(bytes: Uint8Array): void {
    if (this.#shared && this.#heldLength + bytes.length > CORK_SIZE) this.#write();
    const held = this.#held;
    if (this.#shared && held !== undefined && batch.add(held, this.#heldLength, bytes)) {
      this.#held = batch.bytes;
      this.#heldLength = batch.length;
    } else if (this.empty) {
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
   * What is added from here to {@linkcode Outbox.endDelay} waits until more is added in another way,
   * or for a flush, or until a whole cork's size of it waits.
   *
   * @param firstSize Bytes that the memory for it has at first.
   */
  startDelay(firstSize: number): void {
    this.#delayed ||= this.empty;
    this.#delaying = true;
    this.#firstSize = firstSize;
  }

  /** Ends {@linkcode Outbox.startDelay}. */
  endDelay(): void {
    this.#delaying = false;
    this.#firstSize = HELD_MIN;
  }

  /** Adds bytes that are ready as they are. */
  append(bytes: Uint8Array): void {
    this.reserve(bytes.length).set(bytes, this.offset);
    this.commit(bytes.length);
  }

  /** Writes nothing before {@linkcode Outbox.drained}: an earlier write is still under way. */
  wait(): void {
    this.#congested = true;
  }

  /** From here on writes wait for {@linkcode Outbox.uncork}. Calls nest. */
  cork(): void {
    this.#corks++;
  }

  /** Undoes one {@linkcode Outbox.cork}; the last one writes what has gathered. */
  uncork(): void {
    if (--this.#corks === 0 && !this.#delayed) this.#write();
  }

  /** The transport takes output again: writes what waits. */
  drained(): void {
    this.#congested = false;
    this.#write();
  }

  /** Writes what waits, even what may go on waiting: now, or with the last {@linkcode Outbox.uncork}. */
  flush(): void {
    this.#delayed = false;
    if (this.#corks === 0) this.#write();
  }

  /** The flush at the end of the tick. */
  flushScheduled(): void {
    this.#scheduled = false;
    if (this.#corks > 0 || this.#closed) return;
    this.#write();
    this.#owner.flushed();
  }

  /** Forgets what waits; the stream is over. */
  close(): void {
    this.#closed = true;
    this.#held = undefined;
    this.#heldLength = 0;
    if (corkOwner === this) {
      corkOwner = undefined;
      corkLength = 0;
    }
  }

  #takeCork(): void {
    if (corkOwner !== undefined) corkOwner.#giveUpCork();
    corkOwner = this;
    corkLength = 0;
  }

  /** Another connection writes before ours is flushed: what we have moves to memory of our own. */
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
    const needed = this.#heldLength + size;
    const old = this.#held;
    if (old !== undefined && old.length >= needed && !this.#shared) return old;
    this.#shared = false;
    const grown = new Uint8Array(old === undefined ? Math.max(size, this.#firstSize) : needed * 2);
    if (old !== undefined) grown.set(old.subarray(0, this.#heldLength));
    this.#held = grown;
    return grown;
  }

  #schedule(): void {
    this.#scheduled = true;
    if (waiting.push(this) === 1) queueMicrotask(flushWaiting);
  }

  #write(): void {
    if (this.#congested || this.#closed) return;
    if (corkOwner === this) this.#writeCork();
    else if (this.#held !== undefined) this.#writeHeld(this.#held);
  }

  #writeCork(): void {
    const length = corkLength;
    corkOwner = undefined;
    corkLength = 0;
    if (length === 0) return;
    if (this.#transport.writesLater === true) {
      this.#congested = !this.#transport.write(cork.slice(0, length), length);
    } else if (!this.#transport.write(cork, length)) {
      this.#congested = true;
      // The transport needs the memory on, so the next writer gets other memory.
      cork = new Uint8Array(CORK_SIZE);
    }
  }

  #writeHeld(held: Uint8Array): void {
    const length = this.#heldLength;
    this.#held = undefined;
    this.#heldLength = 0;
    this.#shared = false;
    this.#delayed = false;
    if (length > 0) this.#congested = !this.#transport.write(held, length);
  }
}
