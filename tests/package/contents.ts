// What is in the package, and what it says of itself.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { manifest } from "../../npm-build.ts";
import { root } from "../project/source_files.ts";
import { nodePath } from "../support/runtimes.ts";
import { printed } from "./run.ts";

/** What has no business in a package without dependencies. */
const ABSENT = ["dependencies", "devDependencies", "peerDependencies", "scripts"];

/** How `package.json` names an entry. */
interface Entry {
  readonly types: string;
  readonly default: string;
}

/** Registers the tests. */
export function testContents(tarball: string, files: readonly string[], installed: string): void {
  const read = (path: string): string => readFileSync(join(installed, path), "utf8");
  const written = JSON.parse(read("package.json"));

  Deno.test("package.json is the one that both ways of building write", () => {
    const repository = written.repository?.url.replace(/^git\+|\.git$/g, "");
    assert.deepEqual(written, JSON.parse(JSON.stringify(manifest(repository))));
    assert.equal(written.name, config.name);
    assert.equal(written.version, config.version);
    assert.equal(written.sideEffects, false);
    for (const field of ABSENT) assert.equal(written[field], undefined, field);
  });

  Deno.test("every entry of deno.json is one of the package, with types and module", () => {
    const { "./package.json": self, ...entries }: Record<string, Entry> = written.exports;
    assert.equal(self, "./package.json");
    assert.deepEqual(Object.keys(entries), Object.keys(config.exports));
    for (const [name, entry] of Object.entries(entries)) {
      // TypeScript takes the first condition that fits, so it has to come first.
      assert.deepEqual(Object.keys(entry), ["types", "default"], name);
      for (const path of Object.values(entry)) {
        assert.ok(existsSync(join(installed, path)), `${name}: there is no ${path}`);
      }
    }
  });

  Deno.test("each command can be run by its name", async () => {
    const commands = Object.entries<string>(written.bin ?? {});
    assert.equal(commands.length === 1, Object.hasOwn(config.exports, "./doctor"));
    for (const [command, path] of commands) {
      assert.match(read(path), /^#!\/usr\/bin\/env node\n/, path);
      await printed(installed, join(installed, "..", "..", ".bin", command), "--help");
    }
  });

  Deno.test("built where the repository is known, package.json names it for the provenance", () => {
    const { repository, publishConfig } = manifest("https://github.com/owner/name");
    assert.deepEqual(repository, { type: "git", url: "git+https://github.com/owner/name.git" });
    assert.deepEqual(publishConfig, { access: "public", provenance: true });
  });

  Deno.test("there are modules, types, source maps and three texts, and nothing else", () => {
    const others = files.filter((path) => !/^esm\/[\w/]+\.(js|js\.map|d\.ts)$/.test(path));
    assert.deepEqual(others.sort(), ["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
    for (const text of ["CHANGELOG.md", "LICENSE", "README.md"]) {
      assert.equal(read(text), readFileSync(join(root, text), "utf8"), text);
    }
  });

  Deno.test("every module has its source map, with the source in it and no path", () => {
    const modules = files.filter((path) => path.endsWith(".js"));
    assert.ok(modules.length > 0);
    for (const path of modules) {
      const source = path.replace(/^esm\//, "").replace(/\.js$/, ".ts");
      const name = source.split("/").at(-1);
      assert.ok(read(path).endsWith(`//# sourceMappingURL=${name!.replace(/ts$/, "js")}.map\n`));
      const { sources, sourcesContent, sourceRoot } = JSON.parse(read(`${path}.map`));
      assert.deepEqual(sources, [name], path);
      // The build tools change the endings of imports, and no line.
      const [text] = sourcesContent;
      const original = readFileSync(join(root, source), "utf8");
      assert.equal(text.replaceAll('.js"', '.ts"'), original, path);
      assert.equal(sourceRoot, undefined, path);
    }
  });

  Deno.test("no file names the machine it was built on", () => {
    for (const path of files) {
      assert.ok(!read(path).includes("file:///"), path);
      assert.ok(!read(path).includes(root), path);
    }
  });

  Deno.test("publint has nothing to say", async () => {
    const cli = join(root, "node_modules", "publint", "src", "cli.js");
    assert.match(await printed(root, nodePath(), cli, "run", tarball, "--strict"), /All good/);
  });

  Deno.test("are the types wrong? no", async () => {
    const cli = join(root, "node_modules", "@arethetypeswrong", "cli", "dist", "index.js");
    // There is no CommonJS in the package, and subpaths need a resolution that knows `exports`.
    await printed(root, nodePath(), cli, tarball, "--profile", "esm-only", "--no-color");
  });
}
