// Checks that both READMEs match, and that the comparison names the tested versions.

import assert from "node:assert/strict";
import config from "../../deno.json" with { type: "json" };
import { join } from "node:path";
import { root } from "./source_files.ts";

const english = await Deno.readTextFile(join(root, "README.md"));
const chinese = await Deno.readTextFile(join(root, "README.zh-CN.md"));

/** Returns the code blocks, without comments. */
function blocks(text: string): string[] {
  return [...text.matchAll(/^```(?:ts|sh)\n([^]*?)^```$/gm)].map(([, block]) =>
    block!.replaceAll(/\s*(?:\/\/|# ).*/g, "")
  );
}

/** Returns the link targets, except the link to the other language. */
function targets(text: string): Set<string> {
  const found = [...text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, target]) => target!);
  return new Set(found.filter((target) => !target.includes("README.")));
}

Deno.test("both READMEs have the same code and links", () => {
  assert.ok(blocks(english).length >= 3);
  const translated = blocks(chinese);
  // The Chinese README additionally lists the options of quickws.
  assert.deepEqual(blocks(english).filter((block) => !translated.includes(block)), []);
  assert.deepEqual(targets(english).difference(targets(chinese)), new Set());
  const [first] = blocks(english);
  assert.ok(first!.trim().split("\n").length <= 12, "the first example has at most 12 lines");
});

Deno.test("shows the two commands exactly", () => {
  for (const text of [english, chinese]) {
    assert.match(text, /^npx -y deno@2 task demo( |$)/m);
    assert.match(text, /^npx -y deno@2 task test( |$)/m);
  }
});

Deno.test("the comparison table names the installed versions", () => {
  const versions = {
    "`ws`": config.imports.ws,
    "Bun": config.imports.bun,
    "uWebSockets.js": config.imports["@trufflesuite/uws-js-unofficial"],
  };
  for (const text of [english, chinese].map((text) => text.replaceAll(/\s+/g, " "))) {
    for (const [name, specifier] of Object.entries(versions)) {
      const [, version] = /@([\d.]+)(?:-[^@]*)?$/.exec(specifier)!;
      assert.ok(text.includes(`${name} ${version}`), `${name} ${version}`);
    }
  }
});

Deno.test("docs/README.md links to every page in docs", async () => {
  const index = targets(await Deno.readTextFile(join(root, "docs/README.md")));
  const pages: string[] = [];
  for (const folder of ["", "guide/"]) {
    for await (const { name } of Deno.readDir(join(root, "docs", folder))) {
      if (name.endsWith(".md") && name !== "README.md") pages.push(folder + name);
    }
  }
  assert.ok(pages.length > 10);
  assert.deepEqual(pages.filter((page) => !index.has(page)), []);
});
