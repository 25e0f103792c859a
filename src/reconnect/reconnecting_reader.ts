// The messages of one connection after another, for an iterator: while it is behind, the connection that
// there is, and those that follow it, have to wait.

import type { CloseInfo } from "../session/close_info.ts";
import type { AnyMessage } from "../connection/connection_driver.ts";
import { MessageQueue, type MessageQueueOwner } from "../connection/incoming.ts";

/** The connection that there is, as its reader needs it. */
export interface PausableConnection {
  /** Stops reading. */
  pause(): void;
  /** Reads on. */
  resume(): void;
}

/** A queue across connections. */
export class ReconnectingReader implements MessageQueueOwner {
  #queue: MessageQueue | undefined;
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
  push(message: AnyMessage): void {
    this.#need().push(message);
  }

  /** Starts reading. */
  reader(): AsyncIterableIterator<AnyMessage, undefined> {
    return this.#need().open();
  }

  /** Forgets what waits: the user closed the connection and hears no more of it. */
  clear(): void {
    this.#queue?.clear();
  }

  /** All is over. */
  end(info: CloseInfo): void {
    this.#end = info;
    this.#queue?.end(info);
  }

  /** The reader has fallen behind. */
  stopReading(): void {
    this.#isFull = true;
    this.#current?.pause();
  }

  /** The reader has caught up. */
  resumeReading(): void {
    this.#isFull = false;
    this.#current?.resume();
  }

  #need(): MessageQueue {
    if (this.#queue === undefined) {
      this.#queue = new MessageQueue(this);
      if (this.#end !== undefined) this.#queue.end(this.#end);
    }
    return this.#queue;
  }
}
