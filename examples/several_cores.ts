// One server process for each core, all on one port: with `reusePort` the kernel of Linux spreads the
// connections over them. `bun examples/several_cores.ts`, or `deno run -A examples/several_cores.ts`;
// PORT and CORES choose the port and the number of processes.

import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import process from "node:process";
import { serve } from "@quickws/quickws";

const port = Number(process.env.PORT ?? 8080);

async function work(): Promise<void> {
  // Each process knows its own connections only: whoever broadcasts has to tell the others.
  const server = await serve({
    port,
    reusePort: true,
    open: (conn) => void conn.send(`process ${process.pid}`),
    message: (conn, data) => void conn.send(data),
  });
  console.log(`Process ${process.pid} on ${server.url}`);
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => server.shutdown({ timeout: 1000 }).then(() => process.exit()));
  }
}

function startWorkers(): void {
  const flags = "Deno" in globalThis ? ["run", "--allow-net", "--allow-env"] : [];
  const args = [...flags, process.argv[1]!];
  const options = { stdio: "inherit", env: { ...process.env, WORKER: "1" } } as const;
  const workers = Array.from(
    { length: Number(process.env.CORES ?? availableParallelism()) },
    () => spawn(process.execPath, args, options),
  );
  let running = workers.length;
  for (const worker of workers) {
    worker.on("exit", () => {
      if (--running === 0) process.exit();
    });
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => workers.forEach((worker) => worker.kill(signal)));
  }
}

if (process.env.WORKER === undefined) startWorkers();
else await work();
