// Tests some unmodified packages that depend on `ws` with `@quickws/ws` in its place.
// `deno task dependents` tests more of them.

import assert from "node:assert/strict";
import { bunPath, nodePath } from "../support/runtimes.ts";
import { Project } from "./dependents/project.ts";

const packages = ["aedes", "engine.io", "engine.io-client", "graphql", "graphql-ws", "mqtt"];

/** The time limit of a program in milliseconds. */
const LIMIT = 60_000;

/** The programs, with the command of each runtime. */
const runs: readonly (readonly [program: string, command: string, ...args: string[]])[] = [
  ["engine.io", nodePath()],
  ["graphql-ws", nodePath()],
  ["mqtt", nodePath()],
  ["engine.io", Deno.execPath(), "run", "--allow-all", "--no-lock", "--node-modules-dir=manual"],
  ["engine.io", bunPath(), "--preload", "./use-quickws.cjs"],
];

Deno.test("packages that depend on ws work with @quickws/ws", async (t) => {
  await using project = await Project.make(packages);
  for (const [program, command, ...args] of runs) {
    await t.step(`${program} on ${/[^/]+$/.exec(command)![0].replace(".exe", "")}`, async () => {
      const { stdout, stderr } = await new Deno.Command(command, {
        args: [...args, `${program}.mjs`],
        cwd: project.directory,
        env: { NO_COLOR: "1" },
        signal: AbortSignal.timeout(LIMIT),
      }).output();
      const printed = new TextDecoder().decode(stdout);
      assert.equal(printed, "ok\n", printed + new TextDecoder().decode(stderr));
    });
  }
});
