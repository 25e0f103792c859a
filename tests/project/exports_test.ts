// Checks the public API: the entries of the package and the names that each exports.

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

Deno.test("the change log follows Keep a Changelog and has no version newer than deno.json", async () => {
  const log = await Deno.readTextFile(join(root, "CHANGELOG.md"));
  const [unreleased, ...released] = [...log.matchAll(/^## (.*)$/gm)].map(([, title]) => title!);
  assert.equal(unreleased, "[Unreleased]");
  for (const title of released) assert.match(title, /^\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}$/);
  const [latest] = released;
  if (latest !== undefined) assert.ok(latest.startsWith(`[${config.version}]`), latest);
  for (const title of [unreleased!, ...released]) {
    const name = /^\[.*?\]/.exec(title)![0];
    assert.ok(log.includes(`\n${name}: https://`), `${name} has no link`);
  }
  const kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];
  for (const [, kind] of log.matchAll(/^### (.*)$/gm)) assert.ok(kinds.includes(kind!), kind);
});
