// Events in separate turns of the event loop: `allowSynchronousEvents: false`.

import { setImmediate } from "node:timers";
import type { Link } from "./link.ts";
import { guard } from "./sender.ts";

/** The events of one WebSocket, in order. Reading stops until all were emitted. */
export class EventTurns {
  readonly #link: Link<unknown>;
  readonly #isPaused: () => boolean;
  readonly #events: Array<() => void> = [];

  /**
   * @param link The connection.
   * @param isPaused Whether the user has paused it.
   */
  constructor(link: Link<unknown>, isPaused: () => boolean) {
    this.#link = link;
    this.#isPaused = isPaused;
  }

  /** Emits an event in a separate turn, after earlier ones. */
  add(emit: () => void): void {
    if (this.#events.push(emit) > 1) return;
    this.#link.pause();
    setImmediate(() => this.#emitNext());
  }

  #emitNext(): void {
    guard(this.#events[0]!);
    this.#events.shift();
    if (this.#events.length > 0) setImmediate(() => this.#emitNext());
    else if (!this.#isPaused()) this.#link.resume();
  }
}
