// The source files of the library as data, for the tests about the project's own shape.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join, relative } from "node:path";
import ts from "typescript";

/** The absolute path of the repository. */
export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** One file of the repository, parsed. */
export interface SourceFile {
  /** The path from the repository's root, with forward slashes. */
  readonly path: string;
  /** The whole text. */
  readonly text: string;
  /** The syntax tree, with parents. */
  readonly tree: ts.SourceFile;
}

function* walk(directory: string): Generator<string> {
  for (const entry of Deno.readDirSync(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory) yield* walk(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}

/** Parses one file, given by its path from the root. */
export function readSource(path: string): SourceFile {
  const text = readFileSync(join(root, path), "utf8");
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
}

/** The TypeScript files below a folder, by path; none if there is no such folder. */
export function sourcesBelow(folder: string): SourceFile[] {
  try {
    return [...walk(join(root, folder))]
      .map((path) => relative(root, path).replaceAll("\\", "/"))
      .sort()
      .map(readSource);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The library: `mod.ts` and what lies below `src`. */
export function librarySources(): SourceFile[] {
  return [...sourcesBelow("src"), readSource("mod.ts")];
}

/** The doctor: a package of its own. */
export function doctorSources(): SourceFile[] {
  return sourcesBelow("doctor");
}

/** Calls `visitor` for a node and everything below it, comments and punctuation left out. */
export function visit(node: ts.Node, visitor: (node: ts.Node) => void): void {
  visitor(node);
  ts.forEachChild(node, (child) => visit(child, visitor));
}

/** Where a node is, as `path:line`. */
export function place(file: SourceFile, node: ts.Node): string {
  return `${file.path}:${file.tree.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
}
