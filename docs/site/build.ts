// Builds the documentation site: the pages of docs/ and the API reference, as static files.
// `deno task site` writes them to .build/site, which any static host can serve.

import { posix } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Marked, type Tokens } from "marked";
import config from "../../deno.json" with { type: "json" };
import { exportedNames } from "../../tests/project/exported_names.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The part of highlight.js that is used. Its own types would also load those of the DOM. */
interface Highlighter {
  getLanguage(name: string): unknown;
  highlight(code: string, options: { language: string }): { value: string };
}

const HIGHLIGHTER = "highlight.js/lib/common";
const { default: hljs }: { default: Highlighter } = await import(HIGHLIGHTER);

/** Pages outside of docs/ that belong to the site. */
const MORE_PAGES = [
  "README.md",
  "README.zh-CN.md",
  "SECURITY.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
];

/** The entry whose names the reference does not repeat for other entries. */
const MAIN_ENTRY = ".";

/**
 * Absolute URLs of the repository's files. The README has them because npm and JSR show it, too.
 */
const OWN = [
  `${config.repository}/blob/main/`,
  `${config.repository.replace("https://github.com", "https://raw.githubusercontent.com")}/main/`,
];

/** A Markdown file of the repository and its page on the site. */
interface Page {
  /** The path in the repository, such as `docs/guide/client.md`. */
  readonly source: string;
  /** The path on the site, such as `guide/client.html`. */
  readonly target: string;
  readonly title: string;
  readonly text: string;
}

/** Returns the anchor of a heading, as GitHub generates it. */
export function anchor(heading: string): string {
  return heading
    .replaceAll(/<[^>]*>|`/g, "")
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");
}

function targetOf(source: string): string {
  if (source === "README.md") return "index.html";
  if (source === "docs/README.md") return "contents.html";
  return source.replace(/^docs\//, "").replace(/\.md$/, ".html");
}

function* markdownBelow(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(posix.join(ROOT, folder))) {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory) yield* markdownBelow(path);
    else if (entry.name.endsWith(".md")) yield path;
  }
}

/** Returns all pages of the site. */
export function pages(): Page[] {
  return [...MORE_PAGES, ...markdownBelow("docs")].map((source) => {
    const text = Deno.readTextFileSync(posix.join(ROOT, source));
    const title = /^# (.+)$/m.exec(text)?.[1] ?? source;
    return { source, target: targetOf(source), title: title.replaceAll("`", ""), text };
  });
}

/** Converts the repository's Markdown to HTML, and adapts the links to the site. */
class Renderer {
  readonly #targets: ReadonlyMap<string, string>;
  readonly #repository: string;
  /** Files that the pages show or link to. They are copied to the site. */
  readonly assets: Set<string> = new Set();

  constructor(all: readonly Page[], repository: string) {
    this.#targets = new Map(all.map(({ source, target }) => [source, target]));
    this.#repository = repository;
  }

  render(page: Page): string {
    const link = (href: string): string => this.#link(page, href);
    const marked = new Marked({
      gfm: true,
      walkTokens: (token) => {
        if (token.type === "link" || token.type === "image") token.href = link(token.href);
      },
      renderer: {
        heading({ tokens, depth, text }: Tokens.Heading): string {
          const inner = this.parser.parseInline(tokens);
          return `<h${depth} id="${anchor(text)}">${inner}</h${depth}>\n`;
        },
        code({ text, lang }: Tokens.Code): string {
          const language = lang?.split(" ")[0] ?? "";
          const known = hljs.getLanguage(language) !== undefined;
          const html = known ? hljs.highlight(text, { language }).value : escape(text);
          return `<pre><code>${html}</code></pre>\n`;
        },
        table(token: Tokens.Table): string {
          const row = (cells: readonly Tokens.TableCell[], tag: "th" | "td"): string =>
            `<tr>${
              cells.map(({ tokens }) => `<${tag}>${this.parser.parseInline(tokens)}</${tag}>`)
                .join("")
            }</tr>`;
          const body = token.rows.map((cells) => row(cells, "td")).join("\n");
          return `<div class="table"><table>\n<thead>${row(token.header, "th")}</thead>\n` +
            `<tbody>${body}</tbody>\n</table></div>\n`;
        },
      },
    });
    return marked.parse(page.text, { async: false });
  }

  #link(page: Page, address: string): string {
    const own = OWN.find((prefix) => address.startsWith(prefix));
    if (own !== undefined) page = { ...page, source: "" };
    const href = own === undefined ? address : address.slice(own.length);
    if (/^([a-z]+:|#)/.test(href)) return href;
    const [path = "", fragment] = href.split("#") as [string, string?];
    const source = posix.join(posix.dirname(page.source), path);
    const suffix = fragment === undefined ? "" : `#${fragment}`;
    const target = this.#targets.get(source);
    if (target !== undefined) return relative(page.target, target) + suffix;
    if (/\.(png|svg|jpe?g)$/.test(source)) {
      this.assets.add(source);
      return relative(page.target, source);
    }
    return `${this.#repository}/blob/main/${source}${suffix}`;
  }
}

function relative(from: string, to: string): string {
  return posix.relative(posix.dirname(from), to);
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Returns the navigation of a page: the sections of docs/README.md with their pages. */
function navigation(all: readonly Page[], current: Page): string {
  const contents = all.find(({ source }) => source === "docs/README.md")!;
  const targets = new Map(all.map((page) => [page.source, page]));
  const parts: string[] = [];
  for (const section of contents.text.split(/^## /m).slice(1)) {
    const [heading] = section.split("\n", 1);
    const items = [...section.matchAll(/\]\(([^)#]+\.md)(?:#[^)]*)?\)/g)].flatMap(([, href]) => {
      const page = targets.get(posix.join("docs", href!));
      if (page === undefined) return [];
      const here = page === current ? ' aria-current="page"' : "";
      return [
        `<li><a href="${relative(current.target, page.target)}"${here}>${page.title}</a></li>`,
      ];
    });
    if (items.length > 0) parts.push(`<h2>${heading}</h2><ul>${[...new Set(items)].join("")}</ul>`);
  }
  return parts.join("\n");
}

function html(page: Page, content: string, nav: string): string {
  const to = (target: string): string => relative(page.target, target);
  const title = page.target === "index.html" ? page.title : `${page.title} - quickws`;
  return `<!doctype html>
<html lang="${page.source.includes("zh-CN") ? "zh-CN" : "en"}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<link rel="stylesheet" href="${to("style.css")}">
</head>
<body>
<header><a href="${to("index.html")}">quickws</a>
<a href="${to("contents.html")}">Documentation</a>
<a href="${to("reference/index.html")}">API reference</a></header>
<details class="menu"><summary>All pages</summary><nav>${nav}</nav></details>
<div class="columns"><nav class="side">${nav}</nav>
<main>
${content}</main></div>
</body>
</html>
`;
}

/** Returns the list of pages for language models (https://llmstxt.org). */
export function llmsText(all: readonly Page[]): string {
  const contents = all.find(({ source }) => source === "docs/README.md")!;
  const lines = contents.text.replaceAll(
    /\]\((?!https?:)([^)]+)\)/g,
    (_, href: string) => `](${posix.join("docs", href)})`,
  );
  const readme = all.find(({ source }) => source === "README.md")!;
  const summary = readme.text.split("\n\n")[1]!.replaceAll("\n", " ");
  return `# quickws for TypeScript\n\n> ${summary}\n\n${lines.slice(lines.indexOf("## "))}`;
}

/** Returns links from the reference's first page to the other entries, as lines of a comment. */
function entryLinks(): string {
  const others = Object.keys(config.exports).filter((entry) => entry !== MAIN_ENTRY);
  const links = others.map((entry) => `[\`${entry}\`](./${entry.slice(2)}/index.html)`);
  return ` * Other entries: ${links.join(", ")}.\n *\n`;
}

/** The part of the output of `deno doc --json` for a module that is used here. */
interface DocumentedModule {
  readonly symbols: readonly {
    readonly name: string;
    readonly declarations: readonly {
      readonly jsDoc?: {
        readonly tags?: readonly { readonly kind: string; readonly doc?: string }[];
      };
    }[];
  }[];
}

/** Returns the `@category` of each exported name, by the entry's file. */
function categories(paths: readonly string[]): Map<string, Map<string, string>> {
  const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...paths],
    cwd: ROOT,
  }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const { nodes }: { nodes: Record<string, DocumentedModule> } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  const found = new Map<string, Map<string, string>>();
  for (const path of paths) {
    const { symbols } = nodes[pathToFileURL(posix.join(ROOT, path)).href]!;
    const ofNames = new Map<string, string>();
    for (const { name, declarations } of symbols) {
      const tags = declarations.flatMap(({ jsDoc }) => jsDoc?.tags ?? []);
      ofNames.set(name, tags.find(({ kind }) => kind === "category")?.doc?.trim() ?? "Other");
    }
    found.set(path, ofNames);
  }
  return found;
}

/**
 * Returns links to an entry's names by category, as lines of a comment: `deno doc` does not group
 * them.
 */
function categoryLinks(names: readonly string[], ofNames: Map<string, string>): string {
  const groups = Map.groupBy(names, (name) => ofNames.get(name) ?? "Other");
  return [...groups].sort(([a], [b]) => a < b ? -1 : 1).map(([category, members]) => {
    const links = members.map((name) => `[\`${name}\`](./~/${name}.html)`);
    return ` * **${category}**: ${links.join(", ")}.\n *\n`;
  }).join("");
}

/**
 * Writes a package for `deno doc --html` in which only one entry exports each public name: the
 * others do not repeat the names of the main entry. Returns the files of the entries.
 */
function writeReferencePackage(folder: string): string[] {
  const names = exportedNames();
  const main = new Set(names[MAIN_ENTRY]);
  const exports: Record<string, string> = {};
  const byPath = categories(Object.values(config.exports));
  for (const [entry, path] of Object.entries(config.exports)) {
    const own = names[entry]!.filter((name) => entry === MAIN_ENTRY || !main.has(name));
    const file = `${entry === MAIN_ENTRY ? "mod" : entry.slice(2)}.ts`;
    const from = pathToFileURL(posix.join(ROOT, path)).href;
    const about = /^\/\*\*[^]*?\*\//.exec(Deno.readTextFileSync(posix.join(ROOT, path)))?.[0] ?? "";
    const links = categoryLinks(own, byPath.get(path)!);
    const shown = about.replace(" *\n", ` *\n${entry === MAIN_ENTRY ? entryLinks() : ""}${links}`);
    const text = `${shown}\n\nexport { ${own.join(", ")} } from "${from}";\n`;
    Deno.writeTextFileSync(posix.join(folder, file), text);
    exports[entry] = `./${file}`;
  }
  const manifest = { name: config.name, version: config.version, exports };
  Deno.writeTextFileSync(posix.join(folder, "deno.json"), JSON.stringify(manifest));
  return Object.values(exports);
}

/**
 * Replaces the specifiers "." and "./node" that `deno doc` writes with the names of the entries.
 */
async function nameImports(directory: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = posix.join(directory, name);
    if (isDirectory) await nameImports(path);
    else if (name.endsWith(".html")) {
      const text = await Deno.readTextFile(path);
      const named = text.replaceAll(
        /( from &quot;)\.((?:\/[a-z]+)?&quot;;)/g,
        (_, before: string, after: string) => `${before}${config.name}${after}`,
      );
      if (named !== text) await Deno.writeTextFile(path, named);
    }
  }
}

async function buildReference(output: string): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const files = writeReferencePackage(folder);
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["doc", "--html", "--quiet", `--name=${config.name}`, `--output=${output}`, ...files],
      cwd: folder,
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    await nameImports(output);
    const style = await Deno.readTextFile(new URL("reference.css", import.meta.url));
    await Deno.writeTextFile(posix.join(output, "page.css"), style, { append: true });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * Builds the site.
 *
 * @param output The output folder. Its previous content is removed.
 * @param repository The URL of the repository, for links to its source files.
 */
export async function buildSite(output: string, repository: string): Promise<void> {
  await Deno.remove(output, { recursive: true }).catch(() => {});
  const all = pages();
  const renderer = new Renderer(all, repository);
  const write = async (target: string, text: string): Promise<void> => {
    const path = posix.join(output, target);
    await Deno.mkdir(posix.dirname(path), { recursive: true });
    await Deno.writeTextFile(path, text);
  };
  for (const page of all) {
    await write(page.target, html(page, renderer.render(page), navigation(all, page)));
  }
  for (const asset of renderer.assets) {
    const path = posix.join(output, asset);
    await Deno.mkdir(posix.dirname(path), { recursive: true });
    await Deno.copyFile(posix.join(ROOT, asset), path);
  }
  await Deno.copyFile(new URL("style.css", import.meta.url), posix.join(output, "style.css"));
  await Deno.copyFile(posix.join(ROOT, "llms.txt"), posix.join(output, "llms.txt"));
  await buildReference(posix.join(output, "reference"));
}
