// Node 20 cannot run TypeScript: this builds the library and the suites as JavaScript, file by
// file, in `.build/node`. Types are stripped, `.ts` endings are rewritten, nothing is bundled, and
// a source map beside each file maps stack traces to the source. There the library is a package and
// is imported by its name.

import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { CompilerOptions } from "typescript";
import { compiler } from "./compiler.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const output = join(root, ".build", "node");

/** The source folders of the suites. */
const SOURCES = [
  "mod.ts",
  "src",
  "doctor",
  "tests/support",
  "tests/behaviour",
  "tests/interop",
  "tests/backplane",
  "tests/deflate",
  "tests/fuzz",
  "tests/security",
  "tests/faults",
  "tests/siege",
  "tests/node",
  "tests/ws",
  "tests/doctor",
  "bench",
  "examples",
];

/** Files that the examples serve to browsers are copied unchanged. */
const ASSET = /\.(html|css|js|svg)$/;

const MANIFEST = {
  name: "@quickws/quickws",
  type: "module",
  exports: { ".": "./mod.js", "./*": "./src/*.js" },
};

function compilerOptions(): CompilerOptions {
  const { ModuleKind, ScriptTarget } = compiler();
  return {
    target: ScriptTarget.ES2022,
    module: ModuleKind.ESNext,
    verbatimModuleSyntax: true,
    rewriteRelativeImportExtensions: true,
    sourceMap: true,
    inlineSources: true,
  };
}

function* sourceFiles(path: string): Generator<string> {
  if (path.endsWith(".ts") || ASSET.test(path)) yield path;
  else if (statSync(path).isDirectory()) {
    for (const name of readdirSync(path)) yield* sourceFiles(join(path, name));
  }
}

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Whole or not at all: another test run may be reading the same file. */
function replaceFile(path: string, text: string): void {
  const temporary = `${path}.${Deno.pid}`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

function build(): void {
  replaceFile(join(output, "package.json"), `${JSON.stringify(MANIFEST)}\n`);
  for (const source of SOURCES) {
    for (const path of sourceFiles(join(root, source))) {
      const target = join(output, relative(root, path)).replace(/\.ts$/, ".js");
      if (modified(target) > modified(path)) continue;
      if (ASSET.test(path)) {
        replaceFile(target, readFileSync(path, "utf8"));
        continue;
      }
      const { outputText, sourceMapText } = compiler().transpileModule(
        readFileSync(path, "utf8"),
        { compilerOptions: compilerOptions(), fileName: path },
      );
      replaceFile(`${target}.map`, sourceMapText!);
      replaceFile(target, outputText);
    }
  }
}

let built = false;

/** Builds the changed files, once per process, and returns the path of a module's JavaScript. */
export function builtForNode(module: string): string {
  if (!built) build();
  built = true;
  return join(output, relative(root, resolve(module))).replace(/\.ts$/, ".js");
}
