// `deno task bench start`: measures the time from the start of a process until its server listens,
// and compares it with peers and an empty program. Node and Bun run the npm package and Deno runs
// the sources, as users of npm and JSR do. Rounds alternate.
//
//   deno task bench start [--rounds 21]

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bunPath, nodePath } from "../../tests/support/runtimes.ts";
import { parseOptions } from "../run/options.ts";
import { linesOf, nextLine, root, start, stop } from "../support/runtimes.ts";
import { median, table } from "../support/table.ts";

const { rounds } = parseOptions(["start", ...Deno.args]);

const OURS = (entry: string): string =>
  `import { serve } from "${entry}";
   const server = await serve({ port: 0, message: (conn, data) => void conn.send(data) });
   console.log(server.port);`;

const EMPTY = "console.log(0); setInterval(() => {}, 1000);";

/** The programs for each runtime. The empty one is first, quickws second. */
const PROGRAMS = {
  node: {
    nothing: EMPTY,
    quickws: OURS("@quickws/quickws"),
    ws: `import { WebSocketServer } from "ws";
         const server = new WebSocketServer({ port: 0 }, () => console.log(server.address().port));
         server.on("connection", (conn) => conn.on("message", (data) => conn.send(data)));`,
  },
  bun: {
    nothing: EMPTY,
    quickws: OURS("@quickws/quickws"),
    "Bun.serve": `const server = Bun.serve({
           port: 0,
           fetch: (request, server) => void server.upgrade(request),
           websocket: { message: (conn, data) => void conn.send(data) },
         });
         console.log(server.port);`,
  },
  deno: {
    nothing: EMPTY,
    quickws: OURS(join(root, "mod.ts")),
    "Deno.serve": `Deno.serve({ port: 0, onListen: ({ port }) => console.log(port) }, (request) => {
           const { socket, response } = Deno.upgradeWebSocket(request);
           socket.onmessage = ({ data }) => socket.send(data);
           return response;
         });`,
  },
};

const folder = join(root, ".build", "start");

/** Builds the package and installs it for the programs in `folder`. */
async function installPackage(): Promise<void> {
  const args = ["run", "--allow-all", "npm-build.ts", "--offline", "--no-check", "--out", folder];
  const { success } = await new Deno.Command(Deno.execPath(), { args, cwd: root }).output();
  if (!success) throw new Error("Building the npm package failed");
  mkdirSync(join(folder, "node_modules", "@quickws"), { recursive: true });
  try {
    symlinkSync(join(folder, "quickws"), join(folder, "node_modules", "@quickws", "quickws"));
  } catch {
    // An earlier run has created it.
  }
}

function command(runtime: string, name: string, code: string): string[] {
  const path = join(folder, `${runtime}-${name.replace(".", "_")}.mjs`);
  writeFileSync(path, code);
  if (runtime === "node") return [nodePath(), path];
  if (runtime === "bun") return [bunPath(), "run", path];
  return [Deno.execPath(), "run", "--quiet", "--no-lock", "--no-check", "--allow-all", path];
}

/** Returns the milliseconds until a process prints its port. */
async function measure(command: string[]): Promise<number> {
  const began = performance.now();
  const process = start(command);
  await nextLine(linesOf(process));
  const time = performance.now() - began;
  await stop(process);
  return time;
}

await installPackage();
const rows: string[][] = [];
for (const [runtime, programs] of Object.entries(PROGRAMS)) {
  const runs = Object.entries(programs).map(([name, code]) => ({
    name,
    command: command(runtime, name, code),
    times: [] as number[],
  }));
  // The first run fills the disk cache and, on Deno, the module cache.
  for (const run of runs) await measure(run.command);
  for (let round = 0; round < rounds; round++) {
    for (const run of runs) run.times.push(await measure(run.command));
  }
  const [empty, own] = runs.map(({ times }) => median(times));
  for (const { name, times } of runs) {
    const time = median(times);
    rows.push([
      runtime,
      name,
      time.toFixed(0),
      (time - empty!).toFixed(0),
      name === "quickws" ? "" : `x ${(own! / time).toFixed(2)}`,
    ]);
  }
}
console.log(table([["runtime", "program", "ms", "above empty program", "quickws / it"], ...rows]));
