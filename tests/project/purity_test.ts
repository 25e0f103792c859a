// Checks that the pure folders use only ECMAScript and the Encoding API: type-checks them with only
// these in scope, and scans them for impure parts of ECMAScript.

import assert from "node:assert/strict";
import { join } from "node:path";
import ts from "typescript";
import { place, readSource, root, type SourceFile, sourcesBelow, visit } from "./source_files.ts";

const PURE_FOLDERS = ["wire", "deflate", "message", "session", "handshake", "proxy"];

/** ECMAScript globals that are impure, evade the type checker, or are slow on hostile input. */
const FORBIDDEN_NAMES = new Set([
  "Date",
  "Intl",
  "RegExp",
  "WeakRef",
  "FinalizationRegistry",
  "Function",
  "eval",
  "globalThis",
]);

const pureSources: SourceFile[] = [
  readSource("src/errors.ts"),
  readSource("src/pubsub/protocol.ts"),
  ...PURE_FOLDERS.flatMap((folder) => sourcesBelow(`src/${folder}`)),
];

/** Type-checks files with only ECMAScript and the Encoding API in scope. Returns the errors. */
function typeErrorsOf(paths: string[]): string[] {
  const program = ts.createProgram({
    rootNames: [...paths, join(root, "tests/project/encoding.d.ts")],
    options: {
      lib: ["lib.es2023.d.ts"],
      types: [],
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      allowImportingTsExtensions: true,
      noEmit: true,
      strict: true,
    },
  });
  return ts.getPreEmitDiagnostics(program).map((diagnostic) =>
    `${diagnostic.file?.fileName ?? ""}: ${
      ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n")
    }`
  );
}

/** Finds impure code that the type checker accepts. */
function impurities(file: SourceFile): string[] {
  const found: string[] = [];
  visit(file.tree, (node) => {
    const name = ts.isIdentifier(node) && FORBIDDEN_NAMES.has(node.text);
    const member = ts.isPropertyAccessExpression(node.parent ?? node) &&
      (node.parent as ts.PropertyAccessExpression).name === node;
    const random = ts.isPropertyAccessExpression(node) && node.getText() === "Math.random";
    if ((name && !member) || random || ts.isRegularExpressionLiteral(node)) {
      found.push(`${place(file, node)}: ${node.getText()}`);
    }
  });
  return found;
}

Deno.test("the pure folders type-check with only ECMAScript and the Encoding API", () => {
  assert.deepEqual(typeErrorsOf(pureSources.map((file) => join(root, file.path))), []);
});

Deno.test("the pure folders use no clock, no randomness and no regular expression", () => {
  assert.deepEqual(pureSources.flatMap(impurities), []);
});

Deno.test("the type check rejects runtime APIs", () => {
  const statements = [
    "setTimeout(() => {}, 1);",
    "console.log(1);",
    "crypto.getRandomValues(new Uint8Array(4));",
    "new URL('ws://localhost');",
    "new Headers();",
    "queueMicrotask(() => {});",
    "performance.now();",
    "Deno.version;",
    "Bun.version;",
    "process.exit();",
    "import 'node:net';",
    "new TextDecoderStream();",
  ];
  const directory = Deno.makeTempDirSync();
  try {
    const paths = [...statements, "new TextEncoder().encode('a');"].map((statement, index) => {
      const path = join(directory, `impure_${index}_.ts`);
      Deno.writeTextFileSync(path, `${statement}\nexport {};\n`);
      return path;
    });
    const diagnostics = typeErrorsOf(paths);
    for (const [index, statement] of statements.entries()) {
      assert.ok(diagnostics.some((line) => line.includes(`impure_${index}_`)), statement);
    }
    assert.ok(!diagnostics.some((line) => line.includes(`impure_${statements.length}_`)));
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("the scan finds clocks, randomness and regular expressions", () => {
  const cases: [text: string, found: number][] = [
    ["Date.now();", 1],
    ["new Date();", 1],
    ["Math.random();", 1],
    ["/a+/.test('a');", 1],
    ["new RegExp('a');", 1],
    ["globalThis['setTimeout'];", 1],
    ["frame.Date; Math.max(1, 2); // Date /a/", 0],
  ];
  for (const [text, found] of cases) {
    const tree = ts.createSourceFile("case.ts", text, ts.ScriptTarget.Latest, true);
    assert.equal(impurities({ path: "case.ts", text, tree }).length, found, text);
  }
});
