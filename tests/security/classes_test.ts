// Checks that every class of vulnerabilities has tests, and that docs/security_tests.md lists them
// all.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { librarySources, root } from "../project/source_files.ts";

/** The number of classes. */
const CLASSES = 20;

interface Row {
  readonly number: number;
  readonly file: string;
  readonly test: string;
}

const rows: Row[] = readFileSync(join(root, "docs/security_tests.md"), "utf8")
  .split("\n")
  .map((line) => /^\| (\d+) [^|]*\| (\S+) *\| (.*?) *\|$/.exec(line))
  .filter((match) => match !== null)
  .map(([, number, file, test]) => ({ number: Number(number), file, test }));

Deno.test("every class of vulnerabilities has a test", () => {
  const numbers = new Set(rows.map(({ number }) => number));
  assert.deepEqual(
    [...numbers].sort((a, b) => a - b),
    Array.from({ length: CLASSES }, (_, i) => i + 1),
  );
});

Deno.test("every test listed on the page exists", () => {
  const missing = rows.filter(({ file, test }) => {
    const path = join(root, file);
    if (!existsSync(path)) return true;
    const text = readFileSync(path, "utf8");
    return !['"', "'", "`"].some((quote) => text.includes(`${quote}${test}${quote}`));
  });
  assert.deepEqual(missing, []);
});

Deno.test("the page lists every test with a class in its name", () => {
  const text = readFileSync(join(root, "tests/security/live_suite.ts"), "utf8");
  const names = [...text.matchAll(/"(class (\d+): [^"]*)"/g)];
  assert.ok(names.length >= 10);
  for (const [, test, number] of names) {
    assert.ok(rows.some((row) => row.test === test && row.number === Number(number)), test);
  }
});

Deno.test("class 14: the library does not check credentials of a peer", () => {
  // Code that compares no secrets has no timing side channel.
  const asks = /\.(get|getAll|has|hasToken)\("(proxy-)?(authorization|cookie)"/i;
  const found = librarySources().filter(({ text }) => asks.test(text)).map(({ path }) => path);
  assert.deepEqual(found, []);
  assert.ok(asks.test('fields.get("authorization")'));
});
