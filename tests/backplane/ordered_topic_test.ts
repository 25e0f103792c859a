// Drives one topic step by step. Checks its requests to the history, and the order of each
// receiver's notifications.

import assert from "node:assert/strict";
import { type OrderedMessage, OrderedTopic } from "../../src/backplane/ordered_topic.ts";

interface Receiver {
  readonly log: string[];
  slow?: boolean;
}

function message(number: number, count = number, size = 1): OrderedMessage {
  return { number, origin: "a", count, size };
}

/** The bytes that topics report as buffered during reads. */
let held = 0;

const LIMITS = {
  maxReceivedBytes: 100,
  maxReplayMessages: 10,
  maxReplayBytes: 1000,
  holding: (difference: number) => void (held += difference),
};

/** A topic, its subscribers, and its pending reads. */
class TestSetup extends OrderedTopic<Receiver, OrderedMessage> {
  readonly receivers: Receiver[] = [];
  /** The requests to the history: the number after which to read, or "last". */
  readonly asked: (number | "last")[] = [];
  readonly notices: string[] = [];
  wanted = false;

  constructor() {
    super(LIMITS);
  }

  /** Adds a receiver. */
  add(after?: number): string[] {
    const receiver: Receiver = { log: [] };
    this.receivers.push(receiver);
    this.join(receiver, after);
    return receiver.log;
  }

  /** Receives messages in order. */
  arrive(...numbers: number[]): void {
    for (const number of numbers) this.receive(message(number), number - 1);
  }

  /** Starts a read. */
  ask(): void {
    assert.ok(this.wanted && this.needsRead, "no read was requested");
    this.wanted = false;
    this.asked.push(this.beginRead() ?? "last");
  }

  /** Completes the read. */
  answer(last: number, numbers: number[] = [], complete = true): void {
    this.read({ last, complete, messages: numbers.map((number) => message(number)) });
  }

  deliver({ number }: OrderedMessage): void {
    for (const receiver of this.receivers) {
      if (!this.isPending(receiver)) receiver.log.push(`${number}`);
    }
  }

  deliverTo(receiver: Receiver, { number }: OrderedMessage): void {
    receiver.log.push(`${number}`);
  }

  subscribed(receiver: Receiver, number: number | undefined): void {
    receiver.log.push(`at ${number}`);
  }

  missed(receiver: Receiver): void {
    receiver.log.push("missed");
  }

  missedByAll(): void {
    for (const receiver of this.receivers) {
      if (!this.isPending(receiver)) this.missed(receiver);
    }
  }

  wantRead(): void {
    this.wanted = true;
  }

  isReady(receiver: Receiver): boolean {
    return !receiver.slow;
  }

  started(): void {
    this.notices.push("started");
  }

  overflowed(): void {
    this.notices.push("overflowed");
    this.giveUp();
  }

  rewound(): void {
    this.notices.push("rewound");
  }
}

/** Creates a topic at this number, with one subscriber. */
function live(number: number): { t: TestSetup; first: string[] } {
  const t = new TestSetup();
  const first = t.add();
  t.ask();
  t.answer(number);
  assert.deepEqual(first.splice(0), [`at ${number}`]);
  t.asked.length = 0;
  t.notices.length = 0;
  return { t, first };
}

Deno.test("the first subscriber starts at the topic's position once it is known", () => {
  const t = new TestSetup();
  const log = t.add();
  assert.equal(t.starting, true);
  t.ask();
  t.answer(7);
  assert.deepEqual([log, t.asked, t.notices], [["at 7"], ["last"], ["started"]]);
  t.arrive(8);
  assert.deepEqual(log, ["at 7", "8"]);
  assert.deepEqual([t.starting, t.needsRead, t.wanted], [false, false, false]);
});

Deno.test("a message also sets the topic's position", () => {
  const t = new TestSetup();
  const log = t.add();
  t.ask();
  t.arrive(5, 6);
  assert.deepEqual(log, ["at 4", "5", "6"]);
  t.answer(5);
  t.arrive(6, 7);
  assert.deepEqual(log, ["at 4", "5", "6", "7"]);
});

Deno.test("delivers a duplicate once", () => {
  const { t, first } = live(7);
  t.arrive(8, 8, 7, 9, 8);
  assert.deepEqual(first, ["8", "9"]);
});

Deno.test("delivers a message that was appended twice only once, even to new subscribers", () => {
  const { t, first } = live(0);
  t.receive(message(1, 10), 0);
  t.receive(message(2, 10), 1);
  t.receive(message(3, 11), 2);
  assert.deepEqual(first, ["1", "3"]);
  const back = t.add(1);
  t.ask();
  t.read({ last: 3, complete: true, messages: [message(2, 10), message(3, 11)] });
  assert.deepEqual(back, ["at 1", "3"]);
});

Deno.test("delivers a message once if a duplicate follows a replay", () => {
  const t = new TestSetup();
  const back = t.add(1);
  t.ask();
  t.read({ last: 3, complete: true, messages: [message(2, 10), message(3, 11)] });
  t.receive(message(4, 10), 3);
  t.receive(message(5, 11), 4);
  t.receive(message(6, 12), 5);
  assert.deepEqual(back, ["at 1", "2", "3", "6"]);
});

Deno.test("reads a gap, then delivers messages that arrived meanwhile", () => {
  const { t, first } = live(7);
  t.arrive(10, 11);
  assert.deepEqual(first, []);
  t.ask();
  t.arrive(12, 13);
  t.answer(12, [8, 9, 10, 11, 12]);
  t.arrive(14);
  assert.deepEqual(t.asked, [7]);
  assert.deepEqual(first, ["8", "9", "10", "11", "12", "13", "14"]);
});

Deno.test("also reads a gap between messages that arrive during another read", () => {
  const { t, first } = live(7);
  t.arrive(9);
  t.ask();
  t.arrive(10, 12);
  t.answer(10, [8, 9, 10]);
  assert.deepEqual(first, ["8", "9", "10"]);
  t.ask();
  t.answer(12, [11, 12]);
  assert.deepEqual([t.asked, first], [[7, 10], ["8", "9", "10", "11", "12"]]);
});

Deno.test("a resuming subscriber gets its replay before new messages; others are not delayed", () => {
  const { t, first } = live(7);
  const back = t.add(4);
  const further = t.add(6);
  const there = t.add(7);
  t.arrive(8);
  t.ask();
  t.arrive(9);
  const later = t.add(5);
  t.arrive(10);
  t.answer(8, [5, 6, 7, 8]);
  t.arrive(11);
  assert.deepEqual(t.asked, [4]);
  assert.deepEqual(first, ["8", "9", "10", "11"]);
  assert.deepEqual(back, ["at 4", "5", "6", "7", "8", "9", "10", "11"]);
  assert.deepEqual(further, ["at 6", "7", "8", "9", "10", "11"]);
  assert.deepEqual(there, ["at 7", "8", "9", "10", "11"]);
  assert.deepEqual(later, ["at 5", "6", "7", "8", "9", "10", "11"], "one read serves both");
});

Deno.test("a subscriber that needs more than the pending read waits for the next read", () => {
  const { t } = live(7);
  t.add(4);
  t.ask();
  const later = t.add(1);
  t.answer(7, [5, 6, 7]);
  assert.deepEqual(later, []);
  t.ask();
  t.answer(7, [2, 3, 4, 5, 6, 7]);
  assert.deepEqual([t.asked, later], [[4, 1], ["at 1", "2", "3", "4", "5", "6", "7"]]);
});

Deno.test("an unavailable start of one range does not affect the next range", () => {
  const { t } = live(9);
  const [old, older, kept, recent] = [2, 3, 5, 7].map((after) => t.add(after));
  t.ask();
  // The history starts at 6, so the topic cannot tell whether it lacks a message between 5 and 6.
  t.answer(9, [6, 7, 8, 9], false);
  assert.deepEqual(old, ["at 2", "missed", "6", "7", "8", "9"]);
  assert.deepEqual(recent, ["at 7", "8", "9"]);
  assert.deepEqual([older, kept], [[], []]);
  t.ask();
  t.answer(9, [6, 7, 8, 9]);
  assert.deepEqual(kept, ["at 5", "6", "7", "8", "9"]);
  t.ask();
  t.answer(9, [6, 7, 8, 9], false);
  assert.deepEqual(older, ["at 3", "missed", "6", "7", "8", "9"]);
  assert.deepEqual([t.asked, t.needsRead], [[2, 5, 3], false]);
});

Deno.test("an unavailable range affects all subscribers that need it", () => {
  const { t } = live(9);
  const logs = [1, 2, 3, 4].map((after) => t.add(after));
  t.ask();
  t.answer(9, [9], false);
  t.ask();
  t.answer(9, [9], false);
  assert.deepEqual(t.asked, [1, 4]);
  assert.deepEqual(logs.map((log) => log.slice(1)), logs.map(() => ["missed", "9"]));
});

Deno.test("notifies all subscribers of a gap that the history no longer contains", () => {
  const { t, first } = live(7);
  t.arrive(20);
  t.ask();
  t.answer(20, [19, 20], false);
  t.arrive(21);
  assert.deepEqual(first, ["missed", "19", "20", "21"]);
});

Deno.test("a subscriber ahead of this server waits until the server catches up", () => {
  const { t, first } = live(7);
  const ahead = t.add(9);
  t.ask();
  t.arrive(8);
  t.answer(9, [8, 9]);
  t.arrive(9, 10);
  assert.deepEqual([t.asked, first, ahead], [[7], ["8", "9", "10"], ["at 9", "10"]]);
});

Deno.test("reports a gap to a client that is ahead of the broker", () => {
  const { t } = live(7);
  const lost = t.add(1000);
  t.ask();
  t.answer(7);
  t.arrive(8);
  assert.deepEqual(lost, ["at 7", "missed", "8"]);
});

Deno.test("reads all missed messages after an outage before delivering new ones", () => {
  const { t, first } = live(7);
  const back = t.add(5);
  t.ask();
  t.interrupt();
  const fresh = t.add();
  assert.ok(t.needsRead);
  t.arrive(10);
  t.ask();
  t.arrive(11);
  t.answer(10, [8, 9, 10]);
  t.ask();
  t.answer(11, [6, 7, 8, 9, 10, 11]);
  assert.deepEqual(t.asked, [5, 7, 5]);
  assert.deepEqual(first, ["8", "9", "10", "11"]);
  assert.deepEqual(fresh, ["at 10", "11"]);
  assert.deepEqual(back, ["at 5", "6", "7", "8", "9", "10", "11"]);
});

Deno.test("after a failed read all subscribers continue with a gap notice", () => {
  const { t, first } = live(7);
  const back = t.add(5);
  const fresh = t.add();
  t.ask();
  t.arrive(8);
  t.giveUp();
  assert.deepEqual([back, fresh], [["at 5", "missed", "8"], ["at 7", "8"]]);
  t.arrive(10);
  t.ask();
  t.arrive(11, 13);
  t.giveUp();
  assert.deepEqual(first, ["8", "missed", "11", "missed", "13"]);
  t.arrive(20);
  assert.deepEqual([first.at(-1), t.needsRead], ["13", true], "a later gap is read as usual");
});

Deno.test("after a failed first read the next message sets the position", () => {
  const t = new TestSetup();
  const logs = [t.add(), t.add(4)];
  t.ask();
  t.giveUp();
  assert.deepEqual([t.notices, t.needsRead], [["started"], false]);
  t.arrive(6, 7);
  assert.deepEqual(logs, [["at undefined", "6", "7"], ["at 4", "missed", "6", "7"]]);
});

Deno.test("drops messages that exceed the buffer", () => {
  const { t, first } = live(7);
  t.arrive(9);
  t.ask();
  t.receive(message(10, 10, 60), 9);
  t.receive(message(11, 11, 60), 10);
  t.arrive(12);
  assert.deepEqual([t.notices, first], [["overflowed"], ["missed", "10", "11", "12"]]);
});

Deno.test("reports decreasing numbers, and restarts all subscribers", () => {
  const { t, first } = live(7);
  t.interrupt();
  const logs = [t.add(), t.add(3)];
  t.ask();
  t.answer(2, []);
  t.arrive(3);
  assert.deepEqual([t.notices, first], [["rewound"], ["missed", "3"]]);
  assert.deepEqual(logs, [["at 2", "3"], ["at 2", "missed", "3"]]);
});

Deno.test("an unsubscribed client receives no messages; subscribing again is confirmed", () => {
  const { t, first } = live(7);
  const back = t.add(5);
  t.leave(t.receivers[1]);
  t.leave(t.receivers[1]);
  assert.equal(t.needsRead, false);
  const again = t.add(6);
  t.confirm(t.receivers[2]);
  t.confirm(t.receivers[0]);
  t.ask();
  t.answer(7, [7]);
  assert.deepEqual([back, again, first], [[], ["at 6", "7"], ["at 7"]]);
});

Deno.test("also reads a gap before messages that arrived meanwhile", () => {
  const t = new TestSetup();
  const back = t.add(2);
  t.ask();
  t.arrive(10);
  t.answer(7, [3, 4, 5, 6, 7]);
  assert.deepEqual(back, ["at 2", "3", "4", "5", "6", "7"]);
  t.ask();
  t.answer(10, [8, 9, 10]);
  t.arrive(11);
  assert.deepEqual([t.asked, back.slice(6)], [[2, 7], ["8", "9", "10", "11"]]);
});

Deno.test("subscribers with a gap wait for their own read and get no duplicates", () => {
  const { t, first } = live(7);
  const back = t.add(4);
  t.ask();
  t.answer(20, [19, 20], false);
  assert.deepEqual([first, back], [[], ["at 4", "missed", "19", "20"]]);
  t.ask();
  t.arrive(20, 21);
  t.giveUp();
  assert.deepEqual(t.asked, [4, 7]);
  assert.deepEqual(first, ["missed", "21"]);
  assert.deepEqual(back, ["at 4", "missed", "19", "20", "missed", "21"]);
});

Deno.test("a subscriber that continued without a number is notified of the gap", () => {
  const t = new TestSetup();
  const blind = t.add();
  t.ask();
  t.giveUp();
  const fresh = t.add();
  t.ask();
  t.answer(5);
  t.arrive(5, 6);
  assert.deepEqual([blind, fresh], [["at undefined", "missed", "6"], ["at 5", "6"]]);
});

Deno.test("requests another page when a page ends before the topic does", () => {
  const { t, first } = live(7);
  const back = t.add(1);
  t.ask();
  t.answer(7, [2, 3]);
  assert.deepEqual(back, ["at 1", "2", "3"]);
  t.arrive(8);
  t.ask();
  t.answer(8, [4, 5]);
  t.ask();
  t.arrive(9);
  t.answer(8, [6, 7, 8]);
  assert.deepEqual([t.asked, t.needsRead], [[1, 3, 5], false]);
  assert.deepEqual(back, ["at 1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  assert.deepEqual(first, ["8", "9"]);
});

Deno.test("reads a gap page by page", () => {
  const { t, first } = live(7);
  t.arrive(12);
  t.ask();
  t.answer(12, [8, 9]);
  t.arrive(13);
  assert.deepEqual(first, ["8", "9"]);
  t.ask();
  t.answer(13, [10, 11, 12, 13]);
  t.arrive(14);
  assert.deepEqual(first, ["8", "9", "10", "11", "12", "13", "14"]);
});

Deno.test("does not read for a slow receiver, and does not delay others", () => {
  const { t, first } = live(7);
  const stuck = t.add(0);
  t.receivers[1].slow = true;
  assert.equal(t.needsRead, false);
  const back = t.add(5);
  t.ask();
  t.answer(7, [6, 7]);
  t.arrive(8);
  assert.deepEqual([t.asked, stuck, back, first], [[5], [], ["at 5", "6", "7", "8"], ["8"]]);
  t.receivers[1].slow = false;
  t.wanted = true;
  t.ask();
  t.answer(8, [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(stuck, ["at 0", "1", "2", "3", "4", "5", "6", "7", "8"]);
});

Deno.test("a receiver that becomes slow gets the rest of its page later", () => {
  const { t } = live(7);
  const back = t.add(4);
  const [, receiver] = t.receivers;
  t.deliverTo = (receiver, { number }) => {
    receiver.log.push(`${number}`);
    receiver.slow = true;
  };
  t.ask();
  t.answer(7, [5, 6, 7]);
  assert.deepEqual([back, t.needsRead], [["at 4", "5"], false]);
  receiver.slow = false;
  t.wanted = true;
  t.ask();
  t.answer(7, [6, 7]);
  assert.deepEqual([t.asked, back], [[4, 5], ["at 4", "5", "6"]]);
});

Deno.test("alternates between subscribers with long replays and the others", () => {
  const { t } = live(9000);
  const far = [t.add(0), t.add(1000)];
  t.ask();
  const near = [t.add(8990), t.add(8980)];
  t.answer(9000, [1, 2]);
  t.ask();
  t.answer(9000, [1001, 1002]);
  t.ask();
  t.answer(9000, [8981, 8990, 9000]);
  assert.deepEqual(t.asked, [0, 1000, 8980]);
  assert.deepEqual(near, [["at 8990", "9000"], ["at 8980", "8981", "8990", "9000"]]);
  t.ask();
  assert.equal(t.asked.at(-1), 2);
  assert.deepEqual(far, [["at 0", "1", "2"], ["at 1000", "1001", "1002"]]);
});

Deno.test("ends a replay beyond its limit with a gap notice, then delivers new messages", () => {
  for (const size of [1, 400]) {
    const { t } = live(20);
    const back = t.add(0);
    const page = (from: number, to: number): OrderedMessage[] =>
      Array.from({ length: to - from + 1 }, (_, i) => message(from + i, from + i, size));
    t.ask();
    t.read({ last: 20, complete: true, messages: page(1, 8) });
    if (t.needsRead) {
      t.ask();
      t.read({ last: 20, complete: true, messages: page(9, 16) });
    }
    t.arrive(21);
    const sent = size === 1 ? 10 : 2;
    const expected = Array.from({ length: sent }, (_, i) => `${i + 1}`);
    assert.deepEqual(back, ["at 0", ...expected, "missed", "21"]);
    assert.equal(t.needsRead, false);
  }
});

Deno.test("messages that arrive during a read count toward memory until the read succeeds or fails", () => {
  for (const end of ["answer", "giveUp", "interrupt", "end"] as const) {
    const { t } = live(7);
    t.add(3);
    t.ask();
    t.arrive(8, 9, 10);
    assert.equal(held, 3);
    if (end === "answer") t.answer(7, [4, 5, 6, 7]);
    else t[end]();
    assert.equal(held, 0, end);
  }
});
