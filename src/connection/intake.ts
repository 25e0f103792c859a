// What arrives from the transport, and what waits because reading was stopped: nothing is delivered
// while it is, not even what had arrived already, and nothing is lost.

import type { Session } from "../session/session.ts";
import type { Transport, TransportSink } from "../transport/transport.ts";

/** Who reads what an {@linkcode Intake} takes in. */
export interface IntakeOwner {
  /** Reads a chunk; returns the offset behind the last byte read. */
  read(chunk: Uint8Array): number;
  /** Whether views of the chunk read last were given away. */
  readonly gaveViews: boolean;
  /** Everything before the end of the peer's direction was read. */
  readEnd(): void;
  /** The transport takes output again. */
  drain(): void;
  /** The stream is over. */
  closed(error?: Error): void;
}

/** The user stopped reading. */
export const STOPPED_BY_USER = 1;
/** The reader of an iterator or a stream has fallen behind. */
export const STOPPED_BY_INBOX = 2;

/** The reading side of one connection. */
export class Intake implements TransportSink {
  readonly #transport: Transport;
  readonly #session: Session;
  readonly #owner: IntakeOwner;
  /** Chunks that arrived, in whole or in part, while reading was stopped. */
  #unread: Uint8Array[] | undefined;
  #endUnread = false;
  /** Why reading is stopped: bits, because the reasons overlap. */
  #stops = 0;

  /**
   * @param transport Where chunks come from.
   * @param session What has to stop in the middle of a chunk.
   * @param owner Who reads.
   */
  constructor(transport: Transport, session: Session, owner: IntakeOwner) {
    this.#transport = transport;
    this.#session = session;
    this.#owner = owner;
  }

  /** Whether reading is stopped. */
  get stopped(): boolean {
    return this.#stops !== 0;
  }

  /** A chunk arrived. Returns whether its memory may be read into again. */
  data(chunk: Uint8Array): boolean {
    if (this.#unread !== undefined) {
      this.#unread.push(chunk);
      return false;
    }
    const at = this.#owner.read(chunk);
    if (at === chunk.length) return !this.#owner.gaveViews;
    this.#unread = [chunk.subarray(at)];
    return false;
  }

  /** The peer has ended its direction. */
  end(): void {
    if (this.#unread !== undefined) this.#endUnread = true;
    else this.#owner.readEnd();
  }

  /** The transport takes output again. */
  drain(): void {
    this.#owner.drain();
  }

  /** The stream is over. */
  closed(error?: Error): void {
    // Who stopped to read by himself wants nothing delivered now; a queue takes what is left.
    if (this.#stops === STOPPED_BY_INBOX) this.#readAll();
    this.#unread = undefined;
    this.#owner.closed(error);
  }

  /** Stops reading, for a reason. */
  stop(reason: number): void {
    if (this.#stops === 0) {
      this.#session.pause();
      this.#transport.pause();
    }
    this.#stops |= reason;
  }

  /** Takes reasons away; without any left, reading goes on. */
  go(reasons: number): void {
    if (this.#stops === 0) return;
    this.#stops &= ~reasons;
    if (this.#stops !== 0) return;
    this.#session.resume();
    // Not at once: the caller may be in the middle of a handler, or of its own loop over messages.
    queueMicrotask(() => this.#readOn());
  }

  #readOn(): void {
    if (this.#stops !== 0) return;
    const chunks = this.#unread;
    this.#unread = undefined;
    for (let i = 0; chunks !== undefined && i < chunks.length; i++) {
      this.data(chunks[i]);
      if (this.#stops !== 0) {
        this.#keep(chunks.slice(i + 1));
        return;
      }
    }
    if (this.#endUnread) {
      this.#endUnread = false;
      this.#owner.readEnd();
    }
    this.#transport.resume();
  }

  /** Reads all that has arrived, whoever may want to stop. */
  #readAll(): void {
    const chunks = this.#unread ?? [];
    this.#unread = undefined;
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length;) {
        this.#session.resume();
        at += this.#owner.read(chunk.subarray(at));
      }
    }
    if (this.#endUnread) this.#owner.readEnd();
  }

  /** Reading stopped again among chunks that had waited: the later ones go on waiting. */
  #keep(later: Uint8Array[]): void {
    if (this.#unread !== undefined) this.#unread.push(...later);
    else if (later.length > 0) this.#unread = later;
  }
}
