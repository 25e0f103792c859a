// Runs the unit tests of the pure core on Node and on Bun, as JavaScript in a separate tree.

import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { root, sourcesBelow } from "../project/source_files.ts";
import { transpile } from "../support/node_build.ts";
import { bunPath, nodePath } from "../support/runtimes.ts";
import { printed } from "../package/run.ts";

/** The pure folders, in `src` and in `tests`. */
const CORE = ["wire", "deflate", "message", "session", "handshake", "proxy"];

/**
 * Implements `Deno.test` with the test runner of Node or Bun. On Bun, steps are part of their test.
 */
const ADAPTER = `
const isBun = "Bun" in globalThis;
const { test } = await import(isBun ? "bun:test" : "node:test");
const step = (t) => async (name, run) => {
  await (isBun ? run() : t.test(name, run));
  return true;
};
// Most errors in these tests are expected, and short stack traces are cheaper.
Error.stackTraceLimit = 3;
// If the function had a parameter, Bun would wait for a callback.
export const Deno = { test: (name, run) => test(name, (...[t]) => run({ step: step(t) })) };
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
  // With one file per test, Node would start a process for each, and Bun would reload the modules.
  write("all_test.js", tests.map((path) => `import "./${path}";\n`).join(""));
  // The tests import packages by name.
  symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
  return tests;
}

const NODE_TEST = ["--test-reporter=tap", "all_test.js"];

/** Runs the tests and returns their number. All must pass. */
async function count(
  tree: string,
  pattern: RegExp,
  command: string,
  ...args: string[]
): Promise<number> {
  return Number(pattern.exec(await printed(tree, command, ...args))?.[1]);
}

// One test for both runtimes, which run in parallel on two cores.
Deno.test("the unit tests of the core pass on Node and on Bun", async () => {
  const tree = await Deno.makeTempDir();
  try {
    const tests = writeTree(tree);
    const [onNode, onBun] = await Promise.all([
      // Threads for garbage collection and compilation would take more CPU time in total.
      count(tree, /^# pass (\d+)$/m, nodePath(), "--single-threaded", ...NODE_TEST),
      count(tree, /^ *(\d+) pass$/m, bunPath(), "test", "--timeout", "60000", "./all_test.js"),
    ]);
    console.log(`${onNode} unit tests in ${tests.length} files pass on Node, ${onBun} on Bun`);
    assert.ok(onNode > tests.length);
    assert.equal(onNode, onBun, "Node and Bun ran different numbers of tests");
  } finally {
    await Deno.remove(tree, { recursive: true });
  }
});
