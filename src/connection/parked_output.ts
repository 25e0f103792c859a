// Queues output while the transport accepts no more, and counts its memory.

import { MemoryGovernor, touchedSize } from "../message/memory_governor.ts";

/** A part to be written. */
interface Part {
  readonly bytes: Uint8Array;
  readonly length: number;
  /** Whether the memory belongs to this connection only. */
  readonly isOwn: boolean;
}

/** The frames shared by connections, counted for the whole process. */
const { frames } = MemoryGovernor.ofProcess;

/** Replaces a taken part to free its memory. */
const TAKEN: Part = { bytes: new Uint8Array(0), length: 0, isOwn: true };

/** Memory counted for a connection although it is not parked. */
export class LentMemory {
  /** Bytes of the connection's own memory that the transport needs. */
  own = 0;
  /** Shared frames that the transport needs. */
  #lent: Uint8Array | undefined;
  /** Shared frames waiting for the transport. */
  #held: Uint8Array | undefined;

  /** The transport needs shared frames. */
  lend(bytes: Uint8Array): void {
    frames.hold(bytes);
    this.#lent = bytes;
  }

  /** Sets or clears the waiting shared frames. */
  hold(bytes: Uint8Array | undefined): void {
    if (bytes === this.#held) return;
    if (bytes !== undefined) frames.hold(bytes);
    if (this.#held !== undefined) frames.release(this.#held);
    this.#held = bytes;
  }

  /** The connection's share of shared frames, in bytes. */
  get sharedWeight(): number {
    return (this.#lent === undefined ? 0 : frames.shareOf(this.#lent)) +
      (this.#held === undefined ? 0 : frames.shareOf(this.#held));
  }

  /** Discards all of it. */
  release(): void {
    this.own = 0;
    if (this.#lent !== undefined) frames.release(this.#lent);
    this.#lent = undefined;
    this.hold(undefined);
  }
}

/** Shared frames, and the buffers held before them. */
export class ParkedOutput {
  #parts: Part[] = [];
  /** The index of the first remaining part. */
  #first = 0;
  #size = 0;
  #own = 0;

  /** The number of waiting bytes. */
  get size(): number {
    return this.#size;
  }

  /** The memory of this connection only, in bytes. */
  get own(): number {
    return this.#own;
  }

  /** Adds memory, which must not change. */
  add(bytes: Uint8Array, length: number, isOwn: boolean): void {
    this.#parts.push({ bytes, length, isOwn });
    this.#size += length;
    if (isOwn) this.#own += touchedSize(bytes.length, length);
    else frames.hold(bytes);
  }

  /** The connection's share of shared frames, in bytes. */
  get sharedWeight(): number {
    let sum = 0;
    for (let i = this.#first; i < this.#parts.length; i++) {
      const { bytes, isOwn } = this.#parts[i];
      if (!isOwn) sum += frames.shareOf(bytes);
    }
    return sum;
  }

  /** Forgets all parts. */
  clear(): void {
    while (this.#first < this.#parts.length) this.#next();
  }

  /** Whether the next two parts fit into `max` bytes. */
  canJoin(max: number): boolean {
    const next = this.#parts[this.#first + 1];
    return next !== undefined && this.#parts[this.#first].length + next.length <= max;
  }

  /** Takes the next part. There must be one. */
  take(): Part {
    const part = this.#next();
    this.#forget();
    return part;
  }

  /** Copies as many parts as fit into the first `max` bytes of `memory`; returns their size. */
  join(memory: Uint8Array, max: number): number {
    let total = 0;
    while (
      this.#first < this.#parts.length &&
      total + this.#parts[this.#first].length <= max
    ) {
      const { bytes, length } = this.#next();
      memory.set(bytes.subarray(0, length), total);
      total += length;
    }
    this.#forget();
    return total;
  }

  #next(): Part {
    const part = this.#parts[this.#first];
    this.#parts[this.#first++] = TAKEN;
    this.#size -= part.length;
    if (part.isOwn) this.#own -= touchedSize(part.bytes.length, part.length);
    else frames.release(part.bytes);
    return part;
  }

  /** The array is compacted rarely, so that the cost per part is constant. */
  #forget(): void {
    if (this.#first * 2 < this.#parts.length) return;
    this.#parts = this.#parts.slice(this.#first);
    this.#first = 0;
  }
}
