// What users can import: the entries of the package and the names that each exports.

import assert from "node:assert/strict";
import { join } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { exportedNames } from "./exported_names.ts";
import publicNames from "./public_names.json" with { type: "json" };
import { root } from "./source_files.ts";

const exported = exportedNames();

Deno.test("every entry has its names on record", () => {
  assert.deepEqual(Object.keys(publicNames), Object.keys(config.exports));
});

for (const [entry, names] of Object.entries(publicNames)) {
  Deno.test(`the entry "${entry}" exports the names on record, and no other`, () => {
    assert.deepEqual(exported[entry], names);
  });
}

Deno.test("the three runtimes' entries export what the main entry does", () => {
  for (const entry of ["./deno", "./bun", "./node"] as const) {
    const missing = publicNames["."].filter((name) => !publicNames[entry].includes(name));
    assert.deepEqual(missing, [], entry);
  }
});

Deno.test("the version in deno.json is the newest in the change log", async () => {
  const log = await Deno.readTextFile(join(root, "CHANGELOG.md"));
  assert.equal(/^## (\S+)/m.exec(log)?.[1], config.version);
});
