// Every code block of the documentation runs as pasted, on each runtime that it names, and prints
// the output in its comments.
//
// The words after the language of a fence name the runtimes: ```ts deno bun. Default: all three.
// `ignore` marks a block that needs another host or program. A comment after `console.log(...)` is the
// expected output; "..." in it matches anything. A block that listens on its own port must stay up;
// any other block must exit.

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { serve } from "../../mod.ts";
import { builtForNode } from "../support/node_build.ts";
import { freePort } from "../support/ports.ts";
import { bunPath, nodePath, type RuntimeName, runtimeNames } from "../support/runtimes.ts";
import { root } from "../project/source_files.ts";

/** How long a block may take before its process is ended and its test fails. */
const DEADLINE = 240_000;

/** Ports that blocks listen on or connect to; each run gets free ones instead. */
const PORTS = /\b(8080|8081|8082|8083|3000|8000)\b/g;

/** A block that keeps running because it listens. */
const LISTENS = /\bport: (8\d{3}|3000)\b|\.listen\((8\d{3}|3000)/;

interface Block {
  readonly page: string;
  readonly line: number;
  readonly code: string;
  readonly runtimes: readonly RuntimeName[];
}

function markdownFiles(): string[] {
  const files = ["README.md", "README.zh-CN.md", "SECURITY.md"];
  for (const folder of ["docs", "docs/guide", "docs/start"]) {
    for (const name of readdirSync(join(root, folder))) {
      if (name.endsWith(".md")) files.push(join(folder, name));
    }
  }
  return files;
}

function blocksOf(page: string): Block[] {
  const text = readFileSync(join(root, page), "utf8");
  const found: Block[] = [];
  for (const match of text.matchAll(/^```(?:ts|js)( [^\n]*)?\n([^]*?)^```$/gm)) {
    const words = (match[1] ?? "").trim().split(/\s+/).filter((word) => word !== "");
    if (words.includes("ignore")) continue;
    const unknown = words.filter((word) => !runtimeNames.includes(word as RuntimeName));
    const line = text.slice(0, match.index).split("\n").length;
    assert.deepEqual(unknown, [], `${page}:${line}`);
    const runtimes = words.length === 0 ? runtimeNames : words as RuntimeName[];
    found.push({ page, line, code: match[2]!, runtimes });
  }
  return found;
}

/** The output in the block's comments, one pattern per line. */
function expectedLines(code: string): RegExp[] {
  return [...code.matchAll(/console\.log\(.*\);?\s*\/\/ (.+)$/gm)].map(([, text]) => {
    const parts = text!.trim().split("...").map((part) =>
      part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")
    );
    return new RegExp(`^${parts.join(".*")}$`, "m");
  });
}

const folder = join(builtForNode(join(root, "mod.ts")), "..", "blocks");
mkdirSync(folder, { recursive: true });

function command(runtime: RuntimeName, name: string, code: string): Deno.Command {
  // Node resolves the library's name next to its JavaScript; Deno resolves it by deno.json.
  const file = runtime === "node"
    ? join(folder, `${name}.mjs`)
    : join(root, ".build", "blocks", `${name}.ts`);
  const path = runtime === "bun" ? join(folder, `${name}.ts`) : file;
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, code);
  const [program, args] = runtime === "deno"
    ? [Deno.execPath(), ["run", "--quiet", "--no-lock", "--allow-all", path]] as const
    : runtime === "bun"
    ? [bunPath(), ["run", path]] as const
    : [nodePath(), [path]] as const;
  return new Deno.Command(program, {
    args: [...args],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(DEADLINE),
  });
}

/** Waits until something accepts connections on a port. */
async function untilListening(port: number, ended: () => boolean): Promise<void> {
  while (!ended()) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function run(block: Block, runtime: RuntimeName, echoPort: number): Promise<void> {
  const listens = LISTENS.test(block.code);
  const ports = new Map<string, number>();
  for (const [port] of listens ? block.code.matchAll(PORTS) : []) {
    if (!ports.has(port)) ports.set(port, await freePort());
  }
  const code = block.code.replaceAll(PORTS, (port) => String(ports.get(port) ?? echoPort));
  const name = `${block.page.replaceAll(/[^a-zA-Z]/g, "_")}_${block.line}`;
  const child = command(runtime, name, code).spawn();
  const left = new Set(expectedLines(code));
  let printed = "";
  const errors = new Response(child.stderr).text();
  let over = false;
  const status = child.status.finally(() => over = true);
  const reading = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      printed += text;
      for (const line of left) if (line.test(printed)) left.delete(line);
      if (listens && left.size === 0) break;
    }
  })();
  const where = (what: string): string =>
    `${block.page}:${block.line} on ${runtime} ${what}\n${code}\n--- printed\n${printed}`;
  try {
    if (!listens || left.size > 0) await Promise.race([reading, status]);
    if (listens) {
      for (const port of ports.values()) await untilListening(port, () => over);
      if (!over) return;
    }
    const { code: exitCode } = await status;
    await reading;
    assert.equal(exitCode, 0, where(`failed\n${await errors}`));
    assert.ok(!listens, where("exited, although it listens"));
    assert.deepEqual([...left].map(String), [], where("does not print the output in its comments"));
  } finally {
    if (!over) child.kill("SIGKILL");
    await status;
    await errors.catch(() => {});
  }
}

/** Runs tasks, two at a time. */
async function inPairs(tasks: Array<() => Promise<void>>): Promise<void> {
  const next = async (): Promise<void> => {
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) await task();
  };
  await Promise.all([next(), next()]);
}

for (const page of markdownFiles()) {
  const blocks = blocksOf(page);
  if (blocks.length === 0) continue;
  Deno.test(`the code blocks of ${page} run as pasted`, async () => {
    await using echo = await serve({ port: 0, message: (conn, data) => void conn.send(data) });
    await inPairs(
      blocks.flatMap((block) =>
        block.runtimes.map((runtime) => () => run(block, runtime, echo.port))
      ),
    );
  });
}
