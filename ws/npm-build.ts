/**
 * Builds the npm package `@quickws/ws`: `@quickws/quickws/ws` as a package that can replace `ws` in
 * a package manager's overrides. A program may load `ws` with both `require` and `import`, so the
 * package is one CommonJS module, and `wrapper.mjs` exports the same classes for `import`. It has
 * no dependencies. `npm-build.ts` builds it together with the other packages.
 *
 * ```sh
 * deno run -A ws/npm-build.ts --out DIRECTORY
 * ```
 *
 * @module
 */

import { build as bundle } from "esbuild";
import { dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import ts from "typescript";
import rootConfig from "../deno.json" with { type: "json" };
import { OLDEST_VERSIONS } from "../src/transport/node_versions.ts";
import config from "./deno.json" with { type: "json" };

const root = resolve(import.meta.dirname!, "..");

/** The source of the package. */
const ENTRY = join(root, "src", "ws.ts");

/** The named exports of the package. */
export const NAMES: readonly string[] = [
  "createWebSocketStream",
  "extension",
  "PerMessageDeflate",
  "Sender",
  "subprotocol",
  "WebSocket",
  "WebSocketServer",
];

/** Returns the `package.json`. */
export function manifest(): Record<string, unknown> {
  const { name, version, description, keywords, license } = config;
  const { repository } = rootConfig;
  const engines = Object.entries(OLDEST_VERSIONS).map(([runtime, [major, minor]]) =>
    [runtime, `>=${major}.${minor}`] as const
  );
  return {
    name,
    version,
    description,
    keywords,
    license,
    repository: { type: "git", url: `git+${repository}.git` },
    homepage: `${repository}#readme`,
    bugs: { url: `${repository}/issues` },
    type: "commonjs",
    sideEffects: false,
    engines: Object.fromEntries(engines),
    main: "./index.js",
    types: "./index.d.ts",
    exports: {
      ".": {
        import: { types: "./wrapper.d.mts", default: "./wrapper.mjs" },
        require: { types: "./index.d.ts", default: "./index.js" },
      },
      "./package.json": "./package.json",
    },
    files: ["index.js", "index.js.map", "index.d.ts", "wrapper.mjs", "wrapper.d.mts", "types"],
    publishConfig: { access: "public", provenance: Deno.env.has("GITHUB_REPOSITORY") },
  };
}

const WRAPPER = `import ws from "./index.js";

export const { ${NAMES.join(", ")} } = ws;
export default ws;
`;

const INDEX_TYPES = `import ws = require("./types/ws.js");

export = ws.default;
`;

const WRAPPER_TYPES = `import WebSocket = require("./index.js");

export * from "./types/ws.js";
export default WebSocket;
`;

/** Returns the declarations of the entry and its imports, by their paths in the package. */
function declarations(): Map<string, string> {
  const written = new Map<string, string>();
  const program = ts.createProgram([ENTRY], {
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
    rootDir: join(root, "src"),
    outDir: "/types",
  });
  program.emit(undefined, (path, text) => {
    // The compiler does not rewrite the extension in type-only imports.
    written.set(path.slice(1), text.replaceAll(/((?:from |import\()"\.[^"]*)\.ts"/g, '$1.js"'));
  });
  return written;
}

/** Bundles the module of the package into a directory. */
async function bundleModule(out: string): Promise<void> {
  await bundle({
    entryPoints: [ENTRY],
    outfile: join(out, "index.js"),
    bundle: true,
    format: "cjs",
    target: "es2022",
    platform: "node",
    // `require("ws")` returns the class itself.
    footer: { js: "module.exports = module.exports.default;" },
    sourcemap: true,
    sourcesContent: false,
    legalComments: "none",
    charset: "utf8",
    logLevel: "warning",
  });
  await nameSources(out);
}

/**
 * Builds the package without declarations, which take most of the time of {@linkcode build}.
 */
export async function buildModule(out: string): Promise<void> {
  await bundleModule(out);
  await write(out, [manifestFile(), ["wrapper.mjs", WRAPPER]]);
}

/** Builds the package in a directory. */
export async function build(out: string): Promise<void> {
  await bundleModule(out);
  await write(out, [
    manifestFile(),
    ["index.d.ts", INDEX_TYPES],
    ["wrapper.mjs", WRAPPER],
    ["wrapper.d.mts", WRAPPER_TYPES],
    ...declarations(),
  ]);
  for (const file of ["README.md", "LICENSE"]) {
    await Deno.copyFile(join(root, "ws", file), join(out, file));
  }
}

type TextFile = readonly [path: string, text: string];

function manifestFile(): TextFile {
  return ["package.json", `${JSON.stringify(manifest(), null, 2)}\n`];
}

async function write(out: string, files: readonly TextFile[]): Promise<void> {
  for (const [path, text] of files) {
    await Deno.mkdir(dirname(join(out, path)), { recursive: true });
    await Deno.writeTextFile(join(out, path), text);
  }
}

/** Rewrites the source map to paths in the repository, without paths of this machine. */
async function nameSources(out: string): Promise<void> {
  const path = join(out, "index.js.map");
  const map = JSON.parse(await Deno.readTextFile(path));
  map.sources = map.sources.map((source: string) => relative(root, resolve(out, source)));
  await Deno.writeTextFile(path, JSON.stringify(map));
}

if (import.meta.main) {
  const { values } = parseArgs({ args: Deno.args, options: { out: { type: "string" } } });
  const out = resolve(values.out ?? join(root, "npm", "ws"));
  await build(out);
  console.log(`Built ${config.name} ${config.version} into ${out}`);
}
