// Runs the unit tests of the pure core on Bun, as JavaScript in a separate tree. The engine of Node
// is Deno's, which runs them directly; the behavior suites test the built library on Node.

import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { root, sourcesBelow } from "../project/source_files.ts";
import { transpile } from "../support/node_build.ts";
import { bunPath } from "../support/runtimes.ts";
import { printed } from "../package/run.ts";

/** The pure folders, in `src` and in `tests`. */
const CORE = ["wire", "deflate", "message", "session", "handshake", "proxy"];

/** Implements `Deno.test` with the test runner of Bun. Steps are part of their test. */
const ADAPTER = `
import { test } from "bun:test";
const step = async (name, run) => {
  await run();
  return true;
};
// Most errors in these tests are expected, and short stack traces are cheaper.
Error.stackTraceLimit = 3;
export const Deno = { test: (name, run) => test(name, () => run({ step })) };
`;

/** Writes a tree with the tests and sources as JavaScript, and an adapter for `Deno`. */
function writeTree(tree: string): string[] {
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
  };
  write("package.json", '{ "type": "module" }\n');
  write("adapter.js", ADAPTER);
  const folders = [...CORE, "support"].map((folder) => `tests/${folder}`);
  const modules = ["src", ...folders].flatMap(sourcesBelow).map(({ path }) => path);
  const tests: string[] = [];
  for (const { path, text } of transpile(["mod.ts", "tests/errors_test.ts", ...modules], tree)) {
    const target = relative(tree, path);
    if (target.endsWith("_test.js")) {
      const up = "../".repeat(target.split("/").length - 1);
      write(target, `import { Deno } from "${up}adapter.js";\n${text}`);
      tests.push(target);
    } else {
      write(target, text);
    }
  }
  // With one file per test, Bun would load the modules again for each.
  write("all_test.js", tests.map((path) => `import "./${path}";\n`).join(""));
  // The tests import packages by name.
  symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
  return tests;
}

Deno.test("the unit tests of the core pass on Bun", async () => {
  const tree = await Deno.makeTempDir();
  try {
    const files = writeTree(tree);
    const said = await printed(tree, bunPath(), "test", "--timeout", "60000", "./all_test.js");
    const passed = Number(/^ *(\d+) pass$/m.exec(said)?.[1]);
    console.log(`${passed} unit tests in ${files.length} files pass`);
    assert.ok(passed > files.length);
  } finally {
    await Deno.remove(tree, { recursive: true });
  }
});
