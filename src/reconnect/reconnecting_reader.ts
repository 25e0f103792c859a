// The messages of one connection after another, for an iterator: while it is behind, the connection that
// there is, and those that follow it, have to wait.

import type { CloseInfo } from "../session/close_info.ts";
import type { Message, MessageQueue } from "../connection/connection_link.ts";
import { Inbox, type InboxSource } from "../connection/inbox.ts";

/** The connection that there is, as its reader needs it. */
export interface PausableConnection {
  /** Stops reading. */
  pause(): void;
  /** Reads on. */
  resume(): void;
}

/** A queue across connections. */
export class ReconnectingReader implements InboxSource {
  #inbox: Inbox | undefined;
  #current: PausableConnection | undefined;
  #isFull = false;
  #end: CloseInfo | undefined;

  /** There is a connection. */
  opened(connection: PausableConnection): void {
    this.#current = connection;
    if (this.#isFull) connection.pause();
  }

  /** There is none any more; what it brought can still be read. */
  closed(): void {
    this.#current = undefined;
  }

  /** A message came. */
  push(message: Message): void {
    this.#queue().push(message);
  }

  /** The queue to read from. */
  reader(): MessageQueue {
    return this.#queue();
  }

  /** Forgets what waits: the user closed the connection and hears no more of it. */
  clear(): void {
    this.#inbox?.clear();
  }

  /** All is over. */
  end(info: CloseInfo): void {
    this.#end = info;
    this.#inbox?.end(info);
  }

  /** The reader has fallen behind. */
  stopReading(): void {
    this.#isFull = true;
    this.#current?.pause();
  }

  /** The reader has caught up. */
  goOnReading(): void {
    this.#isFull = false;
    this.#current?.resume();
  }

  #queue(): Inbox {
    if (this.#inbox === undefined) {
      this.#inbox = new Inbox(this);
      if (this.#end !== undefined) this.#inbox.end(this.#end);
    }
    return this.#inbox;
  }
}
