// Creates a project in a temporary folder with unmodified packages from this repository's
// `node_modules`, and `@quickws/ws` in place of their `ws`, like a package manager's overrides.

import { cp, mkdir, mkdtemp, readdir, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { buildModule } from "../../../ws/npm-build.ts";
import { root } from "../../project/source_files.ts";

/** The folder where Deno stores each version of a package, with links to its dependencies. */
const store = join(root, "node_modules", ".deno");

/** The programs that use the packages. */
const programs = join(import.meta.dirname!, "programs");

/** Makes Bun load quickws instead of its built-in `ws`. */
const PRELOAD = `
const Module = require("node:module");
const quickws = require.resolve("./node_modules/ws/index.js");
const resolve = Module._resolveFilename;
Module._resolveFilename = function (name, ...rest) {
  return name === "ws" ? quickws : resolve.call(this, name, ...rest);
};
`;

/** A project whose packages get quickws as `ws`. */
export class Project implements AsyncDisposable {
  readonly #copied = new Set<string>();

  private constructor(readonly directory: string) {}

  /**
   * Creates a project.
   *
   * @param packages The packages that the programs import. They are dependencies in `deno.json`.
   */
  static async make(packages: readonly string[]): Promise<Project> {
    const project = new Project(await mkdtemp(join(tmpdir(), "dependents-")));
    try {
      await project.#fill(packages);
    } catch (error) {
      await project[Symbol.asyncDispose]();
      throw error;
    }
    return project;
  }

  async #fill(packages: readonly string[]): Promise<void> {
    await buildModule(join(this.#modules, "ws"));
    for (const name of packages) {
      await this.#link(name, join(root, "node_modules"), this.#modules);
    }
    await cp(programs, this.directory, { recursive: true });
    await Deno.writeTextFile(join(this.directory, "package.json"), '{ "type": "module" }\n');
    await Deno.writeTextFile(join(this.directory, "use-quickws.cjs"), PRELOAD);
  }

  get #modules(): string {
    return join(this.directory, "node_modules");
  }

  /** Copies a package and its dependencies from `from`, and links it into `to`. */
  async #link(name: string, from: string, to: string): Promise<void> {
    // The path ends in `/node_modules/` and the name of the package.
    const path = relative(store, await realpath(join(from, name)));
    const copy = join(this.#modules, ".store", path);
    await mkdir(dirname(join(to, name)), { recursive: true });
    await symlink(copy, join(to, name));
    if (this.#copied.has(path)) return;
    this.#copied.add(path);
    await cp(join(store, path), copy, { recursive: true });
    const installed = join(store, path).slice(0, -name.length - 1);
    const copied = copy.slice(0, -name.length - 1);
    for (const dependency of await packagesIn(installed)) {
      if (dependency === "ws") await symlink(join(this.#modules, "ws"), join(copied, "ws"));
      else if (dependency !== name) await this.#link(dependency, installed, copied);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Lists the packages in a `node_modules` folder. */
async function packagesIn(modules: string): Promise<string[]> {
  const names: string[] = [];
  for (const name of await readdir(modules)) {
    if (!name.startsWith("@")) names.push(name);
    else for (const part of await readdir(join(modules, name))) names.push(`${name}/${part}`);
  }
  return names;
}
