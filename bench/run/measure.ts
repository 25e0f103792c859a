// One measurement: a new process of a participant under one workload.

import { join } from "node:path";
import { Opcode } from "../../src/core.ts";
import { isOwn, labelOf, type Participant } from "../catalog/participants.ts";
import { describe, type Workload } from "../catalog/workloads.ts";
import type { ClientSettings } from "../clients/settings.ts";
import { framesOf } from "../load/frames.ts";
import type { Generator } from "../load/generator.ts";
import type { Load, LoadResult } from "../load/load.ts";
import type { ServerSettings } from "../servers/settings.ts";
import { profileFiles, topFunctions, withProfile } from "./profile.ts";
import { onLoadCore, onServerCore } from "../support/cores.ts";
import { goProgram } from "../support/go.ts";
import { nativeModule } from "../support/npm.ts";
import { commandFor, linesOf, nextLine, root, start, stop } from "../support/runtimes.ts";

/** The duration of a measurement, in milliseconds. */
export interface Timing {
  warmUp: number;
  duration: number;
  /** Profiles this library's servers. */
  profile?: boolean;
}

/** The extension offer for each compression mode. */
export const OFFERS = {
  alone: "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
  takeover: "permessage-deflate",
};

/** The time limit for the last replies, in milliseconds. */
const TIMEOUT = 10_000;

/** Returns the command that starts a participant, or `undefined` if it is not available here. */
export function commandOf(
  { runtime, server, client, denoSockets, installs }: Participant,
  { kind, text, compression, burst = 1 }: Workload,
  url = "",
  connections = 0,
): string[] | undefined {
  if (installs !== undefined && nativeModule(installs) === undefined) return undefined;
  if (kind === "client") {
    const settings: ClientSettings = { url, connections };
    return commandFor(runtime as "node", `clients/${client}.ts`, JSON.stringify(settings));
  }
  const settings: ServerSettings = {
    broadcast: kind === "broadcast" || kind === "publish",
    burst: kind === "publish" ? burst : undefined,
    strings: text,
    compression,
    denoSockets,
  };
  if (runtime !== "go") {
    return commandFor(runtime, `servers/${server}.ts`, JSON.stringify(settings));
  }
  const program = goProgram(join(root, "bench/servers/go"));
  return program === undefined ? undefined : [program, server!, JSON.stringify(settings)];
}

/** Returns the environment variables of a participant's process. */
function environmentOf({ env, installs }: Participant): Record<string, string> {
  if (installs === undefined) return env ?? {};
  return { ...env, UWS_MODULE: nativeModule(installs)! };
}

/** Measures a participant. Rejects if a message is lost or differs, or a connection closes. */
export async function measure(
  participant: Participant,
  workload: Workload,
  generator: Generator,
  { warmUp, duration, profile }: Timing,
): Promise<LoadResult> {
  const { kind, connections, depth, compression, text, payload, chunk = 0, burst = 1 } = workload;
  const { bytes, sizes, prelude } = framesOf(workload, kind === "client" ? "server" : "client");
  const frames = await Deno.makeTempFile();
  await Deno.writeFile(frames, bytes);
  const load: Load = {
    kind,
    pids: [],
    port: 0,
    webSocket: !participant.raw,
    extensions: compression === undefined ? "" : OFFERS[compression],
    connections,
    depth,
    frames,
    sizes,
    prelude,
    opcode: text ? Opcode.Text : Opcode.Binary,
    reply: compression === undefined ? payload : -1,
    chunk,
    burst,
    warmUp,
    duration,
    timeout: TIMEOUT,
  };
  try {
    const result = kind === "client"
      ? await measureClient(participant, workload, generator, load)
      : profile && isOwn(participant)
      ? await measureProfiled(participant, workload, generator, load)
      : await measureServer(participant, workload, generator, load);
    if (kind !== "idle" && result.messages === 0) {
      throw new Error("no replies within the time limit");
    }
    if (result.lost > 0) throw new Error(`${result.lost} messages were lost`);
    return result;
  } catch (error) {
    const name = `${labelOf(participant)}, ${describe(workload)}`;
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
  } finally {
    await Deno.remove(frames);
  }
}

async function measureServer(
  participant: Participant,
  workload: Workload,
  generator: Generator,
  load: Load,
  command: string[] = commandOf(participant, workload)!,
  end: (server: Deno.ChildProcess) => Promise<void> = stop,
): Promise<LoadResult> {
  const server = start(onServerCore(command), { env: environmentOf(participant) });
  try {
    load.port = Number(await nextLine(linesOf(server)));
    load.pids = [server.pid];
    const process = start(onLoadCore(generator.command(JSON.stringify(load))));
    const result = JSON.parse(await nextLine(linesOf(process)));
    await process.status;
    return result;
  } finally {
    await end(server);
  }
}

/** Measures with a profiler, which writes its profile when the server exits normally. */
async function measureProfiled(
  participant: Participant,
  workload: Workload,
  generator: Generator,
  load: Load,
): Promise<LoadResult> {
  const old = new Set(profileFiles());
  const command = withProfile(participant.runtime, commandOf(participant, workload)!);
  const interrupt = async (server: Deno.ChildProcess): Promise<void> => {
    server.kill("SIGINT");
    await server.status;
  };
  const result = await measureServer(participant, workload, generator, load, command, interrupt);
  for (const path of profileFiles().filter((path) => !old.has(path))) {
    console.log(`\n${labelOf(participant)}, ${path}\n\n${topFunctions(path)}`);
  }
  return result;
}

async function measureClient(
  participant: Participant,
  workload: Workload,
  generator: Generator,
  load: Load,
): Promise<LoadResult> {
  const process = start(onLoadCore(generator.command(JSON.stringify(load))), { stdin: "piped" });
  const lines = linesOf(process);
  const url = `ws://127.0.0.1:${await nextLine(lines)}/`;
  const command = commandOf(participant, workload, url, load.connections)!;
  const client = start(onServerCore(command), { env: environmentOf(participant) });
  try {
    const writer = process.stdin.getWriter();
    await writer.write(new TextEncoder().encode(`${client.pid}\n`));
    await writer.close();
    const result = JSON.parse(await nextLine(lines));
    await process.status;
    return result;
  } finally {
    await stop(client);
  }
}
