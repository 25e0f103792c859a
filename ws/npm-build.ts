/**
 * Builds the npm package `@quickws/ws`, which is `@quickws/quickws/ws` under a name that can stand for
 * `ws` in a package manager's overrides. Programs that use `ws` load it by `require` and by `import`, in
 * the same process: so the modules are CommonJS, and `wrapper.mjs` gives the very same classes to
 * `import`. It has no dependency.
 *
 * ```sh
 * deno run -A ws/npm-build.ts                   # into ws/npm/
 * deno run -A ws/npm-build.ts --out DIRECTORY   # into another
 * ```
 *
 * @module
 */

import { parseArgs } from "node:util";
import { dirname, join, posix, relative, resolve } from "node:path";
import ts from "typescript";
import config from "./deno.json" with { type: "json" };

const root = resolve(import.meta.dirname!, "..");

/** The module that is the package, from the repository's root. */
const ENTRY = "src/ws.ts";

/** What `import { ... } from "ws"` can name. */
const NAMES = [
  "createWebSocketStream",
  "extension",
  "PerMessageDeflate",
  "Sender",
  "Server",
  "subprotocol",
  "WebSocket",
  "WebSocketServer",
];

/** `package.json`. */
export function manifest(): Record<string, unknown> {
  return {
    name: config.name,
    version: config.version,
    description: "The interface of the npm package ws over quickws, for overrides of ws",
    keywords: ["websocket", "websockets", "ws", "rfc6455"],
    license: config.license,
    type: "commonjs",
    main: "index.js",
    types: "index.d.ts",
    exports: {
      ".": {
        import: { types: "./wrapper.d.mts", default: "./wrapper.mjs" },
        require: { types: "./index.d.ts", default: "./index.js" },
      },
      "./package.json": "./package.json",
      // Some programs and packages name the file.
      "./wrapper.mjs": "./wrapper.mjs",
    },
    engines: { node: ">=20", bun: ">=1.4", deno: ">=2" },
    files: ["index.js", "index.d.ts", "wrapper.mjs", "wrapper.d.mts", "lib"],
    publishConfig: { access: "public" },
  };
}

/** The sources that the entry reaches, from the repository's root. */
export async function sources(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const follow = async (path: string): Promise<void> => {
    if (found.has(path)) return;
    const text = await Deno.readTextFile(join(root, path));
    found.set(path, text);
    for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles) {
      if (fileName.startsWith(".")) await follow(posix.join(posix.dirname(path), fileName));
    }
  };
  await follow(ENTRY);
  return found;
}

/** Where a source's module is in the package. */
function modulePath(source: string, extension: ".js" | ".d.ts"): string {
  return join("lib", relative("src", source).replace(/\.ts$/, extension));
}

/** A source as a CommonJS module. */
function toCommonJs(text: string, fileName: string): string {
  const { outputText } = ts.transpileModule(text, {
    fileName,
    compilerOptions: {
      module: ts.ModuleKind.CommonJS,
      target: ts.ScriptTarget.ES2022,
      esModuleInterop: true,
      rewriteRelativeImportExtensions: true,
      useDefineForClassFields: true,
    },
  });
  return outputText;
}

/** The declarations of all sources, by the paths of their modules. */
function declarations(paths: readonly string[]): Map<string, string> {
  const written = new Map<string, string>();
  const program = ts.createProgram(paths.map((path) => join(root, path)), {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.esnext.d.ts"],
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
    declaration: true,
    emitDeclarationOnly: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    strict: true,
    stripInternal: false,
    rootDir: join(root, "src"),
    outDir: "/out",
  });
  program.emit(undefined, (path, text) => {
    const file = relative("/out", path);
    written.set(join("lib", file), text.replaceAll(/(from "\.[^"]*)\.ts"/g, '$1.js"'));
  });
  return written;
}

const INDEX = `"use strict";

module.exports = require("./lib/ws.js").default;
`;

const WRAPPER = `import WebSocket from "./index.js";

export const { ${NAMES.join(", ")} } = WebSocket;
export default WebSocket;
`;

const INDEX_TYPES = `import WebSocket = require("./lib/ws.js");

export = WebSocket.default;
`;

const WRAPPER_TYPES = `export * from "./lib/ws.js";
export { default } from "./lib/ws.js";
`;

/** Builds the package in a directory, which is emptied before. */
export async function build(out: string, types = true): Promise<void> {
  await Deno.remove(out, { recursive: true }).catch(() => {});
  const found = await sources();
  const files = new Map<string, string>([
    ["package.json", `${JSON.stringify(manifest(), null, 2)}\n`],
    ["index.js", INDEX],
    ["index.d.ts", INDEX_TYPES],
    ["wrapper.mjs", WRAPPER],
    ["wrapper.d.mts", WRAPPER_TYPES],
    ...[...found].map(([path, text]): [string, string] => [
      modulePath(path, ".js"),
      toCommonJs(text, path),
    ]),
    ...(types ? declarations([...found.keys()]) : []),
  ]);
  for (const [path, text] of files) {
    await Deno.mkdir(dirname(join(out, path)), { recursive: true });
    await Deno.writeTextFile(join(out, path), text);
  }
  await Deno.copyFile(join(root, "LICENSE"), join(out, "LICENSE"));
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { out: { type: "string" }, "no-types": { type: "boolean" } },
  });
  const out = resolve(values.out ?? join(root, "ws", "npm"));
  await build(out, values["no-types"] !== true);
  console.log(`Built ${config.name} in ${out}`);
}
