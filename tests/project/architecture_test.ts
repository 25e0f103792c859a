// Checks the import graph against the layers of the library: a layer imports only lower layers.

import assert from "node:assert/strict";
import { posix } from "node:path";
import ts from "typescript";
import { doctorSources, librarySources, place, type SourceFile, visit } from "./source_files.ts";

const PORT = "src/transport/transport.ts";

const TEXT_METHODS = "src/shared/text_methods.ts";

/** The allowed imports of the public entries. */
const ENTRY = [
  "src/public.ts",
  "src/entry.ts",
  "src/connection/",
  "src/server/",
  "src/client/",
  "src/reconnect/",
  "src/native/",
  "src/transport/",
  PORT,
];

/**
 * The imports that each layer may have besides its own files. A layer is a folder of `src` or a
 * single file; the longest matching name applies.
 */
const LAYERS: Record<string, readonly string[]> = {
  "src/errors.ts": [],
  "src/wire/": ["src/errors.ts"],
  "src/deflate/": [],
  "src/message/": ["src/errors.ts", "src/wire/", "src/deflate/", TEXT_METHODS],
  "src/session/": ["src/errors.ts", "src/wire/", "src/message/"],
  "src/handshake/": ["src/errors.ts"],
  // HTTP CONNECT uses the HTTP parser of the opening handshake.
  "src/proxy/": ["src/errors.ts", "src/handshake/"],
  // Clients also use the topics subprotocol.
  "src/pubsub/protocol.ts": ["src/wire/", "src/message/"],
  "src/backplane/": ["src/errors.ts", "src/shared/"],
  [PORT]: [],
  // The transports set it, and the pure core uses it.
  [TEXT_METHODS]: [],
  "src/transport/": ["src/shared/", TEXT_METHODS, PORT],
  "src/shared/": [],
  "src/connection/": [
    "src/errors.ts",
    "src/wire/",
    "src/message/",
    "src/session/",
    "src/handshake/",
    "src/shared/",
    PORT,
  ],
  "src/pubsub/": [
    "src/errors.ts",
    "src/wire/",
    "src/message/",
    "src/session/",
    "src/shared/",
    "src/connection/",
    "src/backplane/",
    "src/pubsub/protocol.ts",
  ],
  "src/server/": [
    "src/errors.ts",
    "src/wire/",
    "src/message/",
    "src/handshake/",
    "src/pubsub/",
    "src/shared/",
    "src/connection/",
    "src/backplane/",
    "src/pubsub/protocol.ts",
    PORT,
  ],
  "src/client/": [
    "src/errors.ts",
    "src/handshake/",
    "src/proxy/",
    "src/shared/",
    "src/connection/",
    PORT,
  ],
  "src/reconnect/": [
    "src/errors.ts",
    "src/wire/",
    "src/message/",
    "src/session/",
    "src/pubsub/protocol.ts",
    "src/shared/",
    "src/connection/",
    "src/client/",
    PORT,
  ],
  "src/native/": [
    "src/errors.ts",
    "src/wire/",
    "src/message/",
    "src/session/",
    "src/handshake/",
    "src/pubsub/",
    "src/shared/",
    "src/connection/",
    "src/backplane/",
    "src/pubsub/protocol.ts",
    "src/server/",
    "src/client/",
    "src/reconnect/",
  ],
  "src/web/": [
    "src/errors.ts",
    "src/handshake/",
    "src/session/",
    "src/shared/",
    "src/connection/",
    "src/client/",
    "src/transport/",
    PORT,
  ],
  // It accepts sockets of `node:http` and implements its own opening handshake.
  "src/ws/": [
    "src/errors.ts",
    "src/wire/",
    "src/session/",
    "src/handshake/",
    "src/shared/",
    "src/connection/",
    "src/transport/",
  ],
  "src/ws.ts": ["src/ws/"],
  "src/fflate.ts": ["src/message/", "src/shared/"],
  "src/core.ts": [
    "src/errors.ts",
    "src/wire/",
    "src/deflate/",
    "src/message/",
    "src/session/",
    "src/handshake/",
  ],
  "src/entry.ts": [
    "src/connection/",
    "src/server/",
    "src/client/",
    "src/reconnect/",
    PORT,
  ],
  "src/public.ts": [
    "src/entry.ts",
    "src/errors.ts",
    "src/wire/",
    "src/message/",
    "src/session/",
    "src/pubsub/",
    "src/shared/",
    "src/connection/",
    "src/backplane/",
    "src/pubsub/protocol.ts",
    "src/server/",
    "src/client/",
    "src/reconnect/",
    PORT,
  ],
  "src/deno.ts": ENTRY,
  "src/bun.ts": ENTRY,
  "src/node.ts": ENTRY,
  "src/browser.ts": ["src/public.ts", "src/native/"],
  "src/workers.ts": ["src/public.ts", "src/native/"],
  "mod.ts": ENTRY,
  "src/web.ts": ["src/web/"],
  "src/redis.ts": ["src/backplane/"],
  "src/nats.ts": ["src/backplane/"],
};

/** The files that may name a runtime and import its modules. `ws` implements Node's interfaces. */
const RUNTIME_FILE =
  /^src\/((transport\/|native\/)?(deno|bun|node)(_[a-z_]+)?|ws(\/[a-z_]+)?)\.ts$/;

/** The file that detects the runtime, without importing its modules. */
const RUNTIME_SEARCH = "src/transport/runtime.ts";

/** Modules that the library never imports, because it has its own deflate codec. */
const FORBIDDEN_MODULES = ["node:zlib", "zlib", "fflate"];

const RUNTIME_NAMES = new Set(["Deno", "Bun", "process"]);

function layerOf(path: string): string | undefined {
  return Object.keys(LAYERS)
    .filter((layer) => layer.endsWith("/") ? path.startsWith(layer) : path === layer)
    .sort((a, b) => b.length - a.length)[0];
}

/** Returns the modules that a file imports or re-exports, including types and dynamic imports. */
function importsOf(file: SourceFile): string[] {
  return ts.preProcessFile(file.text, true, true).importedFiles.map((imported) =>
    imported.fileName.startsWith(".")
      ? posix.join(posix.dirname(file.path), imported.fileName)
      : imported.fileName
  );
}

/** Returns whether a name refers to a global, not to a member or a parameter. */
function namesGlobal(node: ts.Node, names: ReadonlySet<string>): boolean {
  if (ts.isStringLiteral(node) && ts.isBinaryExpression(node.parent)) {
    // `"Deno" in globalThis`
    return node.parent.operatorToken.kind === ts.SyntaxKind.InKeyword && names.has(node.text);
  }
  if (!ts.isIdentifier(node) || !names.has(node.text)) return false;
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
    return parent.expression.getText().includes("globalThis");
  }
  const isMemberName = (ts.isPropertyAssignment(parent) || ts.isMethodDeclaration(parent) ||
    ts.isPropertyDeclaration(parent) || ts.isPropertySignature(parent) ||
    ts.isMethodSignature(parent)) && parent.name === node;
  return !isMemberName;
}

const sources = librarySources();

Deno.test("imports follow the order of the layers", () => {
  const wrong: string[] = [];
  for (const file of sources) {
    const from = layerOf(file.path);
    if (from === undefined) {
      wrong.push(`${file.path} belongs to no layer`);
      continue;
    }
    for (const target of importsOf(file)) {
      if (!/^(src\/|mod\.ts)/.test(target)) continue;
      const to = layerOf(target);
      if (to === undefined || (to !== from && !LAYERS[from]!.includes(to))) {
        wrong.push(`${file.path} must not import ${target}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("the library imports only itself and, in runtime files, runtime modules", () => {
  const wrong: string[] = [];
  for (const file of sources) {
    for (const target of importsOf(file)) {
      const own = /^(src\/|mod\.ts)/.test(target);
      const runtime = target.startsWith("node:") && RUNTIME_FILE.test(file.path);
      if (FORBIDDEN_MODULES.includes(target) || !(own || runtime)) {
        wrong.push(`${file.path} must not import ${target}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("the doctor imports the library by its public name, and no file imports the doctor", () => {
  const allowed = /^(doctor\/|@quickws\/quickws\/core$|node:)/;
  const wrong = doctorSources().flatMap((file) =>
    importsOf(file).filter((target) => !allowed.test(target))
      .map((target) => `${file.path} must not import ${target}`)
  );
  assert.deepEqual(wrong, []);
  const inward = sources.filter((file) =>
    importsOf(file).some((to) => /^(doctor\/|@quickws\/doctor)/.test(to))
  );
  assert.deepEqual(inward.map(({ path }) => path), []);
});

/**
 * Returns the modules loaded together with a file: its static imports, recursively, without types.
 */
function loadedWith(path: string, loaded: Set<string> = new Set()): Set<string> {
  const file = sources.find((one) => one.path === path);
  if (file === undefined || loaded.has(path)) return loaded;
  loaded.add(path);
  ts.forEachChild(file.tree, (node) => {
    if (!(ts.isImportDeclaration(node) || ts.isExportDeclaration(node))) return;
    const { moduleSpecifier } = node;
    if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier) || isOfTypes(node)) {
      return;
    }
    loadedWith(posix.join(posix.dirname(path), moduleSpecifier.text), loaded);
  });
  return loaded;
}

function isOfTypes(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  const bindings = node.importClause?.namedBindings;
  return node.importClause?.isTypeOnly === true ||
    (bindings !== undefined && ts.isNamedImports(bindings) && bindings.elements.length > 0 &&
      bindings.elements.every((element) => element.isTypeOnly));
}

Deno.test("serve loads rarely used features only if an option enables them", () => {
  const loaded = [...loadedWith("mod.ts"), ...loadedWith("src/server/serve.ts")];
  assert.ok(loaded.includes("src/connection/driver.ts"));
  const rare = /^src\/(deflate\/(?!release_memory)|backplane\/|client\/|proxy\/|reconnect\/)/;
  assert.deepEqual(loaded.filter((path) => rare.test(path)), []);
});

Deno.test("there are no import cycles", () => {
  const graph = new Map(sources.map((file) => [file.path, importsOf(file)]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const follow = (path: string, trail: string[]): void => {
    if (trail.includes(path)) {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
      return;
    }
    if (done.has(path)) return;
    for (const target of graph.get(path) ?? []) follow(target, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) follow(path, []);
  assert.deepEqual(cycles, []);
});

Deno.test("only transports and entries name a runtime", () => {
  const wrong: string[] = [];
  for (const file of sources) {
    if (RUNTIME_FILE.test(file.path) || file.path === RUNTIME_SEARCH) continue;
    visit(file.tree, (node) => {
      if (namesGlobal(node, RUNTIME_NAMES)) {
        wrong.push(`${place(file, node)} names ${node.getText()}`);
      }
    });
  }
  assert.deepEqual(wrong, []);
});

Deno.test("the scan finds global names and nothing else", () => {
  const cases: [text: string, found: boolean][] = [
    ["Deno.connect({ port: 1 });", true],
    ["if (typeof Bun === 'object') { 1; }", true],
    ["globalThis.process.exit();", true],
    ["(globalThis as { Deno?: unknown }).Deno;", true],
    ["'Deno' in globalThis;", true],
    ["this.process();", false],
    ["class Frame { process(): void {} }", false],
    ["const text = 'Deno'; // Deno", false],
  ];
  for (const [text, found] of cases) {
    const tree = ts.createSourceFile("case.ts", text, ts.ScriptTarget.Latest, true);
    let hit = false;
    visit(tree, (node) => hit ||= namesGlobal(node, RUNTIME_NAMES));
    assert.equal(hit, found, text);
  }
});
