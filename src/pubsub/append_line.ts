// The way of messages into a history, in their order: they are handed over one after the other without
// waiting for the answers, and only so many at a time; what an outage cuts off goes in again.

import type { BackplaneQueueOptions } from "./backplane.ts";
import { OutageQueue } from "./outage_queue.ts";

/** Who hands messages over. */
export interface AppendLineOwner {
  /** Appends a message. May throw. */
  append(topic: string, message: Uint8Array): Promise<unknown>;
  /** A message was given up, because the engine refused it. */
  failed(error: unknown): void;
  /** So many messages were given up, because they found no room to wait. */
  dropped(count: number): void;
  /** An append failed, and it will soon show whether that is because the engine goes away. */
  suspect(): void;
}

/** Messages that are under way to the engine at a time. */
const MAX_APPENDS = 1024;

/** Bytes that are under way to the engine at a time; a single message may have more. */
const MAX_APPEND_BYTES = 4 << 20;

interface Append {
  readonly topic: string;
  readonly message: Uint8Array;
  /** Its place in the line. */
  readonly place: number;
  /** How often it was handed over. */
  attempts: number;
  /** Whether the last attempt has failed. */
  failed: boolean;
  error: unknown;
}

/** The line of one server. */
export class AppendLine {
  readonly #owner: AppendLineOwner;
  readonly #queue: OutageQueue;
  /** What was handed over and is not known to be kept, in its order. */
  readonly #underWay: Set<Append> = new Set();
  #bytes = 0;
  #failed = 0;
  #places = 0;
  /** The place of the newest message that is known to be kept. */
  #newestKept = -1;
  #isUp = false;

  /**
   * @param limits The limits of what waits.
   * @param owner Who hands messages over.
   */
  constructor(limits: BackplaneQueueOptions | undefined, owner: AppendLineOwner) {
    this.#queue = new OutageQueue(limits);
    this.#owner = owner;
  }

  /** Takes a message into the line. */
  push(topic: string, message: Uint8Array): void {
    if (this.#hasRoom && this.#queue.size === 0) this.#begin(topic, message);
    else this.#queue.push(topic, message);
  }

  /** The engine can be used: what was cut off goes first, then what has waited. */
  up(): void {
    this.#isUp = true;
    for (const append of [...this.#underWay]) {
      if (append.place < this.#newestKept) this.#refuse(append);
      else if (this.#isUp) this.#attempt(append);
    }
    this.#flush();
  }

  /** The engine is away. */
  down(): void {
    this.#isUp = false;
  }

  /** The engine has not gone away: what it refused it has refused. */
  trust(): void {
    if (this.#isUp) this.#giveUp(this.#places);
  }

  get #hasRoom(): boolean {
    if (!this.#isUp) return false;
    if (this.#underWay.size === 0) return true;
    return this.#underWay.size < MAX_APPENDS && this.#bytes < MAX_APPEND_BYTES;
  }

  #flush(): void {
    const dropped = this.#queue.takeDropped();
    if (dropped > 0) this.#owner.dropped(dropped);
    while (this.#hasRoom) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#begin(next.topic, next.message);
    }
  }

  #begin(topic: string, message: Uint8Array): void {
    const place = this.#places++;
    const append = { topic, message, place, attempts: 0, failed: false, error: undefined };
    this.#underWay.add(append);
    this.#bytes += message.length;
    this.#attempt(append);
  }

  #attempt(append: Append): void {
    const attempt = ++append.attempts;
    if (append.failed) this.#failed--;
    append.failed = false;
    const failed = (error: unknown): void => {
      if (append.attempts === attempt) this.#attemptFailed(append, error);
    };
    try {
      this.#owner.append(append.topic, append.message).then(() => this.#kept(append), failed);
    } catch (error) {
      failed(error);
    }
  }

  #kept(append: Append): void {
    if (!this.#underWay.has(append)) return;
    this.#remove(append);
    this.#newestKept = Math.max(this.#newestKept, append.place);
    // What failed in front of it can't go in any more, or the order is lost.
    if (this.#failed > 0) this.#giveUp(append.place);
    if (this.#isUp) this.#flush();
  }

  #attemptFailed(append: Append, error: unknown): void {
    if (!this.#underWay.has(append)) return;
    append.failed = true;
    append.error = error;
    this.#failed++;
    if (this.#isUp) this.#owner.suspect();
  }

  /** Gives up what has failed, up to a place in the line. */
  #giveUp(place: number): void {
    for (const append of this.#underWay) {
      if (append.place >= place) break;
      if (append.failed) this.#refuse(append);
    }
    if (this.#isUp) this.#flush();
  }

  #refuse(append: Append): void {
    const { failed, error } = append;
    this.#remove(append);
    this.#owner.failed(
      failed ? error : new Error("Later messages were answered, this one was not"),
    );
  }

  #remove(append: Append): void {
    this.#underWay.delete(append);
    this.#bytes -= append.message.length;
    if (append.failed) this.#failed--;
  }
}
