// Simulates a broker that keeps the history of one topic, a server that subscribes to it, and
// receivers that connect, disconnect and reconnect. Each step is random. The messages of each
// receiver are compared with the published ones.

import assert from "node:assert/strict";
import { type OrderedMessage, OrderedTopic, type Page } from "../../src/backplane/ordered_topic.ts";
import type { Random } from "./random.ts";

/** A message of the simulation. */
export interface SimulatedMessage extends OrderedMessage {
  readonly previous: number;
  /** Whether the same message was appended before. */
  readonly repeated: boolean;
}

/** The probabilities of the simulation. */
export interface Probabilities {
  /** Percentage of live messages that are lost. */
  readonly lost: number;
  /** Percentage of live messages that arrive twice. */
  readonly twice: number;
  /** Percentage of reads that fail. */
  readonly failedReads: number;
  /** Percentage of appends that are repeated. */
  readonly repeated: number;
  /** Broker outages per thousand steps. */
  readonly outages: number;
  /** The maximum number of messages in the history. */
  readonly kept: number;
  /** The option `maxReceivedBytes` of the topic. */
  readonly maxHeld: number;
  /** The maximum number of messages in a page. */
  readonly pageSize: number;
  /** The maximum number of messages in a replay. */
  readonly maxReplay: number;
  /** How often a receiver applies backpressure to a replay, in percent. */
  readonly slow: number;
}

/** A subscriber that records its messages. */
class Receiver {
  /** The number up to which it has all messages, according to the received notices. */
  at: number | undefined;
  /** Whether a gap was reported and no message has arrived since. */
  hasMissed = false;
  isSubscribed = false;
  /** The received messages. */
  readonly counts: Set<number> = new Set();
}

/** The broker, the server and the receivers. */
export class TopicSimulation extends OrderedTopic<Receiver, SimulatedMessage> {
  readonly #random: Random;
  readonly #chances: Probabilities;
  readonly #receivers: Set<Receiver> = new Set();
  readonly #all: SimulatedMessage[] = [];
  #number = 0;
  #count = 0;
  /** Live messages in transit. */
  #live: SimulatedMessage[] = [];
  /** The result of the pending read, once the broker has produced it. */
  #page: Page<SimulatedMessage> | "failed" | undefined;
  #reading = false;
  #from: number | undefined;
  #wanted = false;
  #isUp = true;
  /** The number of started reads. */
  reads = 0;
  /** The number of reported gaps. */
  misses = 0;
  /** The number of delivered messages. */
  got = 0;

  constructor(random: Random, chances: Probabilities) {
    super({
      maxReceivedBytes: chances.maxHeld,
      maxReplayMessages: chances.maxReplay,
      maxReplayBytes: Infinity,
    });
    this.#random = random;
    this.#chances = chances;
  }

  /** Performs one random step. */
  step(): void {
    const { outages } = this.#chances;
    if (this.#random.below(1000) < outages) this.#startOutage();
    const action = this.#random.below(10);
    if (action < 3) this.#publish();
    else if (action < 5) this.#deliverLive();
    else if (action < 7) this.#read();
    else if (action === 7) this.#addReceiver();
    else if (action === 8) this.#removeReceiver();
    else if (!this.#isUp && this.#random.below(4) === 0) this.#endOutage();
  }

  /** Completes all pending work, and checks that every receiver has every message. */
  settle(): void {
    if (!this.#isUp) this.#endOutage();
    // A receiver detects the loss of the last message only when another one arrives.
    this.#append(this.#count++, false);
    if (this.#live.at(-1) !== this.#all.at(-1)) this.#live.push(this.#all.at(-1)!);
    for (let i = 0; this.#live.length > 0 || this.#wanted || this.#reading; i++) {
      assert.ok(i < 5000, "the simulation does not end");
      this.#deliverLive();
      this.#read();
    }
    for (const receiver of this.#receivers) {
      assert.ok(receiver.isSubscribed, "every receiver was notified");
      assert.ok(!this.isPending(receiver), "every receiver is subscribed");
      if (receiver.at === undefined || receiver.hasMissed) continue;
      assert.equal(this.#between(receiver.at, this.#number).length, 0, "no pending work is left");
    }
    assert.equal(this.needsRead, false);
  }

  // The decisions of the topic.

  deliver(message: SimulatedMessage): void {
    for (const receiver of this.#receivers) {
      if (!this.isPending(receiver)) this.#take(receiver, message);
    }
  }

  deliverTo(receiver: Receiver, message: SimulatedMessage): void {
    assert.ok(this.#receivers.has(receiver), "the receiver is connected");
    this.#take(receiver, message);
  }

  subscribed(receiver: Receiver, number: number | undefined): void {
    assert.ok(!receiver.isSubscribed, "the subscription is confirmed only once");
    receiver.isSubscribed = true;
    receiver.at = number;
  }

  missed(receiver: Receiver): void {
    assert.ok(receiver.isSubscribed, "the confirmation of the subscription is first");
    receiver.hasMissed = true;
    this.misses++;
    const { failedReads, maxHeld, maxReplay } = this.#chances;
    if (failedReads > 0 || maxHeld < Infinity || maxReplay < Infinity) return;
    const [first] = this.#kept;
    const lost = this.#all.some(({ number }) =>
      number > (receiver.at ?? 0) && number < first.number
    );
    assert.ok(lost, "a message was lost");
  }

  missedByAll(): void {
    for (const receiver of this.#receivers) {
      if (!this.isPending(receiver)) this.missed(receiver);
    }
  }

  wantRead(): void {
    this.#wanted = true;
  }

  isReady(): boolean {
    if (this.#random.below(100) >= this.#chances.slow) return true;
    this.#wanted = true;
    return false;
  }

  started(): void {
    assert.equal(this.starting, false);
  }

  overflowed(): void {
    this.#reading = false;
    this.giveUp();
  }

  rewound(): void {
    assert.fail("the broker's numbers were reset");
  }

  /** Delivers a message to a receiver. It must be the next one, unless a gap was reported. */
  #take(receiver: Receiver, message: SimulatedMessage): void {
    assert.ok(receiver.isSubscribed, "the confirmation of the subscription is first");
    if (receiver.at !== undefined) {
      // A receiver that was ahead of this server and gets no gap notice starts from an earlier
      // message.
      assert.ok(message.number > receiver.at || receiver.hasMissed, "in order, and once");
      const missing = this.#between(receiver.at, message.number - 1);
      if (!receiver.hasMissed) assert.deepEqual(missing.map(({ number }) => number), []);
    }
    assert.ok(!receiver.counts.has(message.count), "a message appended twice is delivered once");
    receiver.counts.add(message.count);
    receiver.at = message.number;
    receiver.hasMissed = false;
    this.got++;
  }

  /** Returns the messages with numbers above `after`, up to `last`. */
  #between(after: number, last: number): SimulatedMessage[] {
    return this.#all.filter((message) =>
      message.number > after && message.number <= last && !message.repeated
    );
  }

  get #kept(): SimulatedMessage[] {
    return this.#all.slice(-this.#chances.kept);
  }

  #publish(): void {
    if (!this.#isUp) return;
    const count = this.#count++;
    this.#append(count, false);
    if (this.#random.below(100) < this.#chances.repeated) this.#append(count, true);
  }

  #append(count: number, repeated: boolean): void {
    const previous = this.#number;
    this.#number += 1 + this.#random.below(3);
    const message = { number: this.#number, previous, origin: "a", count, size: 1, repeated };
    this.#all.push(message);
    if (this.#random.below(100) >= this.#chances.lost) this.#live.push(message);
    if (this.#random.below(100) < this.#chances.twice) this.#live.push(message);
  }

  /** Delivers live messages. */
  #deliverLive(): void {
    for (let n = this.#random.below(4); n >= 0; n--) {
      const message = this.#live.shift();
      if (message !== undefined) this.receive(message, message.previous);
    }
  }

  /** Advances the read by one step: it starts, the broker answers, the answer arrives. */
  #read(): void {
    if (!this.#isUp) return;
    if (this.#page !== undefined) {
      const page = this.#page;
      this.#page = undefined;
      if (!this.#reading) return;
      this.#reading = false;
      if (page === "failed") this.giveUp();
      else this.read(page);
    } else if (this.#reading) {
      this.#page = this.#answer();
    } else if (this.#wanted) {
      this.#wanted = false;
      if (!this.needsRead) return;
      this.#reading = true;
      this.reads++;
      this.#from = this.beginRead();
    }
  }

  #answer(): Page<SimulatedMessage> | "failed" {
    if (this.#random.below(100) < this.#chances.failedReads) return "failed";
    const from = this.#from;
    if (from === undefined) return { last: this.#number, complete: true, messages: [] };
    const trimmed = this.#all.at(-this.#chances.kept - 1)?.number ?? 0;
    const messages = this.#kept.filter(({ number }) => number > from);
    return {
      last: this.#number,
      complete: trimmed <= from,
      messages: messages.slice(0, this.#chances.pageSize),
    };
  }

  /** Connects a receiver, for the first time or again. */
  #addReceiver(): void {
    if (this.#receivers.size > 20) return;
    const receiver = new Receiver();
    this.#receivers.add(receiver);
    const what = this.#random.below(3);
    const after = what === 0 ? undefined : what === 1
      // The receiver was connected to another server, which had all messages.
      ? this.#number
      : this.#all[this.#random.below(this.#all.length)]?.number ?? 0;
    this.join(receiver, after);
  }

  #removeReceiver(): void {
    if (this.#receivers.size < 3) return;
    const receiver = [...this.#receivers][this.#random.below(this.#receivers.size)];
    this.#receivers.delete(receiver);
    this.leave(receiver);
  }

  #startOutage(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#live = [];
    this.#page = undefined;
    this.#reading = false;
    this.interrupt();
  }

  #endOutage(): void {
    this.#isUp = true;
    // Other servers published messages during the outage.
    for (let n = this.#random.below(5); n > 0; n--) this.#append(this.#count++, false);
    this.#live = [];
    this.#wanted = this.needsRead;
  }
}
