// Source comments justify constants with benchmarks, and benchmarks name these constants.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { CHOICES } from "../../bench/micro/choices.ts";
import { librarySources, root } from "../project/source_files.ts";

Deno.test("every benchmark named in the source exists", () => {
  const missing = librarySources().flatMap(({ path, text }) =>
    [...text.matchAll(/\bbench\/[\w/.]*\w/g)]
      .filter(([reference]) => !existsSync(join(root, reference)))
      .map(([reference]) => `${path}: ${reference}`)
  );
  assert.deepEqual(missing, []);
});

Deno.test("every constant named in a micro benchmark exists in the source", () => {
  for (const { constant } of CHOICES) {
    const names = constant.split(", ");
    const text = readFileSync(join(root, names.pop()!), "utf8");
    for (const name of names) assert.match(text, new RegExp(`const [^=]*\\b${name}\\b`), constant);
  }
});
