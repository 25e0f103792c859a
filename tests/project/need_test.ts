// Checks that skipped tests show a reason, and fail if `CI` is set.

import assert from "node:assert/strict";
import { join } from "node:path";
import { root } from "./source_files.ts";

const PROGRAM = `
import { testUnless } from ${JSON.stringify(join(root, "tests/support/need.ts"))};
testUnless(undefined)("runs", () => {});
testUnless("redis-server is not installed")("starts Redis", () => {});
`;

async function run(env: Record<string, string>): Promise<{ code: number; text: string }> {
  const directory = await Deno.makeTempDir();
  try {
    const path = join(directory, "program_test.ts");
    await Deno.writeTextFile(path, PROGRAM);
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--allow-all", "--no-check", "--config", join(root, "deno.json"), path],
      env: { NO_COLOR: "1", ...env },
    }).output();
    return { code, text: new TextDecoder().decode(stdout) };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("skips a test whose program is missing and prints the reason", async () => {
  const { code, text } = await run({ CI: "" });
  assert.equal(code, 0, text);
  assert.match(text, /starts Redis \(skipped: redis-server is not installed\) \.\.\. ignored/);
  assert.match(text, /1 passed \| 0 failed \| 1 ignored/);
});

Deno.test("fails a test whose program is missing if CI is set", async () => {
  const { code, text } = await run({ CI: "true" });
  assert.equal(code, 1);
  assert.match(text, /Tests must not be skipped when CI is set: redis-server is not installed/);
  assert.match(text, /1 passed \| 1 failed/);
});
