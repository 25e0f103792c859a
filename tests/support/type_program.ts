// Type-checks modules against the library, written as users of the packages would write them.

import { join } from "node:path";
import ts from "typescript";
import { root } from "../project/source_files.ts";

/** Creates a program of modules and the library. `lib` names the TypeScript libraries to load. */
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

/** Returns the errors in one module of a program. */
export function typeErrors(program: ts.Program, path: string): readonly ts.Diagnostic[] {
  const file = program.getSourceFile(path)!;
  return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
}
