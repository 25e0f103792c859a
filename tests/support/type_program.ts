// A program of modules that are type-checked against the library, as users of the packages write them.

import { join } from "node:path";
import ts from "typescript";
import { root } from "../project/source_files.ts";

/** Reads modules and the library; `lib` are the names of TypeScript's libraries. */
export function typeProgram(paths: string[], lib: string[]): ts.Program {
  return ts.createProgram({
    rootNames: paths,
    options: {
      lib: lib.map((name) => `lib.${name}.d.ts`),
      types: ["node", "bun-types"],
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      allowImportingTsExtensions: true,
      esModuleInterop: true,
      noEmit: true,
      strict: true,
      skipLibCheck: true,
      paths: {
        "@quickws/quickws": [join(root, "mod.ts")],
        "@quickws/quickws/*": [join(root, "src/*.ts")],
        "@quickws/ws": [join(root, "src/ws.ts")],
      },
    },
  });
}

/** The errors of one module of a program. */
export function typeErrors(program: ts.Program, path: string): readonly ts.Diagnostic[] {
  const file = program.getSourceFile(path)!;
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
}
