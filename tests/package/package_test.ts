// Tests the npm packages in their published form: manifests, files, use in projects, and types.
// `npm-build.ts` runs this test on its output. Without `-- --packages DIRECTORY`, the test builds
// the packages itself, without network access.

import assert from "node:assert/strict";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { packages } from "../../npm-build.ts";
import { root } from "../project/source_files.ts";
import { testBundles } from "./bundles.ts";
import { testConsumers } from "./consumers.ts";
import { type Installed, testContents } from "./contents.ts";
import { printed, resolutionProblems } from "./run.ts";
import { testTypes } from "./types.ts";
import { testWs } from "./ws.ts";

/** A tarball, as `npm pack --json` describes it. */
interface Tarball {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

/** The maximum size of the library in bytes: as a tarball, and installed. */
const MAX_PACKED = 350_000;
const MAX_UNPACKED = 1_500_000;

const { values } = parseArgs({ args: Deno.args, options: { packages: { type: "string" } } });

const work = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(work, { recursive: true }));

const npm = resolve(values.packages ?? join(work, "npm"));
if (values.packages === undefined) {
  const build = [join(root, "npm-build.ts"), "--offline", "--no-check", "--out", npm];
  await printed(root, Deno.execPath(), "run", "--allow-all", ...build);
}

const project = join(work, "project");
await Deno.mkdir(project);
await Deno.writeTextFile(join(project, "package.json"), '{ "type": "module" }\n');

// One process of npm packs them all, and the replacement for ws as the last.
const folders = [...packages.map(({ config }) => `./${basename(config.name)}`), "./ws"];
const packed = await printed(npm, "npm", "pack", ...folders, "--json", "--pack-destination", work);
const tarballs: Tarball[] = JSON.parse(packed);
const wsTarball = join(work, tarballs.pop()!.filename);
const paths = tarballs.map(({ filename }) => join(work, filename));
await printed(project, "npm", "install", "--no-audit", "--no-fund", "--offline", ...paths);

const installed = packages.map((source, index): Installed => ({
  source,
  tarball: paths[index]!,
  directory: join(project, "node_modules", source.config.name),
  files: tarballs[index]!.files.map(({ path }) => path),
}));

Deno.test("all entries of the library share the same error classes, and contain no path of this machine", async () => {
  const { directory, files } = installed[0]!;
  const classes = new Set<unknown>();
  for (const entry of ["browser", "workers", "mod", "core"]) {
    const module = await import(pathToFileURL(join(directory, "esm", `${entry}.js`)).href);
    assert.equal(typeof module.WebSocketError, "function", entry);
    classes.add(module.WebSocketError);
  }
  assert.equal(classes.size, 1);
  for (const path of files) {
    assert.doesNotMatch(await Deno.readTextFile(join(directory, path)), /\/tmp\/|file:\/\//, path);
  }
});

Deno.test("the library is small", () => {
  const { size, unpackedSize, files } = tarballs[0]!;
  console.log(`${size} bytes packed, ${unpackedSize} bytes unpacked, ${files.length} files`);
  assert.ok(size < MAX_PACKED, `${size} bytes packed`);
  assert.ok(unpackedSize < MAX_UNPACKED, `${unpackedSize} bytes unpacked`);
});

installed.forEach(testContents);

Deno.test("types resolve in every module resolution mode that supports `exports`", async () => {
  const [ofWs, ...others] = await resolutionProblems([wsTarball, ...paths]);
  assert.deepEqual(ofWs, []);
  // The other packages contain no CommonJS.
  const unsupported = ["node10", "node16-cjs"];
  for (const [index, problems] of others.entries()) {
    const known = problems.filter(({ resolutionKind }) => !unsupported.includes(resolutionKind!));
    assert.deepEqual(known, [], packages[index]!.config.name);
  }
});

testTypes(project, await testWs(wsTarball, work));
testBundles(project);
await testConsumers(project, paths);
