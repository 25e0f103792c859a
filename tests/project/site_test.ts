// Checks the documentation site: pages, links and layout on small screens.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildSite, llmsText, pages } from "../../docs/site/build.ts";
import { newContext } from "../support/browsers.ts";
import { need } from "../support/need.ts";
import { root } from "./source_files.ts";

const REPOSITORY = "https://example.com/owner/name";

const site = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(site, { recursive: true }));
await buildSite(site, REPOSITORY);
const all = pages();

Deno.test("llms.txt is up to date with `deno task site`", () => {
  assert.equal(readFileSync(join(root, "llms.txt"), "utf8"), llmsText(all));
});

Deno.test("every page has a title, and its links resolve to files and headings", () => {
  const broken: string[] = [];
  for (const { target } of all) {
    const html = readFileSync(join(site, target), "utf8");
    assert.match(html, /<title>[^<]+<\/title>/, target);
    for (const [, href] of html.matchAll(/(?:href|src)="([^"]+)"/g)) {
      if (href!.startsWith(`${REPOSITORY}/blob/main/`)) {
        const path = href!.slice(`${REPOSITORY}/blob/main/`.length).split("#")[0]!;
        if (!existsSync(join(root, path))) broken.push(`${target}: ${href}`);
        continue;
      }
      if (/^[a-z]+:/.test(href!)) continue;
      const [path, fragment] = href!.split("#").map(decodeURIComponent);
      const file = path === "" ? join(site, target) : join(site, dirname(target), path!);
      const isThere = existsSync(file) &&
        (fragment === undefined || readFileSync(file, "utf8").includes(`id="${fragment}"`));
      if (!isThere) broken.push(`${target}: ${href}`);
    }
  }
  assert.deepEqual(broken, []);
});

Deno.test("the reference shows each public name once and nothing internal", () => {
  assert.ok(existsSync(join(site, "reference", "~", "Connection.html")));
  const index = readFileSync(join(site, "reference", "index.html"), "utf8");
  assert.match(index, /href="[^"]*node\/index\.html"/);
  for (const category of ["Server", "Client", "Connection", "Errors", "Pub/sub"]) {
    assert.ok(index.includes(`<strong>${category}</strong>`), category);
  }
  for (const entry of ["node", "bun", "deno"]) {
    assert.ok(!existsSync(join(site, "reference", entry, "~", "Connection.html")), entry);
  }
  const attach = readFileSync(join(site, "reference", "node", "~", "attach.html"), "utf8");
  assert.match(attach, /import \{ attach \} from &quot;@quickws\/quickws\/node&quot;;/);
});

need("chromium")("no page scrolls horizontally at a width of 360 pixels", async () => {
  const context = await newContext({ viewport: { width: 360, height: 740 } });
  try {
    const page = await context.newPage();
    await page.goto(pathToFileURL(join(site, "index.html")).href);
    const wide: string[] = [];
    const reference = ["index", "all_symbols", "~/Connection", "~/ServeOptions"];
    const targets = [
      ...all.map(({ target }) => target),
      ...reference.map((name) => `reference/${name}.html`),
    ];
    for (const target of targets) {
      const path = join(site, target);
      const { href } = pathToFileURL(path);
      const html = readFileSync(path, "utf8");
      // A new document takes less time than a navigation, but scripts would share their variables
      // with those of the last document. The base resolves the relative links.
      if (html.includes("<script")) await page.goto(href);
      else await page.setContent(html.replace("<head>", `<head><base href="${href}">`));
      const width = await page.evaluate("document.documentElement.scrollWidth");
      if (width !== 360) wide.push(`${target}: ${width}`);
    }
    assert.deepEqual(wide, []);
  } finally {
    await context.close();
  }
});
