/**
 * Builds the npm packages of this workspace into `npm/` and tests them. A package contains bundles
 * as ES modules, type declarations, README and license.
 *
 * ```sh
 * deno run -A npm-build.ts             # with dnt from JSR
 * deno run -A npm-build.ts --offline   # with `deno pack`, which needs no network
 * #   --out DIRECTORY   builds there instead of in npm/
 * #   --no-check        does not test the result with tests/package
 * ```
 *
 * The packages are the root of the repository and each member of `workspace` in `deno.json`. The
 * `deno.json` of a package describes it: in addition to Deno's fields, this script reads
 * `description`, `keywords` and `bin`. `repository` in the root's `deno.json` applies to all
 * packages.
 *
 * dnt or `deno pack` generates modules and declarations from the sources. esbuild then bundles the
 * modules into one file per entry, and chunks for code that entries share or load lazily, because
 * two hundred small modules would take far longer to load. There are no source maps: they would be
 * a third of the package, and the bundles are readable and keep all names.
 *
 * `npm publish ./npm/quickws` publishes a package. In this repository, links in `node_modules` let
 * Node find the packages by name.
 *
 * @module
 */

import { build as bundle, type BuildOptions, type Metafile, type Plugin } from "esbuild";
import { basename, dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import rootConfig from "./deno.json" with { type: "json" };
import { OLDEST_VERSIONS } from "./src/transport/node_versions.ts";
import { build as buildWs } from "./ws/npm-build.ts";

/** The fields of a `deno.json` that are read here. */
interface Config {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly description: string;
  readonly keywords: readonly string[];
  /** The commands of the package: for each name, the key of its module in `exports`. */
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports: string | Readonly<Record<string, string>>;
}

/** A package of the workspace. */
export interface Package {
  /** The folder, relative to the repository. */
  readonly folder: string;
  readonly config: Config;
  /** The sources of the public modules, by their key in `exports`. */
  readonly entries: Readonly<Record<string, string>>;
}

/** The supported runtimes. Older ones are also rejected at run time. */
const ENGINES = Object.fromEntries(
  Object.entries(OLDEST_VERSIONS).map(([name, [major, minor]]) => [name, `>=${major}.${minor}`]),
);

/**
 * Conditions of bundlers for environments without sockets. There, the main entry is `./browser`.
 */
const WEB_CONDITIONS = ["browser", "workerd", "worker", "edge-light"];

/** Files of the repository that the package contains in addition to the modules. */
const ASSETS = ["README.md", "LICENSE", "CHANGELOG.md"];

const root = import.meta.dirname!;

/** The member that replaces a CommonJS package and is built as one. */
const COMMON_JS = "./ws";

/** The ES module packages: the root, then the members of the workspace. */
export const packages: readonly Package[] = [
  ".",
  ...rootConfig.workspace.filter((folder) => folder !== COMMON_JS),
].map((folder) => {
  const config: Config = JSON.parse(Deno.readTextFileSync(join(root, folder, "deno.json")));
  const { exports } = config;
  return {
    folder,
    config,
    entries: typeof exports === "string" ? { ".": exports } : exports,
  };
});

/** Returns the file name of an entry's bundle, without the extension. */
function bundleName(key: string, source: string): string {
  return key === "." ? basename(source, ".ts") : key.replace("./", "");
}

function conditions(key: string, source: string): Record<string, string> {
  return {
    types: source.replace(/^\.\//, "./types/").replace(/\.ts$/, ".d.ts"),
    // For `import`, and for `require` in versions of Node that can load ES modules with it.
    default: `./esm/${bundleName(key, source)}.js`,
  };
}

/**
 * Returns the `package.json` of a package.
 *
 * @param dependencies The packages that its modules import.
 */
export function manifest(
  { config, entries }: Package,
  dependencies: readonly Package[] = [],
): Record<string, unknown> {
  const { repository } = rootConfig;
  const { name, version, description, keywords, license, bin } = config;
  const main = conditions(".", entries["."]!);
  const browser = entries["./browser"];
  const exported = Object.entries(entries).map(([key, source]) => {
    const own = conditions(key, source);
    if (key !== "." || browser === undefined) return [key, own] as const;
    const web = conditions("./browser", browser);
    // The first matching condition applies.
    return [
      key,
      { ...Object.fromEntries(WEB_CONDITIONS.map((condition) => [condition, web])), ...own },
    ] as const;
  });
  return {
    name,
    version,
    description,
    keywords,
    license,
    repository: { type: "git", url: `git+${repository}.git` },
    homepage: `${repository}#readme`,
    bugs: { url: `${repository}/issues` },
    type: "module",
    sideEffects: false,
    engines: ENGINES,
    // For tools that do not support `exports`.
    main: main["default"],
    types: main["types"],
    exports: { ...Object.fromEntries(exported), "./package.json": "./package.json" },
    ...(bin === undefined ? {} : {
      bin: Object.fromEntries(
        Object.entries(bin).map(([command, key]) => [
          command,
          conditions(key, entries[key]!)["default"]!.replace("./", ""),
        ]),
      ),
    }),
    ...(dependencies.length === 0 ? {} : {
      dependencies: Object.fromEntries(
        dependencies.map(({ config }) => [config.name, `^${config.version}`]),
      ),
    }),
    files: ["esm", "types", "CHANGELOG.md"],
    // npm can attest the provenance only in CI.
    publishConfig: { access: "public", provenance: Deno.env.has("GITHUB_REPOSITORY") },
  };
}

async function run(cwd: string, command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, cwd }).output();
  if (!success) {
    throw new Error(`${command} ${args.join(" ")} failed:\n${new TextDecoder().decode(stderr)}`);
  }
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Yields the files in a folder and its subfolders. */
async function* filesBelow(directory: string): AsyncGenerator<string, void> {
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = join(directory, name);
    if (isDirectory) yield* filesBelow(path);
    else yield path;
  }
}

/** Generates modules and declarations in `work` with `deno pack`. */
async function pack({ folder }: Package, work: string): Promise<void> {
  const tarball = `${work}.tgz`;
  const options = ["--allow-dirty", "--no-source-maps", "--output", tarball];
  await run(join(root, folder), Deno.execPath(), "pack", ...options);
  await Deno.mkdir(work);
  await run(root, "tar", "-xzf", tarball, "-C", work, "--strip-components=1");
}

/** The part of dnt (https://jsr.io/@deno/dnt) that is used here. */
interface Dnt {
  build(options: {
    entryPoints: { name: string; path: string }[];
    outDir: string;
    shims: Record<string, never>;
    scriptModule: false;
    declaration: "inline";
    skipSourceOutput: true;
    skipNpmInstall: true;
    test: false;
    typeCheck: false;
    compilerOptions: { lib: string[]; target: string; sourceMap: true };
    mappings: Record<string, { name: string; version: string; subPath?: string }>;
    package: Record<string, unknown>;
  }): Promise<void>;
}

/** Generates modules and declarations in `work` with dnt. */
async function buildWithDnt(one: Package, work: string): Promise<void> {
  // In a variable, so that Deno does not download it in advance.
  const specifier = "jsr:@deno/dnt@^0.42.1";
  const { build }: Dnt = await import(specifier);
  const mappings = packages.filter((other) => other !== one).flatMap((
    { folder, config, entries },
  ) =>
    Object.entries(entries).map(([key, source]) =>
      [join(root, folder, source), {
        name: config.name,
        version: `^${config.version}`,
        ...(key === "." ? {} : { subPath: key.slice(2) }),
      }] as const
    )
  );
  const out = `${work}-dnt`;
  await build({
    entryPoints: Object.entries(one.entries).map(([name, path]) => ({
      name,
      path: join(root, one.folder, path),
    })),
    outDir: out,
    shims: {},
    scriptModule: false,
    declaration: "inline",
    skipSourceOutput: true,
    skipNpmInstall: true,
    test: false,
    // `deno check` has already checked the types, with those of all three runtimes in scope.
    typeCheck: false,
    compilerOptions: { lib: ["ES2022", "DOM"], target: "ES2022", sourceMap: true },
    mappings: Object.fromEntries(mappings),
    package: manifest(one),
  });
  await Deno.rename(join(out, "esm"), work);
}

/**
 * Bundles modules of `work`, given as pairs of output name and path. Returns esbuild's metadata.
 */
async function bundleModules(
  work: string,
  outdir: string,
  modules: readonly (readonly [name: string, path: string])[],
  more: BuildOptions = {},
): Promise<Metafile> {
  const { metafile } = await bundle({
    // Comments in the bundles contain paths relative to this directory.
    absWorkingDir: await Deno.realPath(work),
    entryPoints: Object.fromEntries(modules),
    outdir: resolve(outdir),
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    platform: "neutral",
    external: ["node:*", ...packages.map(({ config }) => `${config.name}*`)],
    legalComments: "none",
    charset: "utf8",
    logLevel: "warning",
    ...more,
    metafile: true,
  });
  return metafile;
}

/** A version of the module `shared/bytes` for pages, with a short error message. */
const PAGE_BYTES = `export function toBytes(data) {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (!ArrayBuffer.isView(data)) throw new TypeError("Cannot send: it must be a string or bytes");
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}`;

/** Lets esbuild drop unused modules and unused parts of a module. */
const withoutSideEffects: Plugin = {
  name: "without-side-effects",
  setup({ onResolve }) {
    onResolve({ filter: /^\.{1,2}\/.*\.js$/ }, ({ path, resolveDir }) => ({
      path: join(resolveDir, path),
      sideEffects: false,
    }));
  },
};

/**
 * Reduces the size for pages: an error about an unknown name lists all names instead of the nearest
 * ones, and errors about the memory of a message come from the engine.
 */
const forPages: Plugin = {
  name: "for-pages",
  setup({ onLoad }) {
    // The compiler stores computed method names in variables; this inlines them again.
    onLoad({ filter: /\/connection\.js$|_connection\.js$/ }, async ({ path }) => {
      const text = await Deno.readTextFile(path);
      const names = new Map(
        [...text.matchAll(/(_computedKey\d*) = (Symbol\.\w+)/g)].map((
          [, key, name],
        ) => [key, name]),
      );
      return {
        contents: text
          .replace(/_computedKey\d* = Symbol\.\w+/g, "0")
          .replace(/\[(_computedKey\d*)\]/g, (_, key) => `[${names.get(key)}]`),
      };
    });
    onLoad({ filter: /shared[/\\]bytes\.js$/ }, () => ({ contents: PAGE_BYTES }));
    onLoad({ filter: /nearest_names\.js$/ }, () => ({
      contents: "export const nearestNames = () => undefined;",
    }));
  },
};

/**
 * Properties of internal objects, which get short names in the modules for pages. (Bundlers cannot
 * shorten properties.) The list must not contain a name that an option, a handler, a public object
 * or a web API also has.
 */
const INTERNAL_NAMES = [
  "answers",
  "attemptFailed",
  "attemptOpened",
  "checkClose",
  "connected",
  "createQueue",
  "current",
  "deliver",
  "deliverOther",
  "dial",
  "disconnected",
  "drop",
  "fail",
  "flush",
  "gaveUp",
  "gone",
  "handlers",
  "hasGap",
  "hasReader",
  "isConfirmed",
  "isFinal",
  "last",
  "malformed",
  "names",
  "nextAttempt",
  "openReader",
  "opened",
  "queued",
  "readerChanged",
  "ready",
  "receive",
  "report",
  "request",
  "resumeReading",
  "retryAfter",
  "rules",
  "sender",
  "state",
  "stopAttempts",
  "stopReading",
  "subscriptions",
  "unread",
  "waiter",
  "waits",
];

/** The esbuild options for pages, apart from plugins. Users bundle and minify the result again. */
const PAGE_OPTIONS: BuildOptions = {
  minifySyntax: true,
  minifyWhitespace: true,
  mangleProps: new RegExp(`^(${INTERNAL_NAMES.join("|")})$`),
};

/** The modules that the entry for pages re-exports. */
const PAGE_MODULES: Readonly<Record<string, string>> = {
  page: "src/native/page_connect.ts",
  errors: "src/errors.ts",
  pageValues: "src/native/page_values.ts",
};

/** Makes all bundles share the same error classes, so that `instanceof` works. */
const sharedErrors: Plugin = {
  name: "shared-errors",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^\.\/errors\.js$/, namespace: "shared" }, ({ path }) => ({
      path,
      external: true,
    }));
    onResolve({ filter: /\/errors\.js$/ }, ({ path, resolveDir }) => ({
      path: "errors",
      namespace: "shared",
      sideEffects: false,
      pluginData: pathToFileURL(join(resolveDir, path)).href,
    }));
    // Names the exports, because bundlers cannot resolve `export *` of an external module.
    onLoad({ filter: /./, namespace: "shared" }, async ({ pluginData: module }) => {
      const names = Object.keys(await import(module));
      return { contents: `export { ${names.join(", ")} } from "./errors.js";` };
    });
  },
};

/**
 * Removes imports for side effects, and modules that nothing else imports. No module has side
 * effects, and bundlers warn about such imports.
 */
async function removeBareImports(work: string, { outputs }: Metafile): Promise<void> {
  for (const output of Object.keys(outputs)) {
    const path = resolve(await Deno.realPath(work), output);
    const text = (await Deno.readTextFile(path))
      .replace(/(?<=^|;)import ?"\.[^"]+\.js";\n?/gm, "");
    if (text.trim() === "") await Deno.remove(path);
    else await Deno.writeTextFile(path, text);
  }
}

/** Makes an entry import the errors from the folder of the chunks. */
async function findErrors(entry: string): Promise<void> {
  const text = await Deno.readTextFile(entry);
  await Deno.writeTextFile(entry, text.replaceAll(`"./errors.js"`, `"./chunks/errors.js"`));
}

/**
 * Bundles the modules that pages load.
 *
 * Pages and servers share no chunks, because a shared chunk would also load code that only servers
 * need. The values that the entry exports besides `connect` and the errors are in a separate
 * bundle: if both the entry and a lazily loaded module import a module, bundlers load it initially,
 * even if it is unused.
 */
async function bundleForPages(
  work: string,
  outdir: string,
  [name, entry]: readonly [name: string, path: string],
  built: (source: string) => string,
): Promise<void> {
  const { pageValues: values, ...connecting } = PAGE_MODULES;
  const bundles = [
    await bundleModules(
      work,
      outdir,
      Object.entries(connecting).map(([part, source]) => [`chunks/${part}`, built(source)]),
      { ...PAGE_OPTIONS, plugins: [withoutSideEffects, forPages] },
    ),
    await bundleModules(work, outdir, [["chunks/pageValues", built(values!)]], {
      ...PAGE_OPTIONS,
      plugins: [sharedErrors, withoutSideEffects, forPages],
    }),
  ];
  for (const bundle of bundles) await removeBareImports(work, bundle);
  const missing = new Set(Object.keys(await import(pathToFileURL(entry).href)));
  let exports = "";
  for (const [part, source] of Object.entries(PAGE_MODULES)) {
    const names = Object.keys(await import(pathToFileURL(built(source)).href));
    names.forEach((one) => missing.delete(one));
    exports += `export { ${names.join(", ")} } from "./chunks/${part}.js";\n`;
  }
  if (missing.size > 0) throw new Error(`No page module exports ${[...missing].join(", ")}`);
  await Deno.writeTextFile(join(outdir, `${name}.js`), exports);
}

/** Bundles the modules of `work` into `out`. Returns the packages that they import. */
async function bundleInto(
  out: string,
  { entries }: Package,
  work: string,
): Promise<Package[]> {
  const esm = join(out, "esm");
  const built = (source: string): string => join(work, source.replace(/\.ts$/, ".js"));
  const modules = Object.entries(entries).map(([key, source]) =>
    [bundleName(key, source), built(source)] as const
  );
  const isForPages = ([name]: readonly [string, string]): boolean => name === "browser";
  const pages = modules.filter(isForPages);
  const others = modules.filter((module) => !isForPages(module));
  const metafile = await bundleModules(
    work,
    esm,
    others,
    { plugins: pages.length === 0 ? [withoutSideEffects] : [sharedErrors, withoutSideEffects] },
  );
  await removeBareImports(work, metafile);
  for (const page of pages) await bundleForPages(work, esm, page, built);
  if (pages.length > 0) {
    for (const [name] of others) await findErrors(join(esm, `${name}.js`));
  }
  const imported = Object.values(metafile.inputs).flatMap(({ imports }) =>
    imports.filter(({ external }) => external).map(({ path }) => path)
  );
  return packages.filter(({ config: { name } }) =>
    imported.some((path) => path === name || path.startsWith(`${name}/`))
  );
}

/** Builds one package into `out`. */
async function buildPackage(one: Package, out: string, offline: boolean): Promise<void> {
  const temporary = await Deno.makeTempDir();
  const work = join(temporary, "modules");
  try {
    await (offline ? pack(one, work) : buildWithDnt(one, work));
    const dependencies = await bundleInto(out, one, work);
    for await (const path of filesBelow(work)) {
      if (!path.endsWith(".d.ts")) continue;
      const target = join(out, "types", relative(work, path));
      await Deno.mkdir(dirname(target), { recursive: true });
      await Deno.copyFile(path, target);
    }
    await stripPrivateComments(join(out, "types"), Object.values(one.entries));
    await complete(out, one, dependencies);
  } finally {
    await remove(temporary);
  }
}

/** Parses an import or export list: each name, and the name outside the list (after `as`). */
function namesIn(list: string): (readonly [name: string, outside: string])[] {
  return list.split(",").map((one) => one.trim().replace(/^type\s+/, "")).filter(Boolean).map(
    (one) => {
      const [name, outside] = one.split(/\s+as\s+/);
      return [name!, outside ?? name!] as const;
    },
  );
}

/** The names in a declaration file that users can import. */
type PublicNames = Set<string> | "all";

/** Finds the names that the entries export, by declaration file. */
async function findPublicNames(entries: readonly string[]): Promise<Map<string, PublicNames>> {
  const found = new Map<string, PublicNames>();
  const left: [path: string, names: PublicNames][] = entries.map((path) => [path, "all"]);
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [path, names] = next;
    const before = found.get(path);
    if (before === "all") continue;
    const added = names === "all"
      ? names
      : new Set([...names].filter((name) => !before?.has(name)));
    if (added !== "all" && added.size === 0) continue;
    found.set(path, added === "all" ? added : added.union(before ?? new Set()));
    const isAdded = (name: string): boolean => added === "all" || added.has(name);
    const text = await Deno.readTextFile(path);
    const add = (module: string, names: PublicNames): void =>
      void left.push([join(dirname(path), `${module}.d.ts`), names]);
    const reexports = /export\s+(?:type\s+)?(?:\*|\{([^}]*)\})\s*from\s*"(\.[^"]+)\.js"/g;
    for (const [, list, module] of text.matchAll(reexports)) {
      if (list === undefined) add(module!, added);
      else {
        const picked = namesIn(list).filter(([, outside]) => isAdded(outside));
        add(module!, new Set(picked.map(([name]) => name)));
      }
    }
    // An entry may import a name and export it in a separate statement.
    const own = [...text.matchAll(/export\s+(?:type\s+)?\{([^}]*)\}\s*;/g)]
      .flatMap(([, list]) => namesIn(list!)).filter(([, outside]) => isAdded(outside))
      .map(([name]) => name);
    for (
      const [, list, module] of text.matchAll(/import\s[^{;]*\{([^}]*)\}\s*from\s*"(\.[^"]+)\.js"/g)
    ) {
      const picked = namesIn(list!).filter(([, outside]) => own.includes(outside));
      add(module!, new Set(picked.map(([name]) => name)));
    }
  }
  return found;
}

/** The end of a top-level declaration. */
const DECLARATION_END = /(?<=^(?:\}.*|\S.*;)\n)/m;

/** Removes the comments of declarations that users cannot import, to save space. */
async function stripPrivateComments(types: string, entries: readonly string[]): Promise<void> {
  const isPublic = await findPublicNames(
    entries.map((source) => join(types, source.replace(/\.ts$/, ".d.ts"))),
  );
  for await (const path of filesBelow(types)) {
    const names = isPublic.get(path);
    if (names === "all") continue;
    const text = await Deno.readTextFile(path);
    const parts = text.split(DECLARATION_END).map((part) => {
      const name = /^(?: ?\*\/)?\s*export .*?\b(?:class|interface|type|const|function)\s+(\w+)/m
        .exec(part);
      if (name !== null && names?.has(name[1]!)) return part;
      return part.replace(/^[ \t]*\/\*\*[^]*?\*\/ ?\n?/gm, "").replace(/^[ \t]*\/\/.*\n/gm, "");
    });
    await Deno.writeTextFile(path, parts.join(""));
  }
}

/** Adds the files that are not modules. */
async function complete(out: string, one: Package, dependencies: Package[]): Promise<void> {
  const content = manifest(one, dependencies);
  for (const path of Object.values(content["bin"] ?? {})) await makeCommand(join(out, path));
  await Deno.writeTextFile(
    join(out, "package.json"),
    `${JSON.stringify(content, null, 2)}\n`,
  );
  for (const file of ASSETS) {
    const [own, shared] = [join(root, one.folder, file), join(root, file)];
    await Deno.copyFile(await exists(own) ? own : shared, join(out, file));
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function makeCommand(path: string): Promise<void> {
  const text = await Deno.readTextFile(path);
  if (!text.startsWith("#!")) {
    await Deno.writeTextFile(path, `#!/usr/bin/env node\n${text}`);
  }
  await Deno.chmod(path, 0o755);
}

/**
 * Links the built package into `node_modules`, so that Node finds it by name in this repository.
 */
async function link({ config }: Package, out: string): Promise<void> {
  const path = join(root, "node_modules", config.name);
  await remove(path);
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.symlink(out, path, { type: "junction" });
}

async function check(out: string): Promise<boolean> {
  const args = ["test", "--allow-all", join(root, "tests", "package"), "--", "--packages", out];
  return (await new Deno.Command(Deno.execPath(), { args, cwd: root }).spawn().status).success;
}

if (import.meta.main) {
  const { values: options } = parseArgs({
    args: Deno.args,
    options: {
      offline: { type: "boolean", default: false },
      out: { type: "string" },
      check: { type: "boolean", default: true },
    },
    allowNegative: true,
  });
  const npm = resolve(options.out ?? join(root, "npm"));
  await remove(npm);
  for (const one of packages) {
    const { name, version } = one.config;
    const out = join(npm, basename(name));
    await buildPackage(one, out, options.offline);
    if (options.out === undefined) await link(one, out);
    console.log(`Built ${name} ${version} into ${out}`);
  }
  await buildWs(join(npm, "ws"));
  console.log(`Built @quickws/ws into ${join(npm, "ws")}`);
  if (options.check && !await check(npm)) Deno.exit(1);
}
