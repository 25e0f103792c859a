// Node 20 cannot run TypeScript, so this module compiles the library and the suites to JavaScript
// in `.build/node`, file by file and without bundling: it strips types and rewrites `.ts` endings.
// It writes no source maps, because reading them takes Node a third of the run time of a short
// process. In `.build/node`, the library is a package, and the suites import it by name.

import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type esbuild from "esbuild";

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL("../..", import.meta.url));
const output = join(root, ".build", "node");

/** The folders to compile. */
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

/** Files that the examples serve to browsers; they are copied unchanged. */
const ASSET = /\.(html|css|js|svg)$/;

/** The `.ts` ending of a module name in an `import` or `export` statement or in `import("...")`. */
const IMPORTED = /((?:^import |\bfrom |\bimport\()"\.[^"]+\.)ts(?="(?:;$|\)))/gm;

const MANIFEST = {
  name: "@quickws/quickws",
  type: "module",
  exports: { ".": "./mod.js", "./*": "./src/*.js" },
};

/** A compiled file. */
export interface Built {
  readonly path: string;
  readonly text: string;
}

/**
 * Compiles TypeScript to JavaScript for Node 20. Uses esbuild, which ignores types and takes a
 * tenth of the compiler's time.
 *
 * @param paths The paths of the modules, relative to the repository.
 *
 * @param directory The output directory. It gets the layout of the repository.
 */
export function* transpile(paths: readonly string[], directory: string): Generator<Built, void> {
  if (paths.length === 0) return;
  const { buildSync } = require("esbuild") as typeof esbuild;
  const { outputFiles } = buildSync({
    absWorkingDir: root,
    entryPoints: [...paths],
    outbase: root,
    outdir: directory,
    bundle: false,
    write: false,
    format: "esm",
    platform: "node",
    target: "node20",
    charset: "utf8",
    logLevel: "error",
  });
  for (const { path, text } of outputFiles) {
    yield { path, text: text.replace(IMPORTED, "$1js") };
  }
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

/** Replaces a file atomically, because another test run may be reading it. */
function replaceFile(path: string, text: string): void {
  const temporary = `${path}.${Deno.pid}`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

function build(): void {
  replaceFile(join(output, "package.json"), `${JSON.stringify(MANIFEST)}\n`);
  const changed: string[] = [];
  for (const source of SOURCES) {
    for (const path of sourceFiles(join(root, source))) {
      const target = join(output, relative(root, path)).replace(/\.ts$/, ".js");
      if (modified(target) > modified(path)) continue;
      if (ASSET.test(path)) replaceFile(target, readFileSync(path, "utf8"));
      else changed.push(relative(root, path));
    }
  }
  for (const { path, text } of transpile(changed, output)) replaceFile(path, text);
}

let built = false;

/** Compiles the changed files, once per process. Returns the path of a module's JavaScript. */
export function builtForNode(module: string): string {
  if (!built) build();
  built = true;
  return join(output, relative(root, resolve(module))).replace(/\.ts$/, ".js");
}
