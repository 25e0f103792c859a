// One siege: a server, honest clients and attackers, each in a process of its own, and what came of it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { linesOf, within } from "../support/child.ts";
import { builtForNode } from "../support/node_build.ts";
import { root } from "../project/source_files.ts";
import { nodePath, type RuntimeName } from "../support/runtimes.ts";
import type { HonestFigures } from "./honest.ts";
import { serverCommand, type ServerKind } from "./servers.ts";

/** The attacks of `attacker.ts`. */
export const attackNames = [
  "none",
  "bombs",
  "small-bombs",
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
  "connections",
] as const;

/** The name of an attack. */
export type AttackName = typeof attackNames[number];

/** The attacks on a server without a message handler, where honest clients send pings. */
const UNREAD: readonly AttackName[] = ["unread-bombs", "gone-clients"];

/** What a siege is. */
export interface SiegePlan {
  readonly runtime: RuntimeName;
  readonly kind: ServerKind;
  readonly attack: AttackName;
  /** How long the attack lasts. */
  readonly seconds: number;
  /** Honest clients. */
  readonly clients: number;
  /** Attackers that flood at the same time. */
  readonly attackers: number;
}

/** What came of it. */
export interface SiegeFigures extends HonestFigures {
  /** The most memory that the server's process had, in bytes; 0 where the system does not tell. */
  readonly peakMemory: number;
  /** Whether the server's process was still there at the end. */
  readonly survived: boolean;
  /** What the server has written to its standard error. */
  readonly errors: string;
}

/** Milliseconds that a process may take longer than it was told to. */
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
  if (result === undefined || result.done) throw new Error(`${what} does not answer`);
  return result.value;
}

/** Linux tells the most memory that a process ever had. */
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
    // It has ended.
  }
}

/** Lays a siege. */
export async function siege(plan: SiegePlan): Promise<SiegeFigures> {
  const { runtime, kind, attack, seconds, clients, attackers } = plan;
  const reads = !UNREAD.includes(attack);
  const children: Deno.ChildProcess[] = [];
  const server = serverCommand(runtime, kind, reads).spawn();
  children.push(server);
  const errors = new Response(server.stderr).text();
  let ended = false;
  const status = server.status.then(() => ended = true);
  try {
    const serverLines = linesOf(server.stdout);
    const port = Number(await next(serverLines, `${kind} on ${runtime}`));
    const honest = nodeProcess("honest.ts", port, seconds, clients, reads ? "message" : "ping");
    children.push(honest);
    const honestLines = linesOf(honest.stdout);
    await next(honestLines, "honest clients");
    const attacker = nodeProcess("attacker.ts", attack, port, seconds + 1, attackers);
    children.push(attacker);
    const line = await within(seconds * 1000 + GRACE, honestLines.next());
    if (line === undefined || line.done) throw new Error("honest clients do not answer");
    const figures = JSON.parse(line.value) as HonestFigures;
    const peakMemory = peakMemoryOf(server.pid);
    const survived = !ended;
    for (const child of children) kill(child);
    await status;
    return { ...figures, peakMemory, survived, errors: (await errors).trim() };
  } finally {
    for (const child of children) kill(child);
    await Promise.all(children.map((child) => child.status));
    for (const child of children.slice(1)) await child.stdin.close().catch(() => {});
    for (const child of children) if (!child.stdout.locked) await child.stdout.cancel();
  }
}
