// Compares the behavior of `ws` and quickws in the same scenarios: events and their values, states,
// and bytes on the wire, for every combination of the two, on each runtime.

import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runtimeCommand, type RuntimeName, runtimeNames } from "../support/runtimes.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const program = join(root, "tests", "ws", "differential.ts");
const ws = join(root, "node_modules", "ws", "index.js");

interface Result {
  readonly name: string;
  /** The transcripts, by pair of implementations. */
  readonly results: Record<string, Record<string, string[]>>;
}

/**
 * Scenarios in which `ws` behaves differently on a runtime: quickws is compared with `ws` on Node.
 */
const BROKEN_THERE: Partial<Record<RuntimeName, readonly string[]>> = {
  // Deno's zlib reports no error.
  deno: ["a server receives corrupt compression"],
};

for (const runtime of runtimeNames) {
  Deno.test(`behaves as ws does on ${runtime}`, async (t) => {
    const { command, args } = runtimeCommand(runtime, program, ws);
    const { stdout, stderr } = await new Deno.Command(command, { args }).output();
    const lines = new TextDecoder().decode(stdout).trim().split("\n");
    const results: Result[] = lines.map((line) => JSON.parse(line));
    assert.ok(results.length > 100, new TextDecoder().decode(stderr));
    for (const { name, results: { "ws and ws": expected, ...others } } of results) {
      if (BROKEN_THERE[runtime]?.includes(name)) continue;
      await t.step(name, () => {
        assert.ok(expected !== undefined);
        assert.equal(expected.suite, undefined);
        for (const [pair, transcript] of Object.entries(others)) {
          assert.deepEqual(transcript, expected, pair);
        }
      });
    }
  });
}
