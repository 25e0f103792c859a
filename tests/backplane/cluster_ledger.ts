// Compares the messages that each client of a cluster receives with the expected ones.

import { type ClusterMessage, TOPICS } from "./cluster_messages.ts";

/** The maximum number of starts of a node. */
const LIVES = 2;

/** The maximum number of messages that a node publishes after each start. */
const NUMBERS = 4096;

/** A batch of messages that each node publishes. */
export interface Piece {
  readonly first: number;
  readonly count: number;
}

/** The messages that one client has received. */
export class ClientLedger {
  /** The node that the client is connected to. */
  readonly node: number;
  /** The subscribed topics, by their numbers. */
  readonly topics: readonly number[];
  readonly #got: Uint8Array[];
  /** The highest message number by node, start and topic. */
  readonly #newest = new Map<number, number>();
  readonly #faults: string[];

  constructor(node: number, nodes: number, topics: readonly number[], faults: string[]) {
    this.node = node;
    this.topics = topics;
    this.#got = Array.from({ length: nodes * LIVES }, () => new Uint8Array(NUMBERS));
    this.#faults = faults;
  }

  /** Records a message. Adds a fault if it is repeated, out of order, or on another topic. */
  take({ node, life, number }: ClusterMessage): void {
    const publisher = node * LIVES + life;
    const topic = number % TOPICS;
    const place = publisher * TOPICS + topic;
    const newest = this.#newest.get(place) ?? -1;
    if (this.#got[publisher][number]++ > 0) this.#faults.push(`${node} ${life} ${number} twice`);
    else if (number < newest) this.#faults.push(`${node} ${life} ${number} after ${newest}`);
    if (!this.topics.includes(topic)) this.#faults.push(`${number} is on another topic`);
    this.#newest.set(place, Math.max(newest, number));
  }

  /** Returns the numbers in a batch that have not arrived from a node. */
  missing(node: number, life: number, { first, count }: Piece): number[] {
    const got = this.#got[node * LIVES + life];
    return Array.from({ length: count }, (_, i) => first + i)
      .filter((number) => this.topics.includes(number % TOPICS) && got[number] === 0);
  }
}
