// Runs a siege: a server, honest clients and attackers, each in a separate process.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { linesOf, within } from "../support/child.ts";
import { builtForNode } from "../support/node_build.ts";
import { root } from "../project/source_files.ts";
import { nodePath, type RuntimeName } from "../support/runtimes.ts";
import type { AttackFigures } from "./attacker.ts";
import type { HonestFigures } from "./honest.ts";
import { serverCommand, type ServerKind, type ServerRole } from "./servers.ts";

/** The attacks in `attacker.ts`. */
export const attackNames = [
  "none",
  "bombs",
  "small-bombs",
  "many-bombs",
  "empty-blocks",
  "small-frames",
  "pings",
  "fragments",
  "unfinished",
  "unread-bombs",
  "gone-clients",
  "slow-readers",
  "slow-reading",
  "slow-frames",
  "handshakes",
  "slow-handshakes",
  "slow-tls",
  "connections",
  "replays",
] as const;

/** The name of an attack. */
export type AttackName = typeof attackNames[number];

/** The server's behavior during an attack, unless it echoes. */
const ROLES: Partial<Record<AttackName, ServerRole>> = {
  // The honest clients then send pings.
  "unread-bombs": "unread",
  "gone-clients": "unread",
  "slow-tls": "tls",
  replays: "topics",
};

/** Attacks with compressed messages, which the settings of the page do not accept. */
const COMPRESSED: readonly AttackName[] = [
  "bombs",
  "small-bombs",
  "many-bombs",
  "empty-blocks",
  "unread-bombs",
];

/**
 * Runtimes whose own server cannot negotiate compression, so every compressed message is an error.
 */
const UNCOMPRESSED_PEERS: readonly RuntimeName[] = ["deno"];

/** Returns the servers to attack. */
export function kindsFor(attack: AttackName, runtime: RuntimeName): readonly ServerKind[] {
  const ours: readonly ServerKind[] = attack === "slow-readers" || attack === "none"
    ? ["page", "defaults"]
    : COMPRESSED.includes(attack)
    ? ["defaults"]
    : ["page"];
  const role = ROLES[attack];
  const isComparable = role !== "topics" && role !== "unread" &&
    !(COMPRESSED.includes(attack) && UNCOMPRESSED_PEERS.includes(runtime));
  return isComparable ? [...ours, "peer"] : ours;
}

/** The parameters of a siege. */
export interface SiegePlan {
  readonly runtime: RuntimeName;
  readonly kind: ServerKind;
  readonly attack: AttackName;
  /** The minimum duration of the attack in seconds. */
  readonly seconds: number;
  /** The number of honest clients. */
  readonly clients: number;
  /** The number of concurrent flooding attackers. */
  readonly attackers: number;
  /** Scales the number of connections in attacks with many connections. Default: 1. */
  readonly scale?: number;
}

/** The results of a siege. */
export interface SiegeFigures extends HonestFigures {
  /** The counts of the attackers. */
  readonly attack: AttackFigures;
  /** The peak memory of the server process in bytes; 0 if the system does not report it. */
  readonly peakMemory: number;
  /** Whether the server process was still running at the end. */
  readonly survived: boolean;
  /** The standard error output of the server. */
  readonly errors: string;
}

/** How long to wait for a process beyond the duration of the attack, in milliseconds. */
const GRACE = 30_000;

function nodeProcess(module: string, ...args: (string | number)[]): Deno.ChildProcess {
  const path = builtForNode(join(root, "tests/siege", module));
  return new Deno.Command(nodePath(), {
    args: [path, ...args.map(String)],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

async function next(lines: AsyncGenerator<string, void, void>, what: string): Promise<string> {
  const result = await within(GRACE, lines.next());
  if (result === undefined || result.done) throw new Error(`${what}: no response`);
  return result.value;
}

/** Returns the peak memory of a process. Only Linux reports it. */
function peakMemoryOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // The process has exited.
  }
}

/** Keeps the latest line of a process that reports continuously. */
class LatestLine<T> {
  #value: T | undefined;

  constructor(lines: AsyncGenerator<string, void, void>) {
    void this.#read(lines);
  }

  /**
   * Waits until the latest line meets a condition, at most for {@linkcode GRACE}. Returns the line.
   */
  async when(isMet: (value: T) => boolean): Promise<T> {
    const end = performance.now() + GRACE;
    for (;;) {
      const value = this.#value;
      if (value !== undefined && (isMet(value) || performance.now() > end)) return value;
      if (performance.now() > end) throw new Error("attackers: no response");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async #read(lines: AsyncGenerator<string, void, void>): Promise<void> {
    for await (const line of lines) this.#value = JSON.parse(line) as T;
  }
}

/** Runs a siege. */
export async function siege(plan: SiegePlan): Promise<SiegeFigures> {
  const { runtime, kind, attack, seconds, clients, attackers, scale = 1 } = plan;
  const role = ROLES[attack] ?? "echo";
  const children: Deno.ChildProcess[] = [];
  const isCompressed = COMPRESSED.includes(attack);
  const server = serverCommand(runtime, kind, role, isCompressed).spawn();
  children.push(server);
  const errors = new Response(server.stderr).text();
  let ended = false;
  const status = server.status.then(() => ended = true);
  try {
    const serverLines = linesOf(server.stdout);
    const port = Number(await next(serverLines, `${kind} on ${runtime}`));
    const mode = role === "unread" ? "ping" : "message";
    const security = role === "tls" ? "tls" : "plain";
    const honest = nodeProcess("honest.ts", port, clients, mode, security);
    children.push(honest);
    const honestLines = linesOf(honest.stdout);
    await next(honestLines, "honest clients");
    const attacker = nodeProcess("attacker.ts", attack, port, scale, attackers);
    children.push(attacker);
    const done = new LatestLine<AttackFigures>(linesOf(attacker.stdout));
    await done.when(() => true);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    const attacked = await done.when(({ isComplete }) => isComplete);
    await write(honest, "\n");
    const figures = JSON.parse(await next(honestLines, "honest clients")) as HonestFigures;
    const peakMemory = peakMemoryOf(server.pid);
    const survived = !ended;
    for (const child of children) kill(child);
    await status;
    return { ...figures, attack: attacked, peakMemory, survived, errors: (await errors).trim() };
  } finally {
    for (const child of children) kill(child);
    await Promise.all(children.map((child) => child.status));
    for (const child of children.slice(1)) await child.stdin.close().catch(() => {});
    for (const child of children) if (!child.stdout.locked) await child.stdout.cancel();
  }
}

async function write(child: Deno.ChildProcess, text: string): Promise<void> {
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  writer.releaseLock();
}
