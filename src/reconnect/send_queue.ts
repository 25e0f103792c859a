// Messages that were sent while there is no connection: in their order, and only so many.

import type { SendOptions } from "../connection/send_options.ts";

/** A message that waits. */
export interface WaitingMessage {
  /** The message. */
  readonly data: string | Uint8Array;
  /** How it is to be sent. */
  readonly options: SendOptions | undefined;
  /** What it counts for. */
  readonly size: number;
}

/** What each message counts for beside its bytes: not even empty ones may be without number. */
export const MESSAGE_COST = 32;

const encoder = new TextEncoder();

/** A queue of messages that is bounded by bytes. */
export class SendQueue {
  readonly #max: number;
  #messages: WaitingMessage[] = [];
  /** Where the queue begins among the messages. */
  #first = 0;
  #size = 0;

  /** @param max Bytes that may wait. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Bytes that wait, with {@linkcode MESSAGE_COST} for each message. */
  get size(): number {
    return this.#size;
  }

  /** Lets a message wait; returns `false` when there is no room. Bytes are copied. */
  push(data: string | Uint8Array, options: SendOptions | undefined): boolean {
    const room = this.#max - this.#size - MESSAGE_COST;
    // UTF-8 takes at least a byte for a unit of UTF-16.
    if (data.length > room) return false;
    const bytes = typeof data === "string" ? encoder.encode(data).length : data.length;
    if (bytes > room) return false;
    const size = bytes + MESSAGE_COST;
    // Not by `slice`, which of a Buffer makes a view of the same memory.
    const kept = typeof data === "string" ? data : new Uint8Array(data);
    this.#messages.push({ data: kept, options: options && { ...options }, size });
    this.#size += size;
    return true;
  }

  /** Takes the message that has waited longest. */
  shift(): WaitingMessage | undefined {
    const next = this.#messages[this.#first];
    if (next === undefined) return undefined;
    this.#size -= next.size;
    this.#first++;
    // The front is cut off seldom, so that each message costs the same however many there are.
    if (this.#first * 2 >= this.#messages.length) {
      this.#messages = this.#messages.slice(this.#first);
      this.#first = 0;
    }
    return next;
  }

  /** Drops all that wait. */
  clear(): void {
    this.#messages = [];
    this.#first = 0;
    this.#size = 0;
  }
}
