// Compares benchmark variants: ratios per round, and the tables in the documentation.

import assert from "node:assert/strict";
import { alternate, chooseRuntimes, comparisonTable, summarize } from "../../bench/run/compare.ts";
import { replaceBetween } from "../../bench/plot/tables.ts";

const CASE = { key: "echo", title: "echo, us", decimals: 2 };

Deno.test("a ratio is the median of the rounds' ratios, with its spread", () => {
  const row = summarize(CASE, { quickws: [1, 2, 9], theirs: [2, 2, 10] }, "quickws");
  assert.deepEqual(row.figures.quickws, { median: 2, low: 1, high: 9 });
  assert.deepEqual(row.ratios, { theirs: { median: 0.9, low: 0.5, high: 1 } });
});

Deno.test("a failed measurement excludes only its round", () => {
  const row = summarize(CASE, { quickws: [1, undefined, 4], theirs: [2, 2, undefined] }, "quickws");
  assert.deepEqual(row.ratios.theirs, { median: 0.5, low: 0.5, high: 0.5 });
  const none = summarize(CASE, { quickws: [1], theirs: [undefined] }, "quickws");
  assert.deepEqual(none.ratios, {});
  const table = comparisonTable({
    runtime: "deno",
    conditions: {
      date: "",
      machine: "",
      kernel: "",
      versions: { deno: "2.9.6" },
      generator: "",
      pinned: false,
      rounds: 1,
      seconds: 1,
      load: 0,
    },
    variants: ["theirs", "quickws"],
    quickws: "quickws",
    rows: [none],
  });
  assert.match(table, /^\| Deno 2\.9\.6 \|/);
  assert.match(table, /not measured \|\s+1\.00 \|$/m);
});

Deno.test("each variant is first in some rounds", async () => {
  const order: string[] = [];
  const found = await alternate("test", ["a", "b"], 2, (variant) => {
    order.push(variant);
    return Promise.resolve(order.length);
  });
  assert.deepEqual(order, ["a", "b", "b", "a"]);
  assert.deepEqual(found, { a: [1, 4], b: [2, 3] });
});

Deno.test("a benchmark runs on the requested runtimes that it supports", () => {
  assert.deepEqual(chooseRuntimes(undefined, ["bun", "deno"]), ["bun", "deno"]);
  assert.deepEqual(chooseRuntimes(["deno"], ["bun", "deno"]), ["deno"]);
  assert.throws(() => chooseRuntimes(["node"], ["bun", "deno"]), /"node".*bun, deno/);
});

Deno.test("a table replaces the text between its markers", () => {
  const page = "a\n<!-- bench:ws -->\nold\n<!-- /bench:ws -->\nb\n";
  const once = replaceBetween(page, "ws", "new");
  assert.equal(once, "a\n<!-- bench:ws -->\n\nnew\n\n<!-- /bench:ws -->\nb\n");
  assert.equal(replaceBetween(once, "ws", "new"), once);
  assert.throws(() => replaceBetween(page, "native", "new"), /no <!-- bench:native -->/);
});
