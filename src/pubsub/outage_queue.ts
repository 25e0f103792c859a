// Published messages that wait while the engine is away: in their order, and only so many.

import type { BackplaneQueueOptions } from "./backplane.ts";

/** A message that waits. */
export interface QueuedMessage {
  /** Its topic. */
  readonly topic: string;
  /** The message. */
  readonly message: Uint8Array;
}

/** A queue of messages that is bounded by bytes. */
export class OutageQueue {
  readonly #maxBytes: number;
  readonly #drop: "oldest" | "newest";
  #messages: QueuedMessage[] = [];
  /** Where the queue begins among the messages. */
  #first = 0;
  #size = 0;
  #dropped = 0;

  /** @param options Its limits, checked. */
  constructor(options: BackplaneQueueOptions = {}) {
    this.#maxBytes = options.maxBytes ?? 16 << 20;
    this.#drop = options.drop ?? "oldest";
  }

  /** Bytes that wait. */
  get size(): number {
    return this.#size;
  }

  /** Lets a message wait, or gives it or others up. */
  push(topic: string, message: Uint8Array): void {
    const size = sizeOf(topic, message);
    const noRoom = this.#size + size > this.#maxBytes;
    if (size > this.#maxBytes || (noRoom && this.#drop === "newest")) {
      this.#dropped++;
      return;
    }
    this.#messages.push({ topic, message });
    this.#size += size;
    while (this.#size > this.#maxBytes) {
      this.shift();
      this.#dropped++;
    }
  }

  /** Takes the message that has waited longest. */
  shift(): QueuedMessage | undefined {
    const next = this.#messages[this.#first];
    if (next === undefined) return undefined;
    this.#size -= sizeOf(next.topic, next.message);
    this.#first++;
    // The front is cut off seldom, so that each message costs the same however many there are.
    if (this.#first * 2 >= this.#messages.length) {
      this.#messages = this.#messages.slice(this.#first);
      this.#first = 0;
    }
    return next;
  }

  /** Puts a message back that was taken, so that it is the next again. */
  putBack(message: QueuedMessage): void {
    this.#messages.splice(this.#first, 0, message);
    this.#size += sizeOf(message.topic, message.message);
  }

  /** How many messages were given up since this was last asked. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }
}

function sizeOf(topic: string, message: Uint8Array): number {
  return topic.length + message.length;
}
