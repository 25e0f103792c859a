// Fair turns: a connection that sends much waits from time to time until the others have been read.

/**
 * Work that a connection may cause in a row before it waits for the next turn of the event loop: bytes that
 * it sent, bytes of the messages that came out of them, and {@linkcode MESSAGE_WORK} for each message. Where
 * others read in between, it begins anew: an honest connection rarely reaches it, and then loses a few
 * microseconds (bench/NOTES.md).
 */
const TURN_WORK = 524_288;

/** The work of a message beside its bytes: calling the handler, and what that sends. */
export const MESSAGE_WORK = 512;

/**
 * Turns in a row in which no other connection has read, after which a connection counts as alone and no
 * longer waits for a timer between its turns.
 */
const ALONE = 1000;

/** The connection that has read last, and its work since others did. */
let reading: unknown;
let work = 0;
/** How often another connection than before has read. */
let changes = 0;

/** A connection reads bytes. */
export function startWork(connection: unknown, bytes: number): void {
  if (reading !== connection) {
    reading = connection;
    work = 0;
    changes++;
  }
  work += bytes;
}

/** Adds work of the connection that reads. Returns whether its turn is over. */
export function addWork(amount: number): boolean {
  work += amount;
  return work >= TURN_WORK;
}

/** The turns of one connection. */
export class Turns {
  /** Turns of the event loop that it has used up since another connection has read. */
  #alone = 0;
  #changesBefore = 0;

  /**
   * Ends a turn, and calls `act` in a later turn of the event loop. A timer is a millisecond late, and behind
   * what all sockets have received; an immediate costs nothing, but on Deno several may run before sockets
   * are looked at.
   */
  end(act: () => void): void {
    this.#alone = changes === this.#changesBefore ? this.#alone + 1 : 0;
    this.#changesBefore = changes;
    const setImmediate: unknown = this.#alone > ALONE
      ? Reflect.get(globalThis, "setImmediate")
      : undefined;
    if (typeof setImmediate === "function") setImmediate(act);
    else setTimeout(act);
  }
}

/** The connection that reads begins a new turn. */
export function resetWork(): void {
  work = 0;
}
