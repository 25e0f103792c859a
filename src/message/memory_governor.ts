// The memory that connections hold in this process, and a limit for all of it together: over that, the
// connections that hold most are closed, whichever of them asks for more.

import { WebSocketError } from "../errors.ts";
import { CloseCode } from "../wire/close.ts";
import { ContextMemories } from "./context_memory.ts";

/** After the limit was exceeded, connections are closed until this part of it is held. */
const RELIEF = 0.97;

/** From this part of the limit on no new connections should be accepted. */
const NEAR = 0.9;

/** A connection that holds memory. */
export interface MemoryHolder {
  /** The bytes that it was last counted with. */
  readonly counted: number;
  /** Closes the connection, and gives back what it holds. Must update its count. */
  giveUp(error: WebSocketError): void;
}

/** The memory that all connections hold together. */
export class MemoryGovernor {
  /** That of the process. */
  static readonly ofProcess: MemoryGovernor = new MemoryGovernor();

  readonly #contexts: ContextMemories;
  readonly #holders: Set<MemoryHolder> = new Set();
  #isRelieving = false;

  /** @param contexts The compression contexts that share the limit. Default: those of the process. */
  constructor(contexts: ContextMemories = ContextMemories.ofProcess) {
    this.#contexts = contexts;
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

  /**
   * A connection holds another amount than before. It stays among the holders until {@linkcode
   * MemoryGovernor.remove}, because many connections hold a little again and again.
   *
   * @param holder The connection, which is counted with the new amount already.
   * @param difference Bytes that it holds more, or less.
   * @param limit Bytes that all may hold together.
   */
  count(holder: MemoryHolder, difference: number, limit: number): void {
    this.#contexts.beside += difference;
    if (difference <= 0) return;
    this.#holders.add(holder);
    if (this.byteLength > limit) this.#relieve(limit);
  }

  /** A connection has ended. */
  remove(holder: MemoryHolder): void {
    this.#contexts.beside -= holder.counted;
    this.#holders.delete(holder);
  }

  /** Closes connections, those that hold most first, so that the small never pay for the large. */
  #relieve(limit: number): void {
    // Closing a connection updates the count, which calls this again.
    if (this.#isRelieving) return;
    this.#isRelieving = true;
    // Contexts for sending can be dropped without closing anything.
    this.#contexts.limit(limit);
    const holders = [...this.#holders].sort((a, b) => b.counted - a.counted);
    for (const holder of holders) {
      if (this.byteLength <= limit * RELIEF || holder.counted === 0) break;
      holder.giveUp(memoryLimit(limit, holder.counted));
    }
    this.#isRelieving = false;
  }
}

function memoryLimit(limit: number, held: number): WebSocketError {
  return new WebSocketError(
    "MEMORY_LIMIT",
    `All connections exceed memoryLimit (${limit} bytes), and this one holds the most: ${held} bytes`,
    { closeCode: CloseCode.TryAgainLater },
  );
}
