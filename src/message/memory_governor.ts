// The memory of all connections of this process, and its limit: beyond it, the connections that
// hold most are closed, not necessarily the one that requests more.

import { WebSocketError } from "../errors.ts";
import { CloseCode } from "../wire/close.ts";

// The memory of context takeover, and its limit: beyond it, the least recently used encoders drop
// their contexts.

/** The contexts of one connection: an element of the list of those whose encoders hold memory. */
export interface ContextHolder {
  /** The one used next before it. */
  older: ContextHolder | undefined;
  /** The one used next after it. */
  newer: ContextHolder | undefined;
  /** Drops the context for sending, and updates the count. */
  dropEncoder(): void;
}

/** All contexts whose memory is limited together. */
export class ContextMemories {
  /** Those of the process. */
  static readonly ofProcess: ContextMemories = new ContextMemories();

  /** The memory that they hold, in bytes. */
  byteLength = 0;
  /** Bytes that connections hold besides contexts, which the limit includes. */
  beside = 0;
  /** Called when the limit is exceeded although all encoders have dropped their contexts. */
  exceeded: ((maxBytes: number) => void) | undefined;
  #newest: ContextHolder | undefined;
  #oldest: ContextHolder | undefined;

  /** Makes one the newest. */
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
   * Drops the contexts of encoders, the oldest first, until all connections together hold at most
   * `maxBytes`.
   */
  limit(maxBytes: number): void {
    while (this.byteLength + this.beside > maxBytes && this.#oldest !== undefined) {
      this.#oldest.dropEncoder();
    }
  }
}

// All bytes that connections hold.

/** After the limit was exceeded, connections are closed down to this part of it. */
const RELIEF = 0.97;

/** Above this part of the limit, no new connections should be accepted. */
const NEAR = 0.9;

/**
 * If no connection could be closed, the next attempt is made when this much more of the limit is
 * held.
 */
const RETRY = 0.01;

/** A page of memory: the system allocates the pages of a buffer when they are first written to. */
const PAGE = 4096;

/** The memory of a buffer of `capacity` bytes of which the first `length` were written. */
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
  /** Messages that have partly arrived, or are partly decompressed. */
  partialMessages: number;
  /** Messages and chunks that have not been read. */
  unreadMessages: number;
  /** Frames that wait to be sent. */
  output: number;
  /** Messages that wait for the end of a fragmented one. */
  queuedMessages: number;
  /** Frames that several connections may wait to send, each counted once: of `broadcast`, `publish`,
   * conflation and `sendPrepared`. */
  sharedFrames: number;
  /** Messages that arrived while a history is read for subscribers. */
  replays: number;
  /** Compression contexts. */
  contexts: number;
  /** Requests of pending opening handshakes. */
  handshakes: number;
}

/** A connection, or a handshake, that holds memory. */
export interface MemoryHolder {
  /** The bytes that it was last counted with. */
  readonly counted: number;
  /** Bytes that closing it gives back: its part of shared frames and its contexts too. Default: `counted`. */
  readonly weight?: number;
  /** Recounts its memory and adds it to `use`. */
  addTo?(use: MemoryUse): void;
  /** Closes the connection and releases its memory. Must update its count. */
  giveUp(error: WebSocketError): void;
}

/** Bytes that a place in a queue takes, beside the frame. */
const PLACE_SIZE = 64;

/**
 * The frames that wait in the queues of several connections, distinguished by identity: each is
 * counted once, while any queue has it.
 */
export class SharedFrames {
  readonly #places: Map<Uint8Array, number> = new Map();
  readonly #changed: (difference: number) => void;
  /** Bytes of memory of all frames together, including their places in queues. */
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

  /** The part of a frame that one place in a queue accounts for. */
  shareOf(frame: Uint8Array): number {
    return PLACE_SIZE + frame.length / (this.#places.get(frame) ?? 1);
  }

  #change(difference: number): void {
    this.byteLength += difference;
    this.#changed(difference);
  }
}

/** The memory that all connections hold together. */
export class MemoryGovernor {
  /** That of the process. */
  static readonly ofProcess: MemoryGovernor = new MemoryGovernor();

  readonly #contexts: ContextMemories;
  readonly #holders: Set<MemoryHolder> = new Set();
  /** Frames in the queues of several connections. */
  readonly frames: SharedFrames = new SharedFrames((difference) => {
    this.#contexts.beside += difference;
  });
  #replays = 0;
  #isRelieving = false;
  /** The bytes held when no more connections could be closed. */
  #stuckAt = 0;

  /** @param contexts The compression contexts that share the limit. Default: those of the process. */
  constructor(contexts: ContextMemories = ContextMemories.ofProcess) {
    this.#contexts = contexts;
    // Not at once: a message is being decompressed.
    contexts.exceeded = (limit) => void Promise.resolve().then(() => this.#relieve(limit));
  }

  /** Bytes that connections hold, without compression contexts. */
  get counted(): number {
    return this.#contexts.beside;
  }

  /** Bytes that are held, compression contexts included. */
  get byteLength(): number {
    return this.#contexts.beside + this.#contexts.byteLength;
  }

  /** Whether so much is held that new connections should be rejected. */
  isNear(limit: number): boolean {
    return this.byteLength > limit * NEAR;
  }

  /** The bytes held now, by purpose. All connections count themselves for it. */
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

  /** A connection may hold memory that is counted elsewhere, such as compression contexts. */
  add(holder: MemoryHolder): void {
    this.#holders.add(holder);
  }

  /**
   * A connection holds another amount than before, or another part of shared frames. It stays among the
   * holders until {@linkcode MemoryGovernor.remove}, because many connections hold a little again and again.
   *
   * @param holder The connection, already counted with the new amount.
   * @param difference The change in bytes.
   * @param limit The limit for all, in bytes.
   */
  count(holder: MemoryHolder, difference: number, limit: number): void {
    this.#contexts.beside += difference;
    if (difference < 0) return;
    this.#holders.add(holder);
    if (this.byteLength > limit) this.#relieve(limit);
    else this.#stuckAt = 0;
  }

  /** The bytes held by replays have changed by this much. */
  countReplays(difference: number): void {
    this.#replays += difference;
    this.#contexts.beside += difference;
  }

  /** A connection has ended. */
  remove(holder: MemoryHolder): void {
    this.#contexts.beside -= holder.counted;
    this.#holders.delete(holder);
  }

  /** Closes connections, those that hold most first. */
  #relieve(limit: number): void {
    // Closing a connection updates the count, which calls this again.
    if (this.#isRelieving) return;
    // Contexts for sending can be dropped without closing anything.
    this.#contexts.limit(limit);
    // Repeated searches of all connections without a result would block the others.
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
    `All connections exceed memoryLimit (${limit} bytes), and this one holds the most: ${held} bytes`,
    { closeCode: CloseCode.TryAgainLater },
  );
}
