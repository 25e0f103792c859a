// Detects performance regressions: relative to a raw echo on the same runtime in the same minute, a
// quickws echo must not take more than twice the recorded CPU time. A busy machine affects both
// echoes. A ratio above the limit is measured again.

import assert from "node:assert/strict";
import { describe } from "../../bench/catalog/workloads.ts";
import { findGenerator } from "../../bench/load/generator.ts";
import { GUARDED, guardRatio, readRecord, TOLERANCE } from "../../bench/run/guard.ts";
import { runtimeNames } from "../support/runtimes.ts";

const record = readRecord();

for (const runtime of runtimeNames) {
  for (const workload of GUARDED) {
    const name = describe(workload);
    Deno.test(`${name}: CPU time relative to a raw echo has not regressed on ${runtime}`, async () => {
      const known = record[runtime]![name]!;
      const generator = findGenerator();
      let ratio = await guardRatio(runtime, workload, generator);
      if (ratio > TOLERANCE * known) ratio = await guardRatio(runtime, workload, generator);
      assert.ok(
        ratio <= TOLERANCE * known,
        `${ratio.toFixed(2)} times the raw echo, recorded: ${known} times;  ` +
          "to accept the new ratio, run `deno task bench guard`",
      );
    });
  }
}
