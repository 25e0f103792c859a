// Server memory per connection after some compressed messages, compared with uncompressed ones:
// `deno run -A bench/deflate/echo/memory.ts`. Needs Linux, because it reads /proc.

import { parseArgs } from "node:util";
import { commandFor, linesOf, nextLine, start } from "../../support/runtimes.ts";
import { median, table } from "../../support/table.ts";
import type { CompressionMode } from "./client.ts";
import { type BenchServer, SERVERS } from "./servers.ts";

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    connections: { type: "string", default: "10000" },
    size: { type: "string", default: "1024" },
    messages: { type: "string", default: "8" },
    rounds: { type: "string", default: "3" },
  },
});

/** Returns the resident memory of a process, in bytes. */
async function resident(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024;
}

/** Returns the memory per connection, in KiB. */
async function run([, runtime, module]: BenchServer, mode: CompressionMode): Promise<number> {
  const { connections, size, messages } = options;
  const server = start(commandFor(runtime, `deflate/echo/servers/${module}.ts`, mode));
  const port = await nextLine(linesOf(server));
  const hold = (count: string): string[] =>
    commandFor("node", "deflate/echo/hold.ts", port, mode, count, size, messages);
  const clients: Deno.ChildProcess[] = [];
  try {
    // Some connections first, to exclude memory that does not depend on the number of connections.
    const before = await held(hold("200"), server, clients);
    const after = await held(hold(connections), server, clients);
    return (after - before) / Number(connections) / 1024;
  } finally {
    for (const child of [...clients, server]) {
      child.kill();
      await child.status;
    }
  }
}

/** Returns the server's memory while a client holds its connections. */
async function held(
  command: string[],
  server: Deno.ChildProcess,
  clients: Deno.ChildProcess[],
): Promise<number> {
  const client = start(command);
  clients.push(client);
  await nextLine(linesOf(client));
  return await resident(server.pid);
}

const rows = [["KiB per connection", "takeover", "off", "difference"]];
for (const server of SERVERS) {
  const figures: Record<string, number[]> = { takeover: [], off: [] };
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const mode of ["takeover", "off"] as const) figures[mode]!.push(await run(server, mode));
  }
  const [takeover, off] = [median(figures.takeover!), median(figures.off!)];
  const [name, runtime] = server;
  rows.push([`${runtime}: ${name}`, ...[takeover, off, takeover - off].map((n) => n.toFixed(1))]);
}
console.log(table(rows));
