// The unit tests of the pure core, run on Node and on Bun, as JavaScript in a separate tree.

import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { root, sourcesBelow } from "../project/source_files.ts";
import { transpile } from "../support/node_build.ts";
import { bunPath, nodePath } from "../support/runtimes.ts";
import { printed } from "../package/run.ts";

/** The folders that are pure, below `src` as below `tests`. */
const CORE = ["wire", "deflate", "message", "session", "handshake", "proxy"];

/** `Deno.test` with the test runners of Node and Bun; on Bun, steps are part of their test. */
const ADAPTER = `
const isBun = "Bun" in globalThis;
const { test } = await import(isBun ? "bun:test" : "node:test");
const step = (t) => async (name, run) => {
  await (isBun ? run() : t.test(name, run));
  return true;
};
// Most errors of these tests are expected, and a short trace costs less.
Error.stackTraceLimit = 3;
// Bun would wait for a callback if the function had a parameter.
export const Deno = { test: (name, run) => test(name, (...[t]) => run({ step: step(t) })) };
`;

/** A tree with the tests and sources as JavaScript, and an adapter for `Deno`. */
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
  // Node would start a process for each file, and Bun would load the modules again.
  write("all_test.js", tests.map((path) => `import "./${path}";\n`).join(""));
  // The packages that the tests import by name.
  symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
  return tests;
}

const NODE_TEST = ["--test-reporter=tap", "all_test.js"];

/** The number of tests; all must pass. */
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
      // Threads for garbage and for compilation would take more time in sum.
      count(tree, /^# pass (\d+)$/m, nodePath(), "--single-threaded", ...NODE_TEST),
      count(tree, /^ *(\d+) pass$/m, bunPath(), "test", "--timeout", "60000", "./all_test.js"),
    ]);
    console.log(`${onNode} unit tests in ${tests.length} files pass on Node, ${onBun} on Bun`);
    assert.ok(onNode > tests.length);
    assert.equal(onNode, onBun, "the two ran other tests");
  } finally {
    await Deno.remove(tree, { recursive: true });
  }
});
