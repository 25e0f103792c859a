import assert from "node:assert/strict";
import { type Identified, Repeats } from "../../src/pubsub/repeats.ts";

function message(number: number, origin: string, count: number): Identified {
  return { number, origin, count };
}

Deno.test("a message is a repeated one if its server has counted that far before", () => {
  const repeats = new Repeats();
  const [a, b] = ["a", "b"];
  const answers = [
    repeats.isRepeat(message(1, a, 4)),
    repeats.isRepeat(message(2, b, 4)),
    repeats.isRepeat(message(3, a, 9)),
    repeats.isRepeat(message(4, a, 4)),
    repeats.isRepeat(message(5, a, 9)),
    repeats.isRepeat(message(6, a, 10)),
    repeats.isRepeat(message(7, b, 5)),
  ];
  assert.deepEqual(answers, [false, false, false, true, true, false, false]);
  assert.deepEqual([3, 4, 5, 6].map((number) => repeats.has(message(number, a, 0))), [
    false,
    true,
    true,
    false,
  ]);
});

Deno.test("a piece of history is without what is repeated in it, or was known before", () => {
  const repeats = new Repeats();
  repeats.isRepeat(message(1, "a", 1));
  repeats.isRepeat(message(2, "a", 1));
  const piece = [message(2, "a", 1), message(3, "a", 2), message(4, "b", 0), message(5, "a", 2)];
  assert.deepEqual(repeats.without(piece).map(({ number }) => number), [3, 4]);
  assert.deepEqual(new Repeats().without(piece).map(({ number }) => number), [2, 3, 4]);
});

Deno.test("memory is bounded: of many servers and many repeats the oldest are forgotten", () => {
  const repeats = new Repeats();
  for (let i = 0; i < 65; i++) repeats.isRepeat(message(i + 1, `${i}`, 7));
  assert.equal(repeats.isRepeat(message(100, "1", 7)), true);
  assert.equal(repeats.isRepeat(message(101, "0", 7)), false, "forgotten");
  for (let i = 0; i < 4096; i++) repeats.isRepeat(message(200 + i, "64", 7));
  assert.equal(repeats.has(message(100, "1", 7)), false, "forgotten");
  assert.equal(repeats.has(message(200, "64", 7)), true);
});
