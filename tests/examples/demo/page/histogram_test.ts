// Compares the histogram's quantiles with exact ones.

import assert from "node:assert/strict";
import { Histogram } from "../../../../examples/demo/page/histogram.js";

Deno.test("quantiles are accurate to the width of a bucket", () => {
  const histogram = new Histogram();
  const times = Array.from({ length: 10_000 }, (_, i) => 0.01 * 1.001 ** i);
  for (const time of times.toReversed()) histogram.add(time);
  for (const share of [0.01, 0.5, 0.9, 0.99]) {
    const exact = times[Math.floor(share * times.length)]!;
    const found = histogram.quantile(share)!;
    assert.ok(Math.abs(found / exact - 1) < 0.03, `${share}: ${found} for ${exact}`);
  }
  assert.equal(histogram.longest, times.at(-1));
  assert.equal(histogram.count, times.length);
});

Deno.test("an empty histogram has no quantile, and no quantile exceeds the maximum", () => {
  const histogram = new Histogram();
  assert.equal(histogram.quantile(0.5), undefined);
  histogram.add(0.5);
  assert.equal(histogram.quantile(1), 0.5);
  // Values below and above all buckets.
  histogram.add(0);
  histogram.add(1e9);
  assert.ok(histogram.quantile(0.01)! <= 0.0011);
  assert.equal(histogram.longest, 1e9);
  histogram.clear();
  assert.equal(histogram.quantile(0.5), undefined);
  assert.equal(histogram.longest, 0);
});
