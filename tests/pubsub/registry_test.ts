import assert from "node:assert/strict";
import { TopicRegistry } from "../../src/pubsub/registry.ts";
import { assertFreesMemory } from "../support/heap.ts";

const [a, b] = [{ id: "a" }, { id: "b" }];

function registryOf(
  ...subscriptions: [subscriber: object, topic: string][]
): TopicRegistry<object> {
  const registry = new TopicRegistry<object>();
  for (const [subscriber, topic] of subscriptions) registry.subscribe(subscriber, topic);
  return registry;
}

Deno.test("returns the subscribers of a topic in order, each once", () => {
  const registry = registryOf([b, "x"], [a, "x"], [a, "y"], [b, "x"]);
  assert.deepEqual([...registry.subscribers("x")], [b, a]);
  assert.deepEqual([...registry.subscribers("y")], [a]);
  assert.deepEqual([...registry.subscribers("z")], []);
  assert.deepEqual(["x", "y", "z"].map((name) => registry.count(name)), [2, 1, 0]);
  assert.deepEqual(registry.namesOf(a), ["x", "y"]);
  assert.deepEqual(registry.namesOf(b), ["x"]);
});

Deno.test("counts and queries a subscriber's topics", () => {
  const registry = registryOf([a, "x"], [a, "__proto__"], [b, "x"]);
  assert.deepEqual([a, b, {}].map((subscriber) => registry.countOf(subscriber)), [2, 1, 0]);
  assert.deepEqual([registry.has(a, "__proto__"), registry.has(b, "__proto__")], [true, false]);
  assert.deepEqual([registry.has(a, "toString"), registry.has({}, "x")], [false, false]);
  registry.unsubscribe(a, "x");
  assert.deepEqual([registry.has(a, "x"), registry.has(b, "x"), registry.countOf(a)], [
    false,
    true,
    1,
  ]);
});

Deno.test("subscribe and unsubscribe return whether they had an effect", () => {
  const registry = registryOf();
  const answers = [
    registry.unsubscribe(a, "x"),
    registry.subscribe(a, "x"),
    registry.subscribe(a, "x"),
    registry.unsubscribe(b, "x"),
    registry.unsubscribe(a, "x"),
    registry.unsubscribe(a, "x"),
  ];
  assert.deepEqual(answers, [false, true, false, false, true, false]);
});

Deno.test("a topic without subscribers is removed", () => {
  const registry = registryOf([a, "x"], [b, "x"], [a, "y"]);
  registry.unsubscribe(a, "x");
  assert.equal(registry.size, 2);
  registry.withdraw(b);
  assert.equal(registry.size, 1);
  registry.withdraw(a);
  assert.equal(registry.size, 0);
});

Deno.test("withdraw removes a subscriber from all topics; forget removes its list of topics", () => {
  const registry = registryOf([a, "x"], [a, "y"], [b, "x"]);
  registry.withdraw(a);
  assert.deepEqual([...registry.subscribers("x")], [b]);
  assert.equal(registry.count("y"), 0);
  assert.deepEqual(registry.namesOf(a), ["x", "y"]);
  assert.equal(registry.unsubscribe(a, "x"), false);
  registry.forget(a);
  assert.deepEqual(registry.namesOf(a), []);
  registry.withdraw(a);
  registry.forget(a);
  assert.deepEqual(registry.namesOf(b), ["x"]);
});

Deno.test("handles names of Object.prototype properties like any other name", () => {
  const registry = registryOf([a, "__proto__"], [a, "constructor"]);
  assert.deepEqual(registry.namesOf(a), ["__proto__", "constructor"]);
  assert.equal(registry.count("toString"), 0);
});

Deno.test("matches a simple model after random calls", () => {
  const registry = new TopicRegistry<object>();
  const subscribers = Array.from({ length: 6 }, () => ({}));
  const model = new Map<object, Set<string>>(subscribers.map((each) => [each, new Set()]));
  let state = 1;
  const random = (below: number): number => {
    state = (state * 48271) % 0x7fffffff;
    return state % below;
  };
  for (let step = 0; step < 5000; step++) {
    const subscriber = subscribers[random(subscribers.length)];
    const name = `topic ${random(8)}`;
    const names = model.get(subscriber)!;
    if (random(50) === 0) {
      registry.withdraw(subscriber);
      registry.forget(subscriber);
      names.clear();
    } else if (random(2) === 0) {
      assert.equal(registry.subscribe(subscriber, name), !names.has(name));
      names.add(name);
    } else {
      assert.equal(registry.unsubscribe(subscriber, name), names.delete(name));
    }
    assert.deepEqual(registry.namesOf(subscriber), [...names]);
    const expected = subscribers.filter((each) => model.get(each)!.has(name));
    assert.deepEqual(new Set(registry.subscribers(name)), new Set(expected));
    assert.equal(registry.count(name), expected.length);
  }
});

/**
 * The maximum size of a subscription in bytes: two map entries, and a share of the topic's name.
 */
const LEAN = 250;

const SHAPES: readonly [what: string, subscribers: number, topics: number, each: number][] = [
  ["2,000 subscribers to 10 of 20,000 topics each", 2_000, 20_000, 10],
  ["2,000 subscribers to one topic", 2_000, 1, 1],
  ["2,000 subscribers to one topic each", 2_000, 2_000, 1],
];

for (const [what, count, topics, each] of SHAPES) {
  Deno.test(`${what}: memory is freed with the subscriptions`, async () => {
    const kept: unknown[] = [];
    await assertFreesMemory(1, LEAN * count * each, () => {
      const subscribers = Array.from({ length: count }, (_, id) => ({ id }));
      const registry = new TopicRegistry<object>();
      subscribers.forEach((subscriber, i) => {
        for (let j = 0; j < each; j++) {
          // A new string each time, as if each name had arrived in its own message.
          registry.subscribe(subscriber, `topic number ${(i * each + j) % topics}`);
        }
      });
      kept.push(registry, subscribers);
      return Promise.resolve();
    });
    assert.equal(kept.length > 0, true);
  });
}
