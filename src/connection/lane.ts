// Who may send messages: while one goes out in fragments, no other may begin (RFC 6455 5.4), so what is
// sent meanwhile waits here and follows in its order.

import type { MessageOpcode } from "../wire/opcode.ts";
import type { Message } from "./connection_link.ts";

/** Sends a message that had to wait. */
export type SendWaiting = (opcode: MessageOpcode, data: Message, compress: boolean) => void;

interface Waiting {
  readonly opcode: MessageOpcode;
  readonly data: Message;
  readonly compress: boolean;
}

/** The order of messages on a connection that sends some of them in fragments. */
export class Lane {
  readonly #send: SendWaiting;
  #busy = false;
  #size = 0;
  #queue: Array<Waiting | (() => void)> = [];

  /** @param send Sends a message that had to wait. */
  constructor(send: SendWaiting) {
    this.#send = send;
  }

  /** Whether a message is going out in fragments. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Bytes of the messages that wait, about. */
  get size(): number {
    return this.#size;
  }

  /** Resolves when a message may go out in fragments; {@linkcode Lane.leave} must follow. */
  enter(): Promise<void> {
    if (this.#busy) return new Promise((resolve) => this.#queue.push(resolve));
    this.#busy = true;
    return Promise.resolve();
  }

  /** Lets a message wait; bytes are copied. */
  hold(opcode: MessageOpcode, data: Message, compress = true): void {
    const copy = typeof data === "string" ? data : new Uint8Array(data);
    this.#queue.push({ opcode, data: copy, compress });
    this.#size += data.length;
  }

  /** The connection is over: nobody waits any longer, and nothing that waited is sent. */
  end(): void {
    const waiting = this.#queue;
    this.#queue = [];
    this.#size = 0;
    for (const next of waiting) {
      if (typeof next === "function") next();
    }
  }

  /** The message in fragments is out: what waits goes on, up to the next such message. */
  leave(): void {
    this.#busy = false;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if (typeof next === "function") {
        this.#busy = true;
        next();
        return;
      }
      this.#size -= next.data.length;
      this.#send(next.opcode, next.data, next.compress);
    }
  }
}
