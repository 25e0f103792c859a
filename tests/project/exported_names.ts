// Reads the names that each entry of the package exports, including types, from the sources.
// `deno run -A tests/project/exported_names.ts` writes them to public_names.json. Any difference in
// that file is a change of the public API and belongs in the change log.

import { join } from "node:path";
import ts from "typescript";
import config from "../../deno.json" with { type: "json" };
import { root } from "./source_files.ts";

let names: Record<string, string[]> | undefined;

/** Returns the sorted names of each entry, by its key in `exports` of `deno.json`. */
export function exportedNames(): Record<string, string[]> {
  return names ??= readNames();
}

function readNames(): Record<string, string[]> {
  const entries = Object.entries(config.exports);
  const program = ts.createProgram({
    rootNames: entries.map(([, path]) => join(root, path)),
    options: {
      allowImportingTsExtensions: true,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      noEmit: true,
      noLib: true,
      types: [],
    },
  });
  const checker = program.getTypeChecker();
  return Object.fromEntries(entries.map(([key, path]) => {
    const file = program.getSourceFile(join(root, path));
    if (file === undefined) throw new Error(`There is no ${path}`);
    const module = checker.getSymbolAtLocation(file);
    const symbols = module === undefined ? [] : checker.getExportsOfModule(module);
    return [key, symbols.map(({ name }) => name).sort()];
  }));
}

if (import.meta.main) {
  const record = `${JSON.stringify(exportedNames(), null, 2)}\n`;
  await Deno.writeTextFile(new URL("public_names.json", import.meta.url), record);
}
