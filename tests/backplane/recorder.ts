// Records the events of a backplane in place of a server.

import type { Backplane, BackplaneSink } from "../../src/backplane/backplane.ts";
import { readEnvelope } from "../../src/backplane/envelope.ts";
import { Queue } from "../support/live_harness.ts";

/** A received message. */
export interface Received {
  readonly topic: string;
  readonly message: Uint8Array;
  readonly number?: number;
  readonly previous?: number;
}

/** Records all events, and resubscribes as a server does. */
export class Recorder implements BackplaneSink {
  readonly messages: Queue<Received> = new Queue();
  /** `"up"` and `"down"`, in order. */
  states: Queue<"up" | "down"> = new Queue();
  readonly errors: unknown[] = [];
  readonly #backplane: Backplane;
  readonly #topics: readonly string[];

  /**
   * Starts a backplane.
   *
   * @param topics The topics to subscribe to whenever the backplane is up.
   */
  constructor(backplane: Backplane, ...topics: string[]) {
    this.#backplane = backplane;
    this.#topics = topics;
  }

  /** Starts a backplane, and waits until it is up and subscribed. */
  static async started(backplane: Backplane, ...topics: string[]): Promise<Recorder> {
    const recorder = new Recorder(backplane, ...topics);
    backplane.start(recorder);
    await recorder.#firstUp();
    return recorder;
  }

  /** Waits for the first connection. Earlier attempts may fail on a busy machine. */
  async #firstUp(): Promise<void> {
    while (await this.states.next() !== "up");
    this.states = new Queue();
    this.states.push("up");
    await this.states.next();
    this.errors.length = 0;
    await this.#subscribed;
  }

  #subscribed: Promise<unknown> = Promise.resolve();

  message(topic: string, message: Uint8Array, number?: number, previous?: number): void {
    this.messages.push(
      number === undefined ? { topic, message } : { topic, message, number, previous },
    );
  }

  up(): void {
    this.#subscribed = Promise.all(this.#topics.map((topic) => this.#backplane.subscribe(topic)));
    // The backplane may go down before all subscriptions are confirmed.
    this.#subscribed.catch(() => {});
    this.states.push("up");
  }

  down(error: unknown): void {
    this.errors.push(error);
    this.states.push("down");
  }

  /** Waits for the next state change, which must be to this state. */
  async waitForState(to: "up" | "down"): Promise<void> {
    const state = await this.states.next();
    if (state !== to) throw new Error(`expected ${to}, got ${state}`);
  }

  /** Waits until the backplane is up and subscribed. */
  async isUp(): Promise<void> {
    await this.waitForState("up");
    await this.#subscribed;
  }

  /** The payloads received so far, as text. */
  get texts(): string[] {
    const decoder = new TextDecoder();
    return this.messages.all.map(({ message }) => decoder.decode(readEnvelope(message)!.payload));
  }
}
