/**
 * Tests unmodified packages that depend on `ws` with `@quickws/ws` in its place, through npm's
 * `overrides`. Installs them into a temporary folder and runs a program with each.
 *
 * ```sh
 * deno task dependents                    # all of them, on Node and on Deno
 * deno task dependents socket.io mqtt     # some
 * deno task dependents --runtime node
 * ```
 *
 * Does not run on Bun, which always loads its built-in `ws`. `tests/ws/dependents_test.ts` is a
 * short form, which installs no packages and also runs on Bun.
 *
 * @module
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeCertificates } from "../../support/certificates.ts";
import { requirePrograms } from "../../support/need.ts";
import { nodePath } from "../../support/runtimes.ts";
import { build } from "../../../ws/npm-build.ts";

/** The programs, which are copied to the folder with the packages. */
const folder = join(import.meta.dirname!, "programs");

/** The files that are not programs. */
const SHARED = ["support.mjs", "json_rpc.mjs"];

/** Packages that are not tested on a runtime, with the reason. */
const LEFT_OUT: Record<string, Record<string, string>> = {
  deno: {
    mqtt: "also fails there with ws",
    viem: "uses the global WebSocket there",
  },
};

/** The time limit of a program in milliseconds. */
const LIMIT = 60_000;

const { values, positionals } = parseArgs({
  args: Deno.args,
  options: { runtime: { type: "string" } },
  allowPositionals: true,
});

async function run(cwd: string, command: string, ...args: string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd }).output();
  const decoder = new TextDecoder();
  if (!success) {
    throw new Error(`${command} failed:\n${decoder.decode(stdout)}${decoder.decode(stderr)}`);
  }
}

/** Installs the packages in `work`. Returns the names of the programs. */
async function install(work: string): Promise<string[]> {
  const built = join(work, "built");
  await build(built);
  await run(built, "npm", "pack", "--silent", "--pack-destination", work);
  const programs: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (name.endsWith(".mjs")) await Deno.copyFile(join(folder, name), join(work, name));
    if (name.endsWith(".mjs") && !SHARED.includes(name)) programs.push(name.replace(".mjs", ""));
  }
  // In the repository, the file must not be named package.json, or it would apply to its programs.
  await Deno.copyFile(join(folder, "packages.json"), join(work, "package.json"));
  for await (const { name } of Deno.readDir(work)) {
    if (name.endsWith(".tgz")) await Deno.rename(join(work, name), join(work, "ws.tgz"));
  }
  await run(work, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts");
  return programs.sort();
}

/** Runs a program. Returns its output if it fails. */
async function fault(cwd: string, command: string, ...args: string[]): Promise<string | undefined> {
  const { cert, key } = makeCertificates();
  const signal = AbortSignal.timeout(LIMIT);
  const env = { CERT: cert, KEY: key, NO_COLOR: "1" };
  const { stdout, stderr } = await new Deno.Command(command, { args, cwd, env, signal }).output();
  const decoder = new TextDecoder();
  const printed = decoder.decode(stdout) + decoder.decode(stderr);
  return /^ok$/m.test(printed) ? undefined : printed.trim() || "It printed nothing";
}

const RUNTIMES: Record<string, (path: string) => [command: string, ...args: string[]]> = {
  node: (path) => [nodePath(), path],
  deno: (path) => [Deno.execPath(), "run", "-A", "--node-modules-dir=manual", path],
};

const work = await Deno.makeTempDir();
let failed = 0;
try {
  requirePrograms("chromium");
  console.log("Installing the packages ...");
  const programs = await install(work);
  for (const program of programs) {
    if (positionals.length > 0 && !positionals.includes(program)) continue;
    for (const [runtime, command] of Object.entries(RUNTIMES)) {
      if (values.runtime !== undefined && values.runtime !== runtime) continue;
      const reason = LEFT_OUT[runtime]?.[program];
      if (reason !== undefined) {
        console.log(`${program.padEnd(16)} ${runtime.padEnd(5)} skipped: ${reason}`);
        continue;
      }
      const wrong = await fault(work, ...command(`${program}.mjs`));
      console.log(
        `${program.padEnd(16)} ${runtime.padEnd(5)} ${wrong === undefined ? "ok" : "FAILED"}`,
      );
      if (wrong !== undefined) {
        failed++;
        console.log(wrong.replace(/^/gm, "    "));
      }
    }
  }
} finally {
  await Deno.remove(work, { recursive: true });
}
Deno.exit(failed === 0 ? 0 : 1);
