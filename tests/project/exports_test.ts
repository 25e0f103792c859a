// The public API: the entries of the package and the exported names of each.

import assert from "node:assert/strict";
import { join } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { exportedNames } from "./exported_names.ts";
import publicNames from "./public_names.json" with { type: "json" };
import { root } from "./source_files.ts";

const exported = exportedNames();

Deno.test("public_names.json lists every entry", () => {
  assert.deepEqual(Object.keys(publicNames), Object.keys(config.exports));
});

for (const [entry, names] of Object.entries(publicNames)) {
  Deno.test(`the entry "${entry}" exports exactly the names in public_names.json`, () => {
    assert.deepEqual(exported[entry], names);
  });
}

Deno.test("the entries of the three runtimes export the same names as the main entry", () => {
  for (const entry of ["./deno", "./bun", "./node"] as const) {
    const missing = publicNames["."].filter((name) => !publicNames[entry].includes(name));
    assert.deepEqual(missing, [], entry);
  }
});

Deno.test("the version in deno.json is the latest in the change log", async () => {
  const log = await Deno.readTextFile(join(root, "CHANGELOG.md"));
  assert.equal(/^## (\S+)/m.exec(log)?.[1], config.version);
});
