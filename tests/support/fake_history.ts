// The history of a broker in memory, which implements the contract and fails on demand.

import assert from "node:assert/strict";
import type {
  BackplaneHistory,
  HistoryLimits,
  HistoryPage,
  NumberedMessage,
} from "../../src/backplane/backplane.ts";
import type { FakeBroker } from "./fake_broker.ts";

interface Kept {
  messages: NumberedMessage[];
  last: number;
  /** The number of the newest message that is no longer kept. */
  trimmed: number;
}

/** The requests to the history. */
export type HistoryRequest = [method: "append" | "read", topic: string, after?: number];

/** The stored messages of all topics. */
export class FakeHistory {
  readonly #topics: Map<string, Kept> = new Map();
  /** All requests. */
  readonly requests: HistoryRequest[] = [];
  /** The requested history limits of the servers. */
  readonly limits: HistoryLimits[] = [];
  /** Whether a stored message is lost on its way to the servers. */
  loses: ((topic: string, number: number) => boolean) | undefined;
  /** Runs after an append has been stored (`done`) or instead of it. */
  append: ((done: () => void) => Promise<unknown>) | undefined;
  /** Replaces the result of a read. */
  read: ((answer: () => HistoryPage) => unknown) | undefined;
  /** Separates the numbers. */
  step = 1;

  /** The history as one server of the broker sees it. */
  access(broker: FakeBroker): BackplaneHistory {
    return {
      keep: (limits) => void this.limits.push(limits),
      append: (topic, message) => {
        this.requests.push(["append", topic]);
        if (!broker.isUp) return Promise.reject(new Error("requested while the broker was down"));
        const act = (): void => this.#append(broker, topic, message);
        if (this.append !== undefined) return this.append(act);
        act();
        return Promise.resolve();
      },
      read: (topic, after, limit) => {
        this.requests.push(after === undefined ? ["read", topic] : ["read", topic, after]);
        assert.ok(broker.isUp, "requested while the broker was down");
        const answer = (): HistoryPage => this.#read(topic, after, limit?.maxMessages);
        if (this.read === undefined) return Promise.resolve(answer());
        return this.read(answer) as Promise<HistoryPage>;
      },
    };
  }

  /** The requested reads. */
  get reads(): HistoryRequest[] {
    return this.requests.filter(([method]) => method === "read");
  }

  /** Keeps only this number of the newest messages of a topic. */
  trim(topic: string, count: number): void {
    const kept = this.#kept(topic);
    const gone = kept.messages.splice(0, kept.messages.length - count);
    kept.trimmed = gone.at(-1)?.number ?? kept.trimmed;
  }

  /** Forgets everything, its numbers included. */
  lose(): void {
    this.#topics.clear();
  }

  #append(broker: FakeBroker, topic: string, message: Uint8Array): void {
    const kept = this.#kept(topic);
    const previous = kept.messages.at(-1)?.number ?? 0;
    kept.last += this.step;
    kept.messages.push({ number: kept.last, message: message.slice() });
    this.trim(topic, Math.min(kept.messages.length, this.limits[0].maxMessages));
    if (this.loses?.(topic, kept.last)) return;
    broker.send(topic, message, kept.last, previous);
  }

  #read(topic: string, after: number | undefined, count?: number): HistoryPage {
    const { last, trimmed, messages } = this.#kept(topic);
    if (after === undefined) return { last, complete: true, messages: [] };
    return {
      last,
      complete: trimmed <= after,
      messages: messages.filter(({ number }) => number > after).slice(0, count),
    };
  }

  #kept(topic: string): Kept {
    let kept = this.#topics.get(topic);
    if (kept === undefined) {
      kept = { messages: [], last: 0, trimmed: 0 };
      this.#topics.set(topic, kept);
    }
    return kept;
  }
}
