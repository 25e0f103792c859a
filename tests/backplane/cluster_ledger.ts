// Compares the messages that each client of a cluster receives with the expected ones.

import { type ClusterMessage, TOPICS } from "./cluster_messages.ts";

/** The maximum number of starts of a node. */
const MAX_STARTS = 2;

/** The maximum number of messages that a node publishes after each start. */
const MAX_MESSAGES = 4096;

/** A batch of messages that each node publishes. */
export interface Batch {
  readonly first: number;
  readonly count: number;
}

/** The messages that one client has received. */
export class ClientLedger {
  /** The node that the client is connected to. */
  readonly node: number;
  /** The subscribed topics, by their numbers. */
  readonly topics: readonly number[];
  readonly #received: Uint8Array[];
  /** The highest message number by node, start and topic. */
  readonly #newest = new Map<number, number>();
  readonly #faults: string[];

  constructor(node: number, nodes: number, topics: readonly number[], faults: string[]) {
    this.node = node;
    this.topics = topics;
    this.#received = Array.from({ length: nodes * MAX_STARTS }, () => new Uint8Array(MAX_MESSAGES));
    this.#faults = faults;
  }

  /** Records a message. Adds a fault if it is repeated, out of order, or on another topic. */
  record({ node, restarts, number }: ClusterMessage): void {
    const publisher = node * MAX_STARTS + restarts;
    const topic = number % TOPICS;
    const key = publisher * TOPICS + topic;
    const newest = this.#newest.get(key) ?? -1;
    if (this.#received[publisher][number]++ > 0) {
      this.#faults.push(`${node} ${restarts} ${number} twice`);
    } else if (number < newest) this.#faults.push(`${node} ${restarts} ${number} after ${newest}`);
    if (!this.topics.includes(topic)) this.#faults.push(`${number} is on another topic`);
    this.#newest.set(key, Math.max(newest, number));
  }

  /** Returns the numbers in a batch that have not arrived from a node. */
  missing(node: number, restarts: number, { first, count }: Batch): number[] {
    const received = this.#received[node * MAX_STARTS + restarts];
    return Array.from({ length: count }, (_, i) => first + i)
      .filter((number) => this.topics.includes(number % TOPICS) && received[number] === 0);
  }
}
