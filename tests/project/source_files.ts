// Provides the parsed source files of the library to tests of the project structure.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { join, relative } from "node:path";
import type ts from "typescript";
import { compiler } from "../support/compiler.ts";

/** The absolute path of the repository. */
export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** A file of the repository. */
export interface SourceFile {
  /** The path relative to the repository root, with forward slashes. */
  readonly path: string;
  /** The source text. */
  readonly text: string;
  /** The syntax tree, with parent links. */
  readonly tree: ts.SourceFile;
}

function* walk(directory: string): Generator<string> {
  for (const entry of Deno.readDirSync(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory) yield* walk(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}

/** Reads a file by its path relative to the root. */
export function readSource(path: string): SourceFile {
  const text = readFileSync(join(root, path), "utf8");
  let tree: ts.SourceFile | undefined;
  return {
    path,
    text,
    // Parsed on first use, because some tests need only the text.
    get tree(): ts.SourceFile {
      const { createSourceFile, ScriptTarget } = compiler();
      return tree ??= createSourceFile(path, text, ScriptTarget.Latest, true);
    },
  };
}

/** Returns the TypeScript files in a folder, sorted by path; none if the folder does not exist. */
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

/** Returns the files of the library: `mod.ts` and all files in `src`. */
export function librarySources(): SourceFile[] {
  return [...sourcesBelow("src"), readSource("mod.ts")];
}

/** Returns the files of the doctor, which is a separate package. */
export function doctorSources(): SourceFile[] {
  return sourcesBelow("doctor");
}

/** Calls `visitor` for a node and its descendants, excluding comments and punctuation. */
export function visit(node: ts.Node, visitor: (node: ts.Node) => void): void {
  visitor(node);
  compiler().forEachChild(node, (child) => visit(child, visitor));
}

/** Formats the position of a node as `path:line`. */
export function place(file: SourceFile, node: ts.Node): string {
  return `${file.path}:${file.tree.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
}
