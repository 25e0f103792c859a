/**
 * Builds the npm package into `npm/` and tries it: ES modules, their types and source maps, README,
 * change log and licence.
 *
 * ```sh
 * deno run -A npm-build.ts             # with dnt, which comes from JSR
 * deno run -A npm-build.ts --offline   # with `deno pack`, which needs no network
 * #   --out DIRECTORY   builds there and not into npm/
 * #   --no-check        leaves out the check of what was built, which is tests/package
 * ```
 *
 * Either tool makes the modules in `esm/`; all else is done here, so that the two packages are one.
 * Afterwards `npm publish ./npm` publishes it. In this repository, Node finds the package by its
 * name, because a link in `node_modules` points to it.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { basename, dirname, join, resolve } from "node:path";
import config from "./deno.json" with { type: "json" };

/** What users import, by its name in `exports`: the path of the source. */
const entries: Record<string, string> = config.exports;

/** Entries that are commands too, by the command's name. One that there is no entry for is none. */
const COMMANDS: Record<string, string> = { "quickws-doctor": "./doctor" };

/** What npm shows or keeps beside the modules. */
const ASSETS = ["README.md", "LICENSE", "CHANGELOG.md"];

/** What stands before a source map that is part of its module. */
const INLINE_SOURCE_MAP = "//# sourceMappingURL=data:application/json;base64,";

const root = import.meta.dirname!;

/** Where the entry's module is in the package. */
function modulePath(source: string, extension: ".js" | ".d.ts"): string {
  return source.replace("./", "./esm/").replace(/\.ts$/, extension);
}

/**
 * The whole `package.json`.
 *
 * @param repository The URL of the repository it is published from, as
 * `https://github.com/OWNER/NAME`. npm's statement of provenance has to name the same one.
 */
export function manifest(repository?: string): Record<string, unknown> {
  const commands = Object.entries(COMMANDS).filter(([, entry]) => entries[entry] !== undefined)
    .map(([command, entry]) => [command, modulePath(entries[entry]!, ".js")]);
  return {
    name: config.name,
    version: config.version,
    description:
      "Fast, complete WebSocket client and server for Deno, Bun and Node, without dependencies",
    keywords: [
      "websocket",
      "websockets",
      "ws",
      "server",
      "client",
      "rfc6455",
      "rfc7692",
      "permessage-deflate",
      "typescript",
      "deno",
      "bun",
      "node",
    ],
    license: config.license,
    ...(repository === undefined ? {} : {
      repository: { type: "git", url: `git+${repository}.git` },
      homepage: `${repository}#readme`,
      bugs: { url: `${repository}/issues` },
    }),
    type: "module",
    sideEffects: false,
    engines: { node: ">=20", bun: ">=1.2", deno: ">=2" },
    // Read by tools that do not know `exports`.
    main: modulePath(entries["."]!, ".js"),
    types: modulePath(entries["."]!, ".d.ts"),
    exports: {
      ...Object.fromEntries(
        Object.entries(entries).map(([name, source]) => [name, {
          types: modulePath(source, ".d.ts"),
          // For `import`, and for `require` where Node lets it load ES modules.
          default: modulePath(source, ".js"),
        }]),
      ),
      "./package.json": "./package.json",
    },
    ...(commands.length === 0 ? {} : { bin: Object.fromEntries(commands) }),
    files: ["esm", "CHANGELOG.md"],
    // npm makes the statement in CI only, where the repository is known.
    publishConfig: { access: "public", provenance: repository !== undefined },
  };
}

async function run(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, cwd: root }).output();
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

/** The files in and below a folder. */
async function* filesBelow(directory: string): AsyncGenerator<string, void> {
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = join(directory, name);
    if (isDirectory) yield* filesBelow(path);
    else yield path;
  }
}

/** Makes `esm/` with `deno pack`. */
async function pack(out: string): Promise<void> {
  const work = await Deno.makeTempDir();
  try {
    const tarball = join(work, "package.tgz");
    await run(Deno.execPath(), "pack", "--allow-dirty", "--output", tarball);
    const esm = join(out, "esm");
    await Deno.mkdir(esm, { recursive: true });
    await run("tar", "-xzf", tarball, "-C", esm, "--strip-components=1");
    for (const file of [...ASSETS, "package.json"]) await remove(join(esm, file));
  } finally {
    await remove(work);
  }
}

/** The part of dnt's interface that is used here; see https://jsr.io/@deno/dnt. */
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
    compilerOptions: { lib: string[]; target: string; sourceMap: true; inlineSources: true };
    package: Record<string, unknown>;
  }): Promise<void>;
}

/** Makes `esm/` with dnt. */
async function buildWithDnt(out: string): Promise<void> {
  // Held in a variable so that nothing asks JSR for it before it is needed.
  const specifier = "jsr:@deno/dnt@^0.42.1";
  const { build }: Dnt = await import(specifier);
  await build({
    entryPoints: Object.entries(entries).map(([name, path]) => ({ name, path })),
    outDir: out,
    shims: {},
    scriptModule: false,
    declaration: "inline",
    skipSourceOutput: true,
    skipNpmInstall: true,
    test: false,
    // `deno check` has checked the types, with those of all three runtimes in scope.
    typeCheck: false,
    compilerOptions: {
      lib: ["ES2022", "DOM"],
      target: "ES2022",
      sourceMap: true,
      inlineSources: true,
    },
    package: manifest(),
  });
  // They would have their say in what is published, but `package.json` has it.
  await remove(join(out, ".npmignore"));
  await remove(join(out, "esm", "package.json"));
}

/** Makes a package of `esm/`. */
async function complete(out: string): Promise<void> {
  for await (const path of filesBelow(join(out, "esm"))) {
    if (path.endsWith(".js")) await separateSourceMap(path);
    // `deno pack` copies the sources that no entry reaches.
    else if (path.endsWith(".ts") && !path.endsWith(".d.ts")) await remove(path);
  }
  const repository = Deno.env.get("GITHUB_REPOSITORY");
  const { bin, ...others } = manifest(
    repository && `${Deno.env.get("GITHUB_SERVER_URL")}/${repository}`,
  );
  for (const path of Object.values(bin ?? {})) await makeCommand(join(out, path));
  const text = JSON.stringify(bin === undefined ? others : { ...others, bin }, null, 2);
  await Deno.writeTextFile(join(out, "package.json"), `${text}\n`);
  for (const file of ASSETS) await Deno.copyFile(join(root, file), join(out, file));
}

/**
 * Puts a module's source map beside it, where only those who want it read it, and lets it name no
 * path of this machine: the source is said to be beside it too, and its text is in the map.
 */
async function separateSourceMap(path: string): Promise<void> {
  const [code, encoded] = (await Deno.readTextFile(path)).split(INLINE_SOURCE_MAP);
  if (encoded !== undefined) {
    await Deno.writeTextFile(`${path}.map`, atob(encoded.trim()));
    await Deno.writeTextFile(path, `${code}//# sourceMappingURL=${basename(path)}.map\n`);
  }
  const { sourceRoot: _, ...map } = JSON.parse(await Deno.readTextFile(`${path}.map`));
  map.sources = [basename(path).replace(/\.js$/, ".ts")];
  await Deno.writeTextFile(`${path}.map`, JSON.stringify(map));
}

async function makeCommand(path: string): Promise<void> {
  const text = await Deno.readTextFile(path);
  if (!text.startsWith("#!")) await Deno.writeTextFile(path, `#!/usr/bin/env node\n${text}`);
  await Deno.chmod(path, 0o755);
}

/** Lets `import "@quickws/quickws"` find what was just built, on Node and in this repository. */
async function link(out: string): Promise<void> {
  const path = join(root, "node_modules", config.name);
  await remove(path);
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.symlink(out, path, { type: "junction" });
}

async function check(out: string): Promise<boolean> {
  const args = ["test", "--allow-all", join(root, "tests", "package"), "--", "--package", out];
  return (await new Deno.Command(Deno.execPath(), { args, cwd: root }).spawn().status).success;
}

if (import.meta.main) {
  const { values: options } = parseArgs({
    args: Deno.args,
    options: {
      offline: { type: "boolean" },
      out: { type: "string" },
      check: { type: "boolean", default: true },
    },
    allowNegative: true,
  });
  const out = resolve(options.out ?? join(root, "npm"));
  await remove(out);
  await (options.offline ? pack(out) : buildWithDnt(out));
  await complete(out);
  if (options.out === undefined) await link(out);
  console.log(`Built ${config.name} ${config.version} into ${out}`);
  if (options.check && !await check(out)) Deno.exit(1);
}
