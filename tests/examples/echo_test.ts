// Starts the echo server with the documented commands. tests/package/consumers.ts tests it on Node,
// where it is run from the package.

import assert from "node:assert/strict";
import { join } from "node:path";
import { echo, Example } from "../project/example_process.ts";
import { root } from "../project/source_files.ts";
import { bunPath } from "../support/runtimes.ts";
import { webSocketUrl } from "./start.ts";

const COMMANDS: Record<string, string[]> = {
  "deno run -A examples/echo.ts": [Deno.execPath(), "run", "-A", "examples/echo.ts"],
  "bun run examples/echo.ts": [bunPath(), "run", "examples/echo.ts"],
};

for (const [line, command] of Object.entries(COMMANDS)) {
  Deno.test(`${line} echoes on the port in PORT`, async () => {
    await using example = new Example(command, root, { PORT: "0" });
    assert.equal(await echo(await webSocketUrl(example), "hello"), "hello");
  });
}

Deno.test("examples/echo.ts is about ten lines long", async () => {
  const text = await Deno.readTextFile(join(root, "examples/echo.ts"));
  assert.ok(text.trim().split("\n").filter((line) => line !== "").length <= 10);
});

Deno.test("examples/echo.node.mjs matches examples/echo.ts", async () => {
  const [typed, plain] = await Promise.all(
    ["echo.ts", "echo.node.mjs"].map((name) => Deno.readTextFile(join(root, "examples", name))),
  );
  assert.equal(plain!.replace(/^(\/\/.*\n)+/, ""), typed);
});
