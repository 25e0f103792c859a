/**
 * Builds the npm package into `npm/`: ES modules, their types, README and licence.
 *
 * ```sh
 * deno run -A npm-build.ts             # with dnt, which comes from JSR
 * deno run -A npm-build.ts --offline   # with `deno pack`, which needs no network
 * deno run -A npm-build.ts --offline --out DIRECTORY
 * ```
 *
 * Afterwards `npm publish ./npm` publishes it. In this repository, Node finds the package by its
 * name, because a link in `node_modules` points to it.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { dirname, join, resolve } from "node:path";
import config from "./deno.json" with { type: "json" };

const root = import.meta.dirname!;
const { values: options } = parseArgs({
  args: Deno.args,
  options: { offline: { type: "boolean" }, out: { type: "string" } },
});
const out = resolve(options.out ?? join(root, "npm"));

/** What `package.json` says beside what the build tools find out themselves. */
const metadata = {
  name: config.name,
  version: config.version,
  description: "WebSocket client and server for Deno, Bun and Node, without dependencies",
  keywords: ["websocket", "ws", "rfc6455", "client", "server", "deno", "bun", "node"],
  license: config.license,
  type: "module",
  sideEffects: false,
  engines: { node: ">=20", bun: ">=1.2", deno: ">=2" },
};

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

/** `deno pack` makes the modules and types; what it knows nothing of is added here. */
async function buildOffline(): Promise<void> {
  const work = await Deno.makeTempDir();
  try {
    const tarball = join(work, "package.tgz");
    await run(Deno.execPath(), "pack", "--allow-dirty", "--no-source-maps", "--output", tarball);
    await remove(out);
    await Deno.mkdir(out, { recursive: true });
    await run("tar", "-xzf", tarball, "-C", out, "--strip-components=1");
  } finally {
    await remove(work);
  }
  await removeSources(out);
  const path = join(out, "package.json");
  const { exports, ...packed } = JSON.parse(await Deno.readTextFile(path));
  const completed = {
    ...packed,
    ...metadata,
    exports: { ...exports, "./package.json": "./package.json" },
  };
  await Deno.writeTextFile(path, JSON.stringify(completed, null, 2) + "\n");
}

/** `deno pack` copies the sources that no entry reaches; in the npm package nobody needs them. */
async function removeSources(directory: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = join(directory, name);
    if (isDirectory) await removeSources(path);
    else if (name.endsWith(".ts") && !name.endsWith(".d.ts")) await remove(path);
  }
}

/** The part of dnt's interface that is used here; see https://jsr.io/@deno/dnt. */
interface Dnt {
  build(options: {
    entryPoints: { name: string; path: string }[];
    outDir: string;
    shims: Record<string, never>;
    scriptModule: false;
    skipSourceOutput: boolean;
    test: boolean;
    typeCheck: false;
    compilerOptions: { lib: string[]; target: string };
    package: Record<string, unknown>;
    postBuild(): void;
  }): Promise<void>;
}

async function buildWithDnt(): Promise<void> {
  // Held in a variable so that nothing asks JSR for it before it is needed.
  const specifier = "jsr:@deno/dnt@^0.42.1";
  const { build }: Dnt = await import(specifier);
  await remove(out);
  await build({
    entryPoints: Object.entries(config.exports).map(([name, path]) => ({ name, path })),
    outDir: out,
    shims: {},
    scriptModule: false,
    skipSourceOutput: true,
    test: false,
    // `deno check` has checked the types, with those of all three runtimes in scope.
    typeCheck: false,
    compilerOptions: { lib: ["ES2022", "DOM"], target: "ES2022" },
    package: metadata,
    postBuild(): void {
      for (const file of ["README.md", "LICENSE", "CHANGELOG.md"]) {
        Deno.copyFileSync(join(root, file), join(out, file));
      }
    },
  });
}

/** Lets `import "@quickws/quickws"` find what was just built, on Node and in this repository. */
async function link(): Promise<void> {
  const path = join(root, "node_modules", config.name);
  await remove(path);
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.symlink(out, path, { type: "junction" });
}

await (options.offline ? buildOffline() : buildWithDnt());
if (options.out === undefined) await link();
console.log(`Built ${config.name} ${config.version} into ${out}`);
