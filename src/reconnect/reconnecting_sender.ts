// What sends on a connection that lasts: on the connection that there is, or later on the next one.

import type { Connection } from "../connection/connection.ts";
import { bytesWithLine, textWithLine } from "../pubsub/line_message.ts";
import { SendQueue } from "./send_queue.ts";
import type { SendOptions } from "../connection/send_options.ts";

/** Sends, or lets messages wait. */
export class ReconnectingSender {
  readonly #queue: SendQueue;
  readonly #hasLines: boolean;
  #current: Connection<undefined> | undefined;
  #isOver = false;
  /** Who waits for a connection, or for the end. */
  #waiters: Array<() => void> = [];

  /**
   * @param maxQueue Bytes that may wait while there is no connection.
   * @param hasLines Whether messages have a line in front, as those beside topics do.
   */
  constructor(maxQueue: number, hasLines: boolean) {
    this.#queue = new SendQueue(maxQueue);
    this.#hasLines = hasLines;
  }

  /** Whether there is a connection to send on. */
  get isOpen(): boolean {
    // The end of a connection is told later than it is there.
    return this.#current?.readyState === "open";
  }

  /** Bytes waiting to be sent. */
  get bufferedAmount(): number {
    return this.#queue.size + (this.#current?.bufferedAmount ?? 0);
  }

  /** There is a connection. What is sent goes there, ahead of what waits. */
  opened(connection: Connection<undefined>): void {
    this.#current = connection;
  }

  /** Sends what has waited. */
  takeUp(): void {
    while (this.isOpen) {
      const next = this.#queue.shift();
      if (next === undefined) break;
      this.#send(next.data, next.options);
    }
    this.#wake();
  }

  /** There is no connection any more. */
  closed(): void {
    this.#current = undefined;
  }

  /** All is over, and nothing is sent any more. */
  end(): void {
    this.#isOver = true;
    this.#queue.clear();
    this.#wake();
  }

  /** Sends a message, or lets it wait; returns `false` when it is dropped, or more should wait. */
  send(data: string | Uint8Array, options: SendOptions | undefined): boolean {
    if (this.#isOver) return false;
    return this.isOpen ? this.#send(data, options) : this.#queue.push(data, options);
  }

  /** Sends a ping, if there is a connection. */
  ping(payload: Uint8Array): boolean {
    return this.#current?.ping(payload) ?? false;
  }

  /** Resolves when there is a connection for which little waits, or all is over. */
  async drained(): Promise<void> {
    while (!this.#isOver) {
      const current = this.#current;
      if (current !== undefined && this.isOpen) {
        await current.drained();
        if (current === this.#current && this.isOpen) return;
      } else {
        await new Promise<void>((resolve) => this.#waiters.push(resolve));
      }
    }
  }

  #send(data: string | Uint8Array, options: SendOptions | undefined): boolean {
    if (!this.#hasLines) return this.#current!.send(data, options);
    const message = typeof data === "string" ? textWithLine(data) : bytesWithLine(data);
    return this.#current!.send(message, options);
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
