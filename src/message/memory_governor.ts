// Limits the memory of all connections of this process: beyond the limit, the connections that hold
// the most are closed, not necessarily the one that requests more.

import { WebSocketError } from "../errors.ts";
import { CloseCode } from "../wire/close.ts";

// Limits the memory of context takeover: beyond the limit, the least recently used encoders drop
// their contexts.

/** The contexts of one connection: an element of the list of encoders that hold memory. */
export interface ContextHolder {
  /** The next less recently used one. */
  older: ContextHolder | undefined;
  /** The next more recently used one. */
  newer: ContextHolder | undefined;
  /** Drops the context for sending and updates the count. */
  dropEncoder(): void;
}

/** All contexts with a common limit. */
export class ContextMemories {
  /** Those of the process. */
  static readonly ofProcess: ContextMemories = new ContextMemories();

  /** Their memory in bytes. */
  byteLength = 0;
  /** Other bytes held by connections, which count toward the limit. */
  otherBytes = 0;
  /** Called when the limit is exceeded even after all encoders have dropped their contexts. */
  exceeded: ((maxBytes: number) => void) | undefined;
  #newest: ContextHolder | undefined;
  #oldest: ContextHolder | undefined;

  /** Makes one the most recently used. */
  use(memory: ContextHolder): void {
    if (memory === this.#newest) return;
    this.remove(memory);
    memory.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = memory;
    else this.#newest.newer = memory;
    this.#newest = memory;
  }

  /** Removes one, if it is in the list. */
  remove(memory: ContextHolder): void {
    const { older, newer } = memory;
    if (memory === this.#newest) this.#newest = older;
    if (memory === this.#oldest) this.#oldest = newer;
    if (newer !== undefined) newer.older = older;
    if (older !== undefined) older.newer = newer;
    memory.older = undefined;
    memory.newer = undefined;
  }

  /**
   * Drops encoder contexts, least recently used first, until all connections together hold at most
   * `maxBytes`.
   */
  limit(maxBytes: number): void {
    while (this.byteLength + this.otherBytes > maxBytes && this.#oldest !== undefined) {
      this.#oldest.dropEncoder();
    }
  }
}

// All bytes that connections hold.

/** When the limit is exceeded, connections are closed until this fraction of it is held. */
const RELIEF = 0.97;

/** Above this fraction of the limit, new connections are rejected. */
const NEAR = 0.9;

/**
 * If no connection could be closed, the next attempt is made after a further increase by this
 * fraction of the limit.
 */
const RETRY = 0.01;

/** The size of a memory page: the system allocates pages of a buffer on the first write. */
const PAGE = 4096;

/** The memory of a buffer of `capacity` bytes whose first `length` bytes were written. */
export function touchedSize(capacity: number, length: number): number {
  const pages = Math.ceil(length / PAGE) * PAGE;
  return pages < capacity ? pages : capacity;
}

/**
 * The memory that the library holds for all connections of the process, in bytes, by purpose.
 *
 * @category Server
 */
export interface MemoryUse {
  /** The total, limited by `memoryLimit`. */
  total: number;
  /** Partially received or decompressed messages. */
  partialMessages: number;
  /** Unread messages and chunks. */
  unreadMessages: number;
  /** Buffered frames. */
  output: number;
  /** Messages queued behind a fragmented one. */
  queuedMessages: number;
  /**
   * Buffered frames shared by connections, each counted once: from `broadcast`, `publish`,
   * conflation and `sendPrepared`.
   */
  sharedFrames: number;
  /** Messages received while the history is read for subscribers. */
  replays: number;
  /** Compression contexts. */
  contexts: number;
  /** Requests of pending opening handshakes. */
  handshakes: number;
}

/** A connection or handshake that holds memory. */
export interface MemoryHolder {
  /** The last counted bytes. */
  readonly counted: number;
  /**
   * The bytes that closing it would free, including its share of shared frames and its contexts.
   * Default: `counted`.
   */
  readonly weight?: number;
  /** Recounts its memory and adds it to `use`. */
  addTo?(use: MemoryUse): void;
  /** Closes the connection and releases its memory. Must update its count. */
  giveUp(error: WebSocketError): void;
}

/** The size of a queue entry without the frame, in bytes. */
const PLACE_SIZE = 64;

/**
 * The frames in the queues of several connections, distinguished by identity: each is counted once
 * while any queue holds it.
 */
export class SharedFrames {
  readonly #places: Map<Uint8Array, number> = new Map();
  readonly #changed: (difference: number) => void;
  /** The memory of all frames in bytes, including queue entries. */
  byteLength = 0;

  /** @param changed Called with the change in bytes. */
  constructor(changed: (difference: number) => void) {
    this.#changed = changed;
  }

  /** A queue holds a frame, possibly several times. */
  hold(frame: Uint8Array): void {
    const places = this.#places.get(frame) ?? 0;
    this.#places.set(frame, places + 1);
    this.#change(places === 0 ? frame.length + PLACE_SIZE : PLACE_SIZE);
  }

  /** A queue no longer holds it: undoes one {@linkcode SharedFrames.hold}. */
  release(frame: Uint8Array): void {
    const places = this.#places.get(frame);
    if (places === undefined) return;
    if (places > 1) this.#places.set(frame, places - 1);
    else this.#places.delete(frame);
    this.#change(places === 1 ? -frame.length - PLACE_SIZE : -PLACE_SIZE);
  }

  /** The share of a frame's memory per queue entry. */
  shareOf(frame: Uint8Array): number {
    return PLACE_SIZE + frame.length / (this.#places.get(frame) ?? 1);
  }

  #change(difference: number): void {
    this.byteLength += difference;
    this.#changed(difference);
  }
}

/** Counts and limits the memory of all connections. */
export class MemoryGovernor {
  /** The governor of the process. */
  static readonly ofProcess: MemoryGovernor = new MemoryGovernor();

  readonly #contexts: ContextMemories;
  readonly #holders: Set<MemoryHolder> = new Set();
  /** Frames in the queues of several connections. */
  readonly frames: SharedFrames = new SharedFrames((difference) => {
    this.#contexts.otherBytes += difference;
  });
  #replays = 0;
  #isRelieving = false;
  /** The bytes held when no further connection could be closed. */
  #stuckAt = 0;

  /** @param contexts The compression contexts that share the limit. Default: those of the process. */
  constructor(contexts: ContextMemories = ContextMemories.ofProcess) {
    this.#contexts = contexts;
    // Deferred: a message is being decompressed.
    contexts.exceeded = (limit) => void Promise.resolve().then(() => this.#reduceMemory(limit));
  }

  /** Bytes held by connections, without compression contexts. */
  get counted(): number {
    return this.#contexts.otherBytes;
  }

  /** Bytes held, including compression contexts. */
  get byteLength(): number {
    return this.#contexts.otherBytes + this.#contexts.byteLength;
  }

  /** Whether the memory is so near the limit that new connections should be rejected. */
  isNear(limit: number): boolean {
    return this.byteLength > limit * NEAR;
  }

  /** The bytes held now, by purpose. Recounts all connections. */
  use(): MemoryUse {
    const use: MemoryUse = {
      total: 0,
      partialMessages: 0,
      unreadMessages: 0,
      output: 0,
      queuedMessages: 0,
      sharedFrames: 0,
      replays: this.#replays,
      contexts: 0,
      handshakes: 0,
    };
    for (const holder of this.#holders) holder.addTo?.(use);
    use.sharedFrames = this.frames.byteLength;
    use.contexts = this.#contexts.byteLength;
    use.total = this.byteLength;
    return use;
  }

  /** Adds a connection with memory that is counted elsewhere, such as compression contexts. */
  add(holder: MemoryHolder): void {
    this.#holders.add(holder);
  }

  /**
   * Updates the memory of a connection or its share of shared frames. It remains a holder until
   * {@linkcode MemoryGovernor.remove}, because many connections repeatedly hold a little.
   *
   * @param holder The connection, already counted with the new amount.
   * @param difference The change in bytes.
   * @param limit The limit for all connections, in bytes.
   */
  count(holder: MemoryHolder, difference: number, limit: number): void {
    this.#contexts.otherBytes += difference;
    if (difference < 0) return;
    this.#holders.add(holder);
    if (this.byteLength > limit) this.#reduceMemory(limit);
    else this.#stuckAt = 0;
  }

  /** Adds a change in the bytes held by replays. */
  countReplays(difference: number): void {
    this.#replays += difference;
    this.#contexts.otherBytes += difference;
  }

  /** A connection has ended. */
  remove(holder: MemoryHolder): void {
    this.#contexts.otherBytes -= holder.counted;
    this.#holders.delete(holder);
  }

  /** Closes connections that hold the most. */
  #reduceMemory(limit: number): void {
    // Closing a connection updates the count, which calls this method again.
    if (this.#isRelieving) return;
    // Dropping contexts for sending closes nothing.
    this.#contexts.limit(limit);
    // Repeated unsuccessful searches of all connections would block the event loop.
    if (this.byteLength <= Math.max(limit, this.#stuckAt)) return;
    this.#isRelieving = true;
    const holders = [...this.#holders]
      .map((holder) => ({ holder, weight: weightOf(holder) }))
      .sort((a, b) => b.weight - a.weight);
    for (const { holder, weight } of holders) {
      if (this.byteLength <= limit * RELIEF || weight === 0) break;
      holder.giveUp(memoryLimit(limit, Math.round(weight)));
    }
    this.#isRelieving = false;
    this.#stuckAt = this.byteLength > limit ? this.byteLength + limit * RETRY : 0;
  }
}

function weightOf({ counted, weight = counted }: MemoryHolder): number {
  return weight;
}

function memoryLimit(limit: number, held: number): WebSocketError {
  return new WebSocketError(
    "MEMORY_LIMIT",
    `All connections together exceed memoryLimit (${limit} bytes), and this one holds the most: ${held} bytes`,
    { closeCode: CloseCode.TryAgainLater },
  );
}
