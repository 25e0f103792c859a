// Type-checks projects with one compiler: check_types.mjs COMPILER TSCONFIG..., where COMPILER is
// the directory of a `typescript`. Prints the errors of each project, as `tsc` does, as a line of
// JSON. One process parses the libraries of TypeScript and the types of Node once for all of the
// projects, and it does not check them: they are not under test. It runs on Node, like `tsc`.

import { createRequire } from "node:module";
import { dirname } from "node:path";
import process from "node:process";
import "./compile_less.mjs";

const [compiler, ...configs] = process.argv.slice(2);
const ts = createRequire(import.meta.url)(compiler);

/** Parsed files that projects share, by path and parser options. */
const parsed = new Map();

function programOf(config) {
  const { config: json, error } = ts.readConfigFile(config, ts.sys.readFile);
  if (error !== undefined) {
    throw new Error(ts.flattenDiagnosticMessageText(error.messageText, "\n"));
  }
  const { options, fileNames, errors } = ts.parseJsonConfigFileContent(
    json,
    ts.sys,
    dirname(config),
  );
  const host = ts.createCompilerHost(options);
  host.jsDocParsingMode = ts.JSDocParsingMode.ParseNone;
  const { getSourceFile } = host;
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const key = JSON.stringify([path, languageVersion]);
    if (!parsed.has(key)) parsed.set(key, getSourceFile(path, languageVersion, ...rest));
    return parsed.get(key);
  };
  return { program: ts.createProgram(fileNames, options, host), errors };
}

/** Whether a file is a library of the compiler or from `@types`. */
function isLibrary(program, file) {
  return program.isSourceFileDefaultLibrary(file) || file.fileName.includes("/@types/") ||
    file.fileName.includes("/undici-types/");
}

for (const config of configs) {
  const { program, errors } = programOf(config);
  const files = program.getSourceFiles().filter((file) => !isLibrary(program, file));
  const diagnostics = ts.sortAndDeduplicateDiagnostics([
    ...errors,
    ...program.getConfigFileParsingDiagnostics(),
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...files.flatMap((file) => [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ]),
  ]);
  const host = {
    getCanonicalFileName: (path) => path,
    getCurrentDirectory: () => dirname(config),
    getNewLine: () => "\n",
  };
  console.log(JSON.stringify(diagnostics.map((one) => ts.formatDiagnostic(one, host).trim())));
}
