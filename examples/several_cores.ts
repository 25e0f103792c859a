// Runs one server process per core, all on one port, with a chat across all processes through
// Redis: `bun examples/several_cores.ts`, `deno run -A examples/several_cores.ts`, or `node
// examples/several_cores.ts` (22.18 or later).
//
// On Deno and Bun, the option `reusePort` lets the Linux kernel spread connections over the
// processes. On Node, `node:cluster` does this on every system.
//
// The environment variables PORT and CORES set the port and the number of processes, and REDIS_URL
// the URL of Redis.

import { spawn } from "node:child_process";
import cluster from "node:cluster";
import { availableParallelism } from "node:os";
import process from "node:process";
import { serve, WebSocketError } from "@quickws/quickws";
import { redisBackplane } from "@quickws/quickws/redis";
import { createClient } from "redis";

const port = Number(process.env.PORT ?? 8080);
const redisUrl = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";
const onNode = !("Deno" in globalThis || "Bun" in globalThis);

function report(error: unknown): void {
  const isAway = error instanceof WebSocketError && error.code === "BACKPLANE_DOWN";
  if (!isAway) return console.error(error);
  console.error(
    `Process ${process.pid} cannot reach Redis at ${redisUrl} (REDIS_URL). Until it can, ` +
      "messages reach only clients of the same process",
  );
}

async function work(): Promise<void> {
  const server = await serve({
    port,
    reusePort: !onNode,
    backplane: redisBackplane(createClient({ url: redisUrl })),
    onError: report,
    open(conn) {
      conn.subscribe("chat");
      conn.send(`process ${process.pid}`);
    },
    message: (_, data) => void server.publish("chat", data),
  });
  console.log(`Process ${process.pid} on ${server.url}`);
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => server.shutdown({ timeout: 1000 }).then(() => process.exit()));
  }
}

function startWorker() {
  if (onNode) return cluster.fork({ WORKER: "1" }).process;
  const flags = "Deno" in globalThis ? ["run", "--allow-net", "--allow-env"] : [];
  return spawn(process.execPath, [...flags, process.argv[1]!], {
    stdio: "inherit",
    env: { ...process.env, WORKER: "1" },
  });
}

function startWorkers(): void {
  const way = onNode ? "node:cluster" : "reusePort";
  const count = Number(process.env.CORES ?? availableParallelism());
  console.log(`${count} processes share port ${port} by ${way}, and topics by ${redisUrl}`);
  const workers = Array.from({ length: count }, startWorker);
  let running = count;
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
