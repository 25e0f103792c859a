// Checks with `attw` how the types of packages resolve: check_resolution.mjs TARBALL... Prints the
// problems of each package as a line of JSON. One process loads the compiler once for all of them.

import { readFileSync } from "node:fs";
import process from "node:process";
import "./compile_less.mjs";

const { checkPackage, createPackageFromTarballData } = await import("@arethetypeswrong/core");

for (const path of process.argv.slice(2)) {
  const { types, problems } = await checkPackage(createPackageFromTarballData(readFileSync(path)));
  console.log(JSON.stringify(types === false ? [{ kind: "NoTypes" }] : problems));
}
