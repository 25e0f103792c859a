// The history of the in-memory broker. It honors the contract, and fails on demand.

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
  /** The number of the newest message that was discarded. */
  trimmed: number;
}

/** A request to the history. */
export type HistoryRequest = [method: "append" | "read", topic: string, after?: number];

/** The stored messages of all topics. */
export class FakeHistory {
  readonly #topics: Map<string, Kept> = new Map();
  /** All requests. */
  readonly requests: HistoryRequest[] = [];
  /** The limits that each server requested. */
  readonly limits: HistoryLimits[] = [];
  /** Decides whether a stored message is lost before it reaches the servers. */
  loses: ((topic: string, number: number) => boolean) | undefined;
  /** Replaces an append. It calls `done` to store the message. */
  append: ((done: () => void) => Promise<unknown>) | undefined;
  /** Replaces the result of a read. `answer` returns the normal result. */
  read: ((answer: () => HistoryPage) => unknown) | undefined;
  /** The difference between the numbers of consecutive messages. */
  step = 1;

  /** Creates a server's access to the history. */
  access(broker: FakeBroker): BackplaneHistory {
    return {
      keep: (limits) => void this.limits.push(limits),
      append: (topic, message) => {
        this.requests.push(["append", topic]);
        if (!broker.isUp) return Promise.reject(new Error("request while the broker is down"));
        const act = (): void => this.#append(broker, topic, message);
        if (this.append !== undefined) return this.append(act);
        act();
        return Promise.resolve();
      },
      read: (topic, after, limit) => {
        this.requests.push(after === undefined ? ["read", topic] : ["read", topic, after]);
        assert.ok(broker.isUp, "request while the broker is down");
        const answer = (): HistoryPage => this.#read(topic, after, limit?.maxMessages);
        if (this.read === undefined) return Promise.resolve(answer());
        return this.read(answer) as Promise<HistoryPage>;
      },
    };
  }

  /** The reads among the requests. */
  get reads(): HistoryRequest[] {
    return this.requests.filter(([method]) => method === "read");
  }

  /** Discards all but the newest `count` messages of a topic. */
  trim(topic: string, count: number): void {
    const kept = this.#kept(topic);
    const gone = kept.messages.splice(0, kept.messages.length - count);
    kept.trimmed = gone.at(-1)?.number ?? kept.trimmed;
  }

  /** Discards all messages, and starts numbering again. */
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
