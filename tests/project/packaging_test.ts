// The npm package, as it is built without a network: installed into an empty project, imported on
// Node, Bun and Deno, and type-checked as TypeScript users see it.

import assert from "node:assert/strict";
import { join } from "node:path";
import ts from "typescript";
import config from "../../deno.json" with { type: "json" };
import { bunPath, nodePath } from "../support/runtimes.ts";
import { echo, Example } from "./example_process.ts";
import { exportedNames } from "./exported_names.ts";
import { root } from "./source_files.ts";

/** The entries as users write them, with their key in `exports`. */
const specifiers = Object.keys(config.exports).map((key) =>
  [key, key.replace(/^\./, config.name)] as const
);

const publicNames = exportedNames();
const project = await Deno.makeTempDir();
const installed = join(project, "node_modules", config.name);
globalThis.addEventListener("unload", () => Deno.removeSync(project, { recursive: true }));

async function run(command: string, ...args: string[]): Promise<string> {
  const output = await new Deno.Command(command, { args, cwd: project }).output();
  const decoder = new TextDecoder();
  assert.ok(output.success, `${command} ${args.join(" ")}: ${decoder.decode(output.stderr)}`);
  return decoder.decode(output.stdout);
}

await run(
  Deno.execPath(),
  "run",
  "--allow-all",
  join(root, "npm-build.ts"),
  "--offline",
  "--out",
  installed,
);
await Deno.writeTextFile(join(project, "package.json"), '{ "type": "module" }\n');

Deno.test("package.json names the package, its entries and no dependency", async () => {
  const manifest = JSON.parse(await Deno.readTextFile(join(installed, "package.json")));
  assert.equal(manifest.name, config.name);
  assert.equal(manifest.version, config.version);
  assert.equal(manifest.license, "MIT");
  assert.equal(manifest.type, "module");
  assert.equal(manifest.sideEffects, false);
  assert.deepEqual(Object.keys(manifest.exports), [
    ...Object.keys(config.exports),
    "./package.json",
  ]);
  for (
    const field of ["dependencies", "peerDependencies", "optionalDependencies", "bin", "scripts"]
  ) {
    assert.equal(manifest[field], undefined, field);
  }
});

Deno.test("the package holds modules, types, README, licence and change log only", () => {
  const files: string[] = [];
  const collect = (directory: string): void => {
    for (const { name, isDirectory } of Deno.readDirSync(join(installed, directory))) {
      if (isDirectory) collect(`${directory}${name}/`);
      else files.push(directory + name);
    }
  };
  collect("");
  const others = files.filter((name) => !/^(mod|(src|doctor)\/[\w/]+)\.(js|d\.ts)$/.test(name))
    .sort();
  assert.deepEqual(others, ["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
});

Deno.test("no module names the machine it was built on", async () => {
  const text = await Deno.readTextFile(join(installed, "mod.js"));
  assert.ok(!text.includes("file://") && !text.includes("sourceMappingURL"));
});

const runtimes: Record<string, [command: string, ...args: string[]]> = {
  Node: [nodePath()],
  Bun: [bunPath()],
  Deno: [Deno.execPath(), "run", "--allow-all", "--node-modules-dir=manual"],
};

for (const [runtime, [command, ...args]] of Object.entries(runtimes)) {
  Deno.test(`every entry can be imported on ${runtime}`, async () => {
    const path = join(project, `import_${runtime}.mjs`);
    const wanted = JSON.stringify(specifiers.map(([, specifier]) => specifier));
    await Deno.writeTextFile(
      path,
      `const names = {};
      for (const specifier of ${wanted}) names[specifier] = Object.keys(await import(specifier));
      console.log(JSON.stringify(names));\n`,
    );
    const names: Record<string, string[]> = JSON.parse(await run(command, ...args, path));
    for (const [key, specifier] of specifiers) {
      assert.notEqual(names[specifier]?.length, 0, `${specifier} exports nothing`);
      const unknown = names[specifier]?.filter((name) => !publicNames[key]?.includes(name));
      assert.deepEqual(unknown, [], specifier);
    }
  });
}

Deno.test("examples/echo.node.mjs echoes on Node, with the package installed", async () => {
  await Deno.copyFile(join(root, "examples/echo.node.mjs"), join(project, "echo.node.mjs"));
  await using example = new Example([nodePath(), "echo.node.mjs"], project, { PORT: "0" });
  const url = await example.printed(/ws:\/\/127\.0\.0\.1:\d+\//);
  assert.equal(await echo(url, "hello"), "hello");
});

Deno.test("the types are complete for a TypeScript project on Node", async () => {
  const path = join(project, "consumer.ts");
  const uses = specifiers.flatMap(([key, specifier], entry) =>
    publicNames[key]!.map((name, index) =>
      `export { ${name} as name_${entry}_${index} } from ${JSON.stringify(specifier)};`
    )
  );
  await Deno.writeTextFile(path, uses.join("\n") + "\n");
  const program = ts.createProgram({
    rootNames: [path],
    options: {
      lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.esnext.disposable.d.ts"],
      module: ts.ModuleKind.NodeNext,
      target: ts.ScriptTarget.ES2023,
      strict: true,
      skipDefaultLibCheck: true,
      noEmit: true,
      typeRoots: [join(root, "node_modules/@types")],
      types: ["node"],
    },
  });
  const diagnostics = ts.getPreEmitDiagnostics(program)
    .filter(({ file }) => file === undefined || file.fileName.startsWith(project))
    .map(({ file, messageText }) =>
      `${file?.fileName.slice(project.length)}: ${
        ts.flattenDiagnosticMessageText(messageText, " ")
      }`
    );
  assert.deepEqual(diagnostics, []);
});
