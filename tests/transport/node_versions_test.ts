// Tests which runtime versions are accepted, and the error messages for others.

import assert from "node:assert/strict";
import { checkRuntime, type RuntimeVersions } from "../../src/transport/node_versions.ts";

const accepted: RuntimeVersions[] = [
  { node: "20.0.0" },
  { node: "26.1.0" },
  { bun: "1.4.0", node: "24.3.0" },
  { bun: "1.10.0-canary.1", node: "24.3.0" },
  { bun: "2.0.0", node: "24.3.0" },
  { deno: "2.3.7", node: "22.11.0" },
  {},
];

for (const versions of accepted) {
  Deno.test(`accepts ${JSON.stringify(versions)}`, () => checkRuntime(versions));
}

const rejected: [versions: RuntimeVersions, message: string][] = [
  [{ bun: "1.3.14", node: "24.3.0" }, "Bun 1.3.14 is too old: install Bun 1.4 or later"],
  [{ bun: "0.8.1", node: "18.0.0" }, "Bun 0.8.1 is too old: install Bun 1.4 or later"],
  [{ deno: "2.2.12", node: "22.0.0" }, "Deno 2.2.12 is too old: install Deno 2.3 or later"],
  [{ node: "18.20.4" }, "Node.js 18.20.4 is too old: install Node.js 20.0 or later"],
];

for (const [versions, message] of rejected) {
  Deno.test(`reports: ${message}`, () => {
    assert.throws(() => checkRuntime(versions), { message });
  });
}

Deno.test("accepts this runtime", () => checkRuntime());
