// The endpoints to examine: the servers and clients of quickws on every runtime, and other
// implementations.

import { fileURLToPath } from "node:url";
import type { Role } from "../../doctor/case.ts";
import type { Report } from "../../doctor/report.ts";
import { linesOf } from "../support/child.ts";
import { runtimeCommand, type RuntimeName, runtimeNames } from "../support/runtimes.ts";

/** A program in `programs` to examine. */
export interface Endpoint {
  /** The name in reports. */
  readonly agent: string;
  readonly role: Role;
  readonly runtime: RuntimeName;
  readonly module: string;
  /** Whether to enable compression. */
  readonly compression: boolean;
  /** The largest message that the endpoint accepts, in bytes, if configurable. */
  readonly maxMessageSize?: number;
}

const MIB = 1024 * 1024;

/** Returns the quickws server and client on every runtime. */
export function ownEndpoints(compression: boolean): Endpoint[] {
  return (["server", "client"] as const).flatMap((role) =>
    runtimeNames.map((runtime) => ({
      agent: `quickws on ${runtime}`,
      role,
      runtime,
      module: `${role}_quickws`,
      compression,
      maxMessageSize: 16 * MIB,
    }))
  );
}

/** Other implementations, with the settings closest to those of quickws. */
export const PEERS: readonly Endpoint[] = [
  {
    agent: "ws",
    role: "server",
    runtime: "node",
    module: "server_ws",
    compression: true,
    maxMessageSize: 16 * MIB,
  },
  {
    agent: "Bun.serve",
    role: "server",
    runtime: "bun",
    module: "server_bun",
    compression: true,
    maxMessageSize: 16 * MIB,
  },
  {
    agent: "Deno.upgradeWebSocket",
    role: "server",
    runtime: "deno",
    module: "server_deno",
    compression: false,
  },
  {
    agent: "ws",
    role: "client",
    runtime: "node",
    module: "client_ws",
    compression: true,
    maxMessageSize: 16 * MIB,
  },
  {
    agent: "WebSocket of Bun",
    role: "client",
    runtime: "bun",
    module: "client_web",
    compression: true,
  },
  {
    agent: "WebSocket of Deno",
    role: "client",
    runtime: "deno",
    module: "client_web",
    compression: false,
  },
  { agent: "undici", role: "client", runtime: "node", module: "client_undici", compression: true },
];

/** The doctor's settings for an endpoint. */
export interface Examination {
  /** The runtime of the doctor. */
  readonly doctor: RuntimeName;
  /** Command-line arguments in addition to the endpoint. */
  readonly args: readonly string[];
}

/** The doctor's report and exit status. */
export interface Examined {
  readonly report: Report;
  readonly status: number;
}

function pathOf(module: string): string {
  return fileURLToPath(new URL(module, import.meta.url));
}

function spawn(runtime: RuntimeName, module: string, ...args: string[]): Deno.ChildProcess {
  const { command, args: all } = runtimeCommand(runtime, pathOf(module), ...args);
  return new Deno.Command(command, { args: all, stdout: "piped", stderr: "inherit" }).spawn();
}

async function lineWith(lines: AsyncGenerator<string, void>, pattern: RegExp): Promise<string> {
  for (;;) {
    const { value } = await lines.next();
    if (value === undefined) throw new Error(`the process ended before it printed ${pattern}`);
    const found = pattern.exec(value);
    if (found !== null) return found[1]!;
  }
}

/** Reads all output, so that a full pipe never blocks a process. */
async function drain(lines: AsyncGenerator<string, void>): Promise<void> {
  for await (const _ of lines);
}

async function stop(process: Deno.ChildProcess): Promise<void> {
  try {
    process.kill("SIGKILL");
  } catch {
    // The process has exited.
  }
  await process.status;
}

/** Examines an endpoint. The doctor and the endpoint are separate processes. */
export async function examine(
  endpoint: Endpoint,
  { doctor, args }: Examination,
): Promise<Examined> {
  const json = await Deno.makeTempFile({ suffix: ".json" });
  const { maxMessageSize } = endpoint;
  const all = [
    ...args,
    "--json",
    json,
    ...(maxMessageSize === undefined ? [] : ["--max-message-size", String(maxMessageSize)]),
  ];
  try {
    const status = endpoint.role === "server"
      ? await examineServer(endpoint, doctor, all)
      : await examineClient(endpoint, doctor, all);
    const report: Report = JSON.parse(await Deno.readTextFile(json));
    return { report, status };
  } finally {
    await Deno.remove(json);
  }
}

const DOCTOR = "../../doctor/main.ts";

async function examineServer(
  { agent, runtime, module, compression }: Endpoint,
  doctor: RuntimeName,
  args: readonly string[],
): Promise<number> {
  const server = spawn(runtime, `programs/${module}.ts`);
  const lines = linesOf(server.stdout);
  try {
    let port = await lineWith(lines, /^(\d+)$/);
    if (compression) port = await lineWith(lines, /^(\d+)$/);
    const serving = drain(lines);
    const url = `ws://127.0.0.1:${port}/`;
    const process = spawn(doctor, DOCTOR, url, "--agent", agent, ...args);
    await drain(linesOf(process.stdout));
    const { code } = await process.status;
    await stop(server);
    await serving;
    return code;
  } finally {
    await stop(server);
  }
}

async function examineClient(
  { runtime, module, compression }: Endpoint,
  doctor: RuntimeName,
  args: readonly string[],
): Promise<number> {
  const listening = spawn(doctor, DOCTOR, "--listen", "0", ...args);
  const lines = linesOf(listening.stdout);
  let client: Deno.ChildProcess | undefined;
  try {
    const url = await lineWith(lines, /^Listening on (\S+)/);
    client = spawn(
      runtime,
      `programs/${module}.ts`,
      url,
      ...(compression ? ["compression"] : []),
    );
    await Promise.all([drain(linesOf(client.stdout)), drain(lines)]);
    return (await listening.status).code;
  } finally {
    await stop(listening);
    if (client !== undefined) await stop(client);
  }
}
