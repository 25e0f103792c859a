import assert from "node:assert/strict";
import { DuplicateFilter, type Identified } from "../../src/backplane/duplicate_filter.ts";

function message(number: number, origin: string, count: number): Identified {
  return { number, origin, count };
}

Deno.test("recognizes duplicates by their server's counter", () => {
  const filter = new DuplicateFilter();
  const [a, b] = ["a", "b"];
  const answers = [
    filter.isDuplicate(message(1, a, 4)),
    filter.isDuplicate(message(2, b, 4)),
    filter.isDuplicate(message(3, a, 9)),
    filter.isDuplicate(message(4, a, 4)),
    filter.isDuplicate(message(5, a, 9)),
    filter.isDuplicate(message(6, a, 10)),
    filter.isDuplicate(message(7, b, 5)),
  ];
  assert.deepEqual(answers, [false, false, false, true, true, false, false]);
  assert.deepEqual([3, 4, 5, 6].map((number) => filter.has(message(number, a, 0))), [
    false,
    true,
    true,
    false,
  ]);
});

Deno.test("limits memory by forgetting the oldest servers and duplicates", () => {
  const filter = new DuplicateFilter();
  for (let i = 0; i < 65; i++) filter.isDuplicate(message(i + 1, `${i}`, 7));
  assert.equal(filter.isDuplicate(message(100, "1", 7)), true);
  assert.equal(filter.isDuplicate(message(101, "0", 7)), false, "forgotten");
  for (let i = 0; i < 4096; i++) filter.isDuplicate(message(200 + i, "64", 7));
  assert.equal(filter.has(message(100, "1", 7)), false, "forgotten");
  assert.equal(filter.has(message(200, "64", 7)), true);
});
