// Uses the packages in projects on Node, Bun and Deno. Tests `import`, `require` and stack traces.

import assert from "node:assert/strict";
import { join } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { echo, Example } from "../project/example_process.ts";
import { exportedNames } from "../project/exported_names.ts";
import { root } from "../project/source_files.ts";
import { bunPath, nodePath } from "../support/runtimes.ts";
import { printed } from "./run.ts";

/** The import specifiers of all entries, with their keys in `exports`. */
const specifiers = Object.keys(config.exports).map((key) =>
  [key, key.replace(/^\./, config.name)] as const
);

/** Imports every entry, and echoes a message with each `connect` on its runtime. */
const IMPORTER = `
const runtime = "Bun" in globalThis ? "bun" : "Deno" in globalThis ? "deno" : "node";
const names = {};
for (const specifier of ${JSON.stringify(specifiers.map(([, specifier]) => specifier))}) {
  const entry = await import(specifier);
  names[specifier] = Object.keys(entry);
  if (specifier !== "${config.name}" && specifier !== "${config.name}/" + runtime) continue;
  const server = await entry.serve({ compression: true, message: (conn, data) => conn.send(data) });
  const conn = await entry.connect(server.url, { compression: true });
  conn.send("hello ".repeat(100));
  for await (const data of conn) {
    if (data !== "hello ".repeat(100)) throw new Error("unexpected reply: " + data);
    conn.close();
  }
  await server.shutdown();
}
console.log(JSON.stringify(names));
`;

const REQUIRER = `
const { connect, serve } = require("${config.name}");
const { Session } = require("${config.name}/core");
serve({ message: (conn, data) => conn.send(data) }).then(async (server) => {
  const conn = await connect(server.url);
  conn.send("hello");
  for await (const data of conn) {
    console.log(data, typeof Session);
    conn.close();
  }
  await server.shutdown();
});
`;

const THROWER = `
import { connect } from "${config.name}";
await connect("ws://127.0.0.1:1/", { maxFragments: -1 }).catch(({ stack }) => console.log(stack));
`;

/** Registers the tests. */
export async function testConsumers(project: string, tarballs: readonly string[]): Promise<void> {
  // Bun installs the packages itself. Deno uses those that npm has installed.
  const bunProject = join(project, "..", "bun_project");
  await Deno.mkdir(bunProject);
  // The library is not published yet, so Bun cannot install it from a registry as a dependency.
  const overrides = { [config.name]: `file:${tarballs[0]}` };
  await Deno.writeTextFile(
    join(bunProject, "package.json"),
    JSON.stringify({ type: "module", overrides }),
  );
  await printed(bunProject, bunPath(), "add", "--no-summary", ...tarballs);

  const deno = [Deno.execPath(), "run", "--allow-all", "--node-modules-dir=manual"] as const;
  const runtimes: Record<string, [cwd: string, command: string, ...args: string[]]> = {
    Node: [project, nodePath()],
    Bun: [bunProject, bunPath()],
    Deno: [project, ...deno],
  };
  const publicNames = exportedNames();

  for (const [runtime, [cwd, command, ...args]] of Object.entries(runtimes)) {
    Deno.test(`every entry can be imported on ${runtime}, and the entries for this runtime work`, async () => {
      const path = join(cwd, "importer.mjs");
      await Deno.writeTextFile(path, IMPORTER);
      const names: Record<string, string[]> = JSON.parse(
        (await printed(cwd, command, ...args, path)).trim(),
      );
      for (const [key, specifier] of specifiers) {
        assert.notEqual(names[specifier]?.length, 0, `${specifier} exports nothing`);
        const unknown = names[specifier]?.filter((name) => !publicNames[key]?.includes(name));
        assert.deepEqual(unknown, [], specifier);
      }
    });
  }

  for (const [runtime, [cwd, command, ...args]] of Object.entries(runtimes)) {
    Deno.test(`the package can be required on ${runtime}`, async () => {
      const path = join(cwd, "requirer.cjs");
      await Deno.writeTextFile(path, REQUIRER);
      if (runtime === "Node" && !await nodeRequiresModules(project)) {
        // Node before 20.19 and 22.12 throws an error that recommends `import()`.
        await assert.rejects(printed(cwd, command, ...args, path), /ERR_REQUIRE_ESM/);
        return;
      }
      assert.match(await printed(cwd, command, ...args, path), /^hello function$/m);
    });
  }

  Deno.test("stack traces contain the names of the library's functions", async () => {
    const path = join(project, "thrower.mjs");
    await Deno.writeTextFile(path, THROWER);
    const stack = await printed(project, nodePath(), path);
    assert.match(stack, /at \w*[cC]heck\w* \(.*quickws\/esm\/[\w/-]+\.js:\d+:\d+\)/);
  });

  Deno.test("examples/echo.node.mjs echoes on Node, with the package installed", async () => {
    await Deno.copyFile(join(root, "examples/echo.node.mjs"), join(project, "echo.node.mjs"));
    await using example = new Example([nodePath(), "echo.node.mjs"], project, { PORT: "0" });
    const url = await example.printed(/ws:\/\/127\.0\.0\.1:\d+\//);
    assert.equal(await echo(url, "hello"), "hello");
  });
}

async function nodeRequiresModules(cwd: string): Promise<boolean> {
  const said = await printed(cwd, nodePath(), "-p", "process.features.require_module === true");
  return said.trim() === "true";
}
