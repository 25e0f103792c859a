// Checks the source tree: tests load every source file, and no task is left open.

import assert from "node:assert/strict";
import { posix } from "node:path";
import ts from "typescript";
import {
  doctorSources,
  librarySources,
  place,
  type SourceFile,
  sourcesBelow,
  visit,
} from "./source_files.ts";

/** In two parts, so that these lines do not match themselves. */
const OPEN_ENDS = new RegExp(
  `\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"].join("|")})\\b` +
    `|@ts-(${["ig" + "nore", "no" + "check", "expect" + "-error"].join("|")})` +
    "|\\bDeno\\.test\\.(only|ignore)\\b|\\bignore:",
);

const published = [...librarySources(), ...doctorSources()];
const everything: SourceFile[] = [
  ...published,
  ...["tests", "bench", "examples"].flatMap(sourcesBelow),
];

/** Returns the paths of a file's relative imports, including types and dynamic imports. */
function importsOf({ path, text }: SourceFile): string[] {
  return ts.preProcessFile(text, true, true).importedFiles
    .filter(({ fileName }) => fileName.startsWith("."))
    .map(({ fileName }) => posix.join(posix.dirname(path), fileName));
}

Deno.test("every source file is loaded by a test", () => {
  const files = new Map(everything.map((file) => [file.path, file]));
  const loaded = new Set<string>();
  const load = (path: string): void => {
    const file = files.get(path);
    if (file === undefined || loaded.has(path)) return;
    loaded.add(path);
    importsOf(file).forEach(load);
  };
  for (const { path } of everything) if (path.startsWith("tests/")) load(path);
  const left = published.map(({ path }) => path).filter((path) => !loaded.has(path));
  assert.deepEqual(left, []);
});

/** The only file that may skip tests. It prints the reason, and fails if `CI` is set. */
const SKIPS = "tests/support/need.ts";

Deno.test("no task is left open, and only one file skips tests", () => {
  const files = everything.filter(({ path }) => path !== SKIPS);
  const found = files.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) =>
      OPEN_ENDS.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []
    )
  );
  assert.deepEqual(found, []);
});

Deno.test("there is no `any` and no enum", () => {
  const found: string[] = [];
  for (const file of everything) {
    visit(file.tree, (node) => {
      if (node.kind === ts.SyntaxKind.AnyKeyword || ts.isEnumDeclaration(node)) {
        found.push(place(file, node));
      }
    });
  }
  assert.deepEqual(found, []);
});

Deno.test("published files are ASCII", () => {
  // deno-lint-ignore no-control-regex
  const found = published.filter(({ text }) => /[^\x00-\x7f]/.test(text)).map(({ path }) => path);
  assert.deepEqual(found, []);
});
