// The engines that join the nodes of a fleet: a process on a free port of loopback, which keeps nothing.

import type { NodeSettings } from "../nodes/settings.ts";
import { onServerCore } from "../support/cores.ts";
import { start, stop } from "../support/runtimes.ts";

/** Milliseconds that an engine may take to start. */
const PATIENCE = 5000;

/** An engine that runs. */
export interface Engine extends AsyncDisposable {
  readonly pid: number;
  readonly settings: NodeSettings;
}

const COMMANDS: Record<NodeSettings["engine"], (port: number) => string[]> = {
  redis: (port) => [
    ...["redis-server", "--bind", "127.0.0.1", "--port", `${port}`],
    ...["--save", "", "--appendonly", "no", "--loglevel", "warning"],
  ],
  nats: (port) => ["nats-server", "--addr", "127.0.0.1", "--port", `${port}`, "--log", "/dev/null"],
};

/** Starts an engine, on the core of the servers. */
export async function startEngine(engine: NodeSettings["engine"]): Promise<Engine> {
  const port = freePort();
  const process = start(onServerCore(COMMANDS[engine](port)), { stdout: "null" });
  await untilItListens(port);
  const scheme = engine === "redis" ? "redis" : "nats";
  return {
    pid: process.pid,
    settings: { engine, url: `${scheme}://127.0.0.1:${port}` },
    [Symbol.asyncDispose]: () => stop(process),
  };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function untilItListens(port: number): Promise<void> {
  for (const deadline = Date.now() + PATIENCE;;) {
    try {
      using _ = await Deno.connect({ hostname: "127.0.0.1", port });
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
