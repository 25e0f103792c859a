// Checks that TypeScript code blocks compile under `strict`, as part of `deno task check:docs`.
// Blocks marked `js` are plain JavaScript and are only run.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import ts from "typescript";
import { root } from "../project/source_files.ts";
import { typeErrors, typeProgram } from "../support/type_program.ts";
import { markdownFiles } from "./blocks.ts";

const directory = join(root, ".build", "block_types");
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });

/** The block of each file. */
const origins = new Map<string, string>();
for (const page of markdownFiles()) {
  const text = readFileSync(join(root, page), "utf8");
  for (const match of text.matchAll(/^```ts( [^\n]*)?\n([^]*?)^```$/gm)) {
    // The types of Deno and Fresh are not installed.
    if (/^ (?:deno|fresh)$/.test(match[1] ?? "")) continue;
    const line = text.slice(0, match.index).split("\n").length;
    const path = join(directory, `${page.replaceAll(/[^a-zA-Z]/g, "_")}_${line}.ts`);
    writeFileSync(path, `${match[2]}\nexport {};\n`);
    origins.set(path, `${page}:${line}`);
  }
}

const program = typeProgram([...origins.keys()], ["esnext", "dom", "dom.iterable"]);

let failures = 0;
for (const [path, origin] of origins) {
  const file = program.getSourceFile(path)!;
  for (const { messageText, start } of typeErrors(program, path)) {
    failures++;
    const { line } = file.getLineAndCharacterOfPosition(start ?? 0);
    const message = ts.flattenDiagnosticMessageText(messageText, "\n").split("\n")[0];
    console.error(`${origin} (line ${line + 1} of ${basename(path)}): ${message}`);
  }
}
console.log(`${origins.size} blocks, ${failures} type errors`);
process.exitCode = failures === 0 ? 0 : 1;
