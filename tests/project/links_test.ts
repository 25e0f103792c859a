// Every relative link in the project's Markdown leads to a file that is there, or to a heading in it.

import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { root } from "./source_files.ts";

/** Folders that are made by tools, or are not ours. */
const FOREIGN = ["node_modules", "npm", "coverage"];

function* markdownFiles(directory: string): Generator<string> {
  for (const entry of Deno.readDirSync(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory) {
      if (!FOREIGN.includes(entry.name) && !entry.name.startsWith(".")) yield* markdownFiles(path);
    } else if (entry.name.endsWith(".md")) yield path;
  }
}

/** A text without its fenced blocks of code, in which neither links nor headings stand. */
function withoutBlocks(text: string): string {
  return text.replaceAll(/^( *)(`{3,}|~{3,})[^\n]*\n[^]*?^\1\2.*$/gm, "");
}

/** What the links of a page point to: in brackets, by reference, and in the few tags of HTML. */
function* targets(text: string): Generator<string> {
  const prose = withoutBlocks(text).replaceAll(/`[^`\n]*`/g, "code");
  for (const [, target] of prose.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)) yield target!;
  for (const [, target] of prose.matchAll(/^\[[^\]]+\]:\s+<?([^\s>]+)/gm)) yield target!;
  for (const [, list] of prose.matchAll(/\s(?:href|src|srcset)="([^"]+)"/g)) {
    for (const target of list!.split(",")) yield target.trim().split(" ")[0]!;
  }
}

/** The names that a page's headings have in links, as GitHub makes them. */
function anchors(text: string): Set<string> {
  const found = new Set<string>();
  for (const [, heading] of withoutBlocks(text).matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const name = heading!
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "")
      .replaceAll(" ", "-");
    let unique = name;
    for (let count = 1; found.has(unique); count++) unique = `${name}-${count}`;
    found.add(unique);
  }
  return found;
}

/** Addresses of this repository: the README is shown by npm and JSR, too, where relative links break. */
const OWN = [
  `${config.repository}/blob/main/`,
  `${config.repository.replace("https://github.com", "https://raw.githubusercontent.com")}/main/`,
];

/** What is wrong with a link of a page; nothing when it leads somewhere. */
function fault(page: string, link: string): string | undefined {
  const own = OWN.find((prefix) => link.startsWith(prefix));
  if (own !== undefined) page = join(root, "README.md");
  const target = own === undefined ? link : link.slice(own.length);
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return undefined;
  const [path, anchor] = decodeURIComponent(target).split("#") as [string, string?];
  const file = path === "" ? page : join(dirname(page), path);
  if (relative(root, file).startsWith("..")) return `${target} leads out of the repository`;
  if (!existsSync(file)) return `${target} leads nowhere`;
  if (anchor === undefined) return undefined;
  if (!file.endsWith(".md") || !statSync(file).isFile()) return `${target} has no headings`;
  if (anchors(readFileSync(file, "utf8")).has(anchor)) return undefined;
  return `${target} names a heading that is not there`;
}

Deno.test("every relative link in a Markdown file leads to a file and a heading that exist", () => {
  const pages = [...markdownFiles(root)];
  let count = 0;
  const faults: string[] = [];
  for (const page of pages) {
    for (const target of targets(readFileSync(page, "utf8"))) {
      count++;
      const found = fault(page, target);
      if (found !== undefined) faults.push(`${relative(root, page)}: ${found}`);
    }
  }
  assert.ok(count > 50, `only ${count} links were found`);
  assert.deepEqual(faults, []);
});

Deno.test("links and headings are found in every form that the pages use", () => {
  const page = [
    "# The `first` heading: a [link](a.md)",
    "## Same",
    "## Same",
    '![x](b.svg "title") [y](<c.md>) [z]',
    "[z]: d.md",
    '<source srcset="e.png, f.png 2x"><img src="g.png">',
    "`[no](code.md)`",
    "```md\n[no](block.md)\n# No heading\n```",
  ].join("\n\n");
  assert.deepEqual([...targets(page)].sort(), [
    "a.md",
    "b.svg",
    "c.md",
    "d.md",
    "e.png",
    "f.png",
    "g.png",
  ]);
  assert.deepEqual([...anchors(page)], ["the-first-heading-a-link", "same", "same-1"]);
});

Deno.test("reports links to missing files, missing headings and outside the repository", () => {
  const page = join(root, "docs/errors.md");
  assert.equal(fault(page, "runtimes.md"), undefined);
  assert.equal(fault(page, "#errors"), undefined);
  assert.equal(fault(page, "https://example.com/nothing"), undefined);
  assert.match(fault(page, "nothing.md")!, /leads nowhere/);
  assert.match(fault(page, "runtimes.md#nothing")!, /heading/);
  assert.match(fault(page, "../../other.md")!, /out of the repository/);
});
