// The memory of incoming messages that are not whole yet, of all connections together, and a limit for
// it: over that, the connection that holds most of it has to go, not the one that comes next.

import { WebSocketError } from "../errors.ts";
import { CloseCode } from "../wire/close.ts";

/**
 * Who holds fewer bytes than this is counted, but is not among those who may have to go: to note every
 * message that a chunk's end cuts in two takes a thirtieth of what echoing 16 KiB costs.
 */
const NOTED_FROM = 65_536;

/** Who gathers a message. */
export interface MemoryHolder {
  /** Bytes that it holds. */
  readonly held: number;
  /** Gives them back and ends its connection. */
  giveUp(error: WebSocketError): void;
}

/** What all unfinished messages hold together. */
export class UnfinishedMemory {
  /** That of the process. */
  static readonly ofProcess: UnfinishedMemory = new UnfinishedMemory();

  /** Bytes that are held. */
  byteLength = 0;
  readonly #holders = new Set<MemoryHolder>();

  /**
   * Counts `size` bytes more for a holder.
   *
   * @param limit Bytes that all may hold together.
   * @throws {WebSocketError} `MEMORY_LIMIT` when there is no room, and no other holds more.
   */
  take(holder: MemoryHolder, size: number, limit: number): void {
    while (this.byteLength + size > limit) {
      const largest = this.#largerThan(holder.held + size);
      if (largest === undefined) throw memoryLimit(limit);
      largest.giveUp(memoryLimit(limit));
    }
    this.byteLength += size;
    if (holder.held + size >= NOTED_FROM) this.#holders.add(holder);
  }

  /** Counts a holder no more, which still holds what it held. */
  release(holder: MemoryHolder): void {
    this.byteLength -= holder.held;
    if (holder.held >= NOTED_FROM) this.#holders.delete(holder);
  }

  #largerThan(size: number): MemoryHolder | undefined {
    let largest: MemoryHolder | undefined;
    for (const holder of this.#holders) {
      if (holder.held > (largest?.held ?? size)) largest = holder;
    }
    return largest;
  }
}

function memoryLimit(limit: number): WebSocketError {
  return new WebSocketError(
    "MEMORY_LIMIT",
    `Unfinished messages hold more than maxUnfinishedMemory, ${limit} bytes, and this one most`,
    { closeCode: CloseCode.TryAgainLater },
  );
}
