// Tests the files and the manifest of a package.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import rootConfig from "../../deno.json" with { type: "json" };
import { manifest, type Package, packages } from "../../npm-build.ts";
import { root } from "../project/source_files.ts";
import { nodePrinted, printed } from "./run.ts";

/** A package that was built, packed and installed in a project. */
export interface Installed {
  readonly source: Package;
  readonly tarball: string;
  /** The installation directory. */
  readonly directory: string;
  readonly files: readonly string[];
}

/** Fields that no package.json may have. */
const ABSENT = ["devDependencies", "peerDependencies", "scripts"];

/** An entry in `exports` of `package.json`. */
interface Entry {
  readonly types: string;
  readonly default: string;
}

/** Registers the tests of a package. */
export function testContents({ source, tarball, directory, files }: Installed): void {
  const { config, entries, folder } = source;
  const read = (path: string): string => readFileSync(join(directory, path), "utf8");
  const written = JSON.parse(read("package.json"));
  const modules = files.filter((path) => path.endsWith(".js"));
  const test = (name: string, run: () => void | Promise<void>): void =>
    Deno.test(`${config.name}: ${name}`, run);

  test("package.json matches the manifest and declares the imported dependencies", () => {
    const imported = packages.filter(({ config: { name } }) =>
      name !== config.name &&
      modules.some((path) => new RegExp(`"${name}(/[^"]*)?"`).test(read(path)))
    );
    assert.deepEqual(written, JSON.parse(JSON.stringify(manifest(source, imported))));
    assert.deepEqual(
      Object.keys(written.dependencies ?? {}),
      folder === "." ? [] : [rootConfig.name],
    );
    assert.equal(written.sideEffects, false);
    for (const field of ABSENT) assert.equal(written[field], undefined, field);
  });

  test("repository, homepage and bugs match deno.json", () => {
    const { repository } = rootConfig;
    assert.deepEqual(written.repository, { type: "git", url: `git+${repository}.git` });
    assert.equal(written.homepage, `${repository}#readme`);
    assert.deepEqual(written.bugs, { url: `${repository}/issues` });
  });

  test("every package has the version of the library", () => {
    assert.equal(written.version, rootConfig.version);
  });

  test("every entry of deno.json is an entry of the package, with types and module", () => {
    const { "./package.json": self, ...exported }: Record<string, Entry> = written.exports;
    assert.equal(self, "./package.json");
    assert.deepEqual(Object.keys(exported), Object.keys(entries));
    for (const [name, entry] of Object.entries(exported)) {
      // TypeScript uses the first matching condition, so `types` must be first.
      assert.deepEqual(Object.keys(entry).slice(-2), ["types", "default"], name);
      for (const path of [entry.types, entry.default]) {
        assert.ok(existsSync(join(directory, path)), `${name}: ${path} does not exist`);
      }
    }
  });

  test("each command can be run by name", async () => {
    for (const [command, path] of Object.entries<string>(written.bin ?? {})) {
      assert.match(read(path), /^#!\/usr\/bin\/env node\n/, path);
      await printed(directory, join(directory, "..", "..", ".bin", command), "--help");
    }
  });

  test("contains only bundles, types and three other files", () => {
    const others = files.filter((path) => !/^(esm\/[\w/-]+\.js|types\/[\w/]+\.d\.ts)$/.test(path));
    assert.deepEqual(others.sort(), ["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
    // Twelve entries, plus chunks for shared and lazily loaded parts.
    assert.ok(modules.length < 85, `${modules.length} modules`);
  });

  test("contains every imported declaration file", () => {
    for (const path of files.filter((path) => path.endsWith(".d.ts"))) {
      for (const [, specifier] of read(path).matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)) {
        const target = join(directory, dirname(path), specifier!.replace(/\.(js|ts)$/, ".d.ts"));
        assert.ok(existsSync(target), `${path} imports ${specifier}`);
      }
    }
  });

  test("no file contains paths of the build machine", () => {
    for (const path of files) {
      assert.ok(!read(path).includes("file:///"), path);
      assert.ok(!read(path).includes(root), path);
    }
  });

  test("publint reports no problems", async () => {
    const cli = join(root, "node_modules", "publint", "src", "cli.js");
    assert.match(await nodePrinted(cli, "run", tarball, "--strict"), /All good/);
  });
}
