import assert from "node:assert/strict";
import { Subscriptions } from "../../src/backplane/redis/connection.ts";

/** A fake broker. The test answers each request. */
class SlowBroker {
  readonly requests: string[] = [];
  readonly #answers: ((error?: Error) => void)[] = [];

  ask(request: string): Promise<void> {
    this.requests.push(request);
    return new Promise((resolve, reject) => {
      this.#answers.push((error) => error === undefined ? resolve() : reject(error));
    });
  }

  async answer(error?: Error): Promise<void> {
    this.#answers.shift()!(error);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }
}

function topics(): { broker: SlowBroker; topics: Subscriptions } {
  const broker = new SlowBroker();
  return {
    broker,
    topics: new Subscriptions(
      (topic) => broker.ask(`+${topic}`),
      (topic) => broker.ask(`-${topic}`),
    ),
  };
}

Deno.test("requests one subscription per topic, several topics in parallel", async () => {
  const { broker, topics: all } = topics();
  const one = all.set("one", true);
  const again = all.set("one", true);
  const two = all.set("two", true);
  assert.deepEqual(broker.requests, ["+one", "+two"]);
  await broker.answer();
  await one;
  await again;
  await broker.answer();
  await two;
  await all.set("one", true);
  assert.deepEqual(broker.requests, ["+one", "+two"]);
});

Deno.test("applies the last of several changes made during a pending request", async () => {
  const { broker, topics: all } = topics();
  const settled = all.set("t", true);
  for (let i = 0; i < 9; i++) void all.set("t", i % 2 === 1);
  assert.deepEqual(broker.requests, ["+t"]);
  await broker.answer();
  assert.deepEqual(broker.requests, ["+t", "-t"]);
  void all.set("t", true);
  await broker.answer();
  assert.deepEqual(broker.requests, ["+t", "-t", "+t"]);
  await broker.answer();
  await settled;
});

Deno.test("sends no request for a topic unsubscribed before the confirmation", async () => {
  const { broker, topics: all } = topics();
  await all.set("t", false);
  assert.deepEqual(broker.requests, []);
});

Deno.test("a rejected request rejects the promise, and the next subscription tries again", async () => {
  const { broker, topics: all } = topics();
  const refused = assert.rejects(all.set("t", true), /no/);
  await broker.answer(new Error("no"));
  await refused;
  const granted = all.set("t", true);
  assert.deepEqual(broker.requests, ["+t", "+t"]);
  await broker.answer();
  await granted;
});
