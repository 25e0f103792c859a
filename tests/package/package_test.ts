// The npm package as it would be published: what it says of itself and holds, what users' projects
// make of it, and the core's unit tests on it. `npm-build.ts` runs this on what it has built; without
// `-- --package DIRECTORY` a package is built for it, without a network.

import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../project/source_files.ts";
import { testConsumers } from "./consumers.ts";
import { testContents } from "./contents.ts";
import { printed } from "./run.ts";
import { testTypes } from "./types.ts";
import { testUnits } from "./unit_tests.ts";

/** What `npm pack --json` says of a tarball. */
interface Tarball {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

const { values } = parseArgs({ args: Deno.args, options: { package: { type: "string" } } });

const work = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(work, { recursive: true }));

const directory = resolve(values.package ?? join(work, "npm"));
if (values.package === undefined) {
  const build = [join(root, "npm-build.ts"), "--offline", "--no-check", "--out", directory];
  await printed(root, Deno.execPath(), "run", "--allow-all", ...build);
}
const packed = await printed(directory, "npm", "pack", "--json", "--pack-destination", work);
const [tarball]: Tarball[] = JSON.parse(packed);
const tarballPath = join(work, tarball!.filename);

const project = join(work, "project");
await Deno.mkdir(project);
await Deno.writeTextFile(join(project, "package.json"), '{ "type": "module" }\n');
await printed(project, "npm", "install", "--no-audit", "--no-fund", "--offline", tarballPath);
const installed = join(project, "node_modules", "@quickws", "quickws");

Deno.test("the package has a size", () => {
  const { size, unpackedSize, files } = tarball!;
  const [packedKib, unpackedKib] = [size, unpackedSize].map((bytes) => Math.round(bytes / 1024));
  console.log(`${packedKib} KiB packed, ${unpackedKib} KiB unpacked, ${files.length} files`);
  assert.ok(size < unpackedSize);
});

testContents(tarballPath, tarball!.files.map(({ path }) => path), installed);
testTypes(project);
await testConsumers(project, tarballPath);
testUnits(project, installed);
