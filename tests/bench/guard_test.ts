// No speed is lost unseen: our echo may not cost twice what it costs on record, beside the raw echo of
// the same runtime in the same minute. A busy machine hits both; what it still spoils has a second try.

import assert from "node:assert/strict";
import { describe } from "../../bench/catalog/workloads.ts";
import { findGenerator } from "../../bench/load/generator.ts";
import { GUARDED, guardRatio, readRecord, TOLERANCE } from "../../bench/run/guard.ts";
import { runtimeNames } from "../support/runtimes.ts";

const record = readRecord();

for (const runtime of runtimeNames) {
  for (const workload of GUARDED) {
    const name = describe(workload);
    Deno.test(`${name}: uses no more CPU time, relative to a raw echo, than recorded, on ${runtime}`, async () => {
      const known = record[runtime]![name]!;
      const generator = findGenerator();
      let ratio = await guardRatio(runtime, workload, generator);
      if (ratio > TOLERANCE * known) ratio = await guardRatio(runtime, workload, generator);
      assert.ok(
        ratio <= TOLERANCE * known,
        `${ratio.toFixed(2)} times the raw echo, and ${known} times on record; ` +
          "if that is worth it, `deno task bench guard` puts the new one on record",
      );
    });
  }
}
