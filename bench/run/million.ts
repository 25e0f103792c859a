// A million idle connections on this machine, or as many as its memory allows. Several server
// processes are needed because each can open a limited number of files.

import { labelOf, type Participant, PARTICIPANTS } from "../catalog/participants.ts";
import { goProgram } from "../support/go.ts";
import { linesOf, nextLine, root, start, stop } from "../support/runtimes.ts";
import { markdownTable } from "../support/table.ts";
import { join } from "node:path";
import { commandOf } from "./measure.ts";
import { progress } from "./progress.ts";
import type { Scaling } from "./scaling_points.ts";

/** The result of the measurement for one participant. */
export interface Million {
  /** The participant's label. */
  label: string;
  connections: number;
  processes: number;
  /**
   * Bytes of resident memory of all server processes before the first connection, and at the end.
   */
  before: number;
  resident: number;
  /** Connections that echoed a message after all were open. */
  alive: number;
}

const GOAL = 1_000_000;

/** Connections per server process: below the usual limit of 20,000 open files. */
const SHARE = 18_000;

/** Memory to keep free, in bytes: more than a process with its connections needs. */
const RESERVE = 1 << 30;

const LABELS = ["node quickws", "bun quickws", "deno quickws", "go antlabs"];

/** The memory that quickws for Go reports for a million connections, in bytes. */
const REPORTED = 8.47e9;

const SETTINGS = `\
\`\`\`sh
# Open files: system-wide, per process, and the limit of this shell.
sysctl -w fs.file-max=2200000 fs.nr_open=1100000
ulimit -n 1050000
# Connections that wait to be accepted when all clients reconnect after a restart. Also set backlog.
sysctl -w net.core.somaxconn=65535 net.ipv4.tcp_max_syn_backlog=65535
# TCP memory in pages of 4 KiB (low, pressure, maximum), and small initial buffers.
sysctl -w net.ipv4.tcp_mem="1500000 2000000 3000000"
sysctl -w net.ipv4.tcp_rmem="4096 4096 6291456" net.ipv4.tcp_wmem="4096 4096 4194304"
# Connection tracking, if a firewall needs it. It is better to exempt the port (NOTRACK).
sysctl -w net.netfilter.nf_conntrack_max=1100000
# On a load generator: the ports of each source address.
sysctl -w net.ipv4.ip_local_port_range="1024 65535"
\`\`\``;

/** A server process and the generator that holds its connections open. */
class Pair implements AsyncDisposable {
  connections = 0;
  before = 0;
  readonly server: Deno.ChildProcess;
  readonly #generator: Deno.ChildProcess;
  readonly #lines: AsyncGenerator<string, void>;

  private constructor(server: Deno.ChildProcess, generator: Deno.ChildProcess) {
    this.server = server;
    this.#generator = generator;
    this.#lines = linesOf(generator);
  }

  static async open(participant: Participant, connections: number): Promise<Pair> {
    const workload = { kind: "idle", connections, payload: 0, depth: 1 } as const;
    const server = start(commandOf(participant, workload)!, { env: participant.env });
    const port = Number(await nextLine(linesOf(server)));
    const load = { kind: "held", port, webSocket: true, extensions: "", connections };
    const program = goProgram(join(root, "bench/load/go"))!;
    const before = residentBytes(server);
    const pair = new Pair(server, start([program, JSON.stringify(load)], { stdin: "piped" }));
    pair.before = before;
    pair.connections = Number(await nextLine(pair.#lines));
    return pair;
  }

  /** Echoes a message on each connection, and returns how many replied. */
  async echo(): Promise<number> {
    const writer = this.#generator.stdin.getWriter();
    await writer.write(new TextEncoder().encode("\n"));
    writer.releaseLock();
    return Number(await nextLine(this.#lines));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await stop(this.#generator);
    await stop(this.server);
  }
}

/** Opens as many connections as the memory allows. */
async function measure(label: string): Promise<Million> {
  const participant = PARTICIPANTS.find((each) => labelOf(each) === label)!;
  const pairs: Pair[] = [];
  try {
    let connections = 0;
    while (connections < GOAL && availableBytes() > RESERVE) {
      const pair = await Pair.open(participant, Math.min(SHARE, GOAL - connections));
      pairs.push(pair);
      connections += pair.connections;
      progress(`${label}: ${connections} connections`);
    }
    const sum = (figure: (pair: Pair) => number): number =>
      pairs.reduce((total, pair) => total + figure(pair), 0);
    const before = sum((pair) => pair.before);
    const resident = sum(({ server }) => residentBytes(server));
    let alive = 0;
    for (const pair of pairs) alive += await pair.echo();
    return { label, connections, processes: pairs.length, before, resident, alive };
  } finally {
    for (const pair of pairs) await pair[Symbol.asyncDispose]();
  }
}

function residentBytes({ pid }: Deno.ChildProcess): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]);
}

function availableBytes(): number {
  const text = Deno.readTextFileSync("/proc/meminfo");
  return 1024 * Number(/^MemAvailable:\s+(\d+)/m.exec(text)![1]);
}

/** Measures this library on each runtime, and quickws for Go. */
export async function measureMillion(labels: readonly string[] = LABELS): Promise<Million[]> {
  const outcomes: Million[] = [];
  for (const label of labels) outcomes.push(await measure(label));
  progress();
  return outcomes;
}

/** Returns the section of the report. */
export function oneMillion({ million, kernel }: Scaling): string[] {
  if (million === undefined || million.length === 0) return [];
  const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(2);
  return [
    "## A million connections",
    "Idle connections on one machine with two cores and 24 GiB: several server processes with at most " +
    `${
      SHARE.toLocaleString("en")
    } connections each, and all clients on the same machine. "Bytes each" is ` +
    `the memory growth of the server processes per connection; the kernel takes about ${
      kernel.toFixed(0)
    } B ` +
    "more for each end. After all were open, each connection echoed a message. quickws in Go reports " +
    `${gigabytes(REPORTED)} GB for a million, on a larger machine.`,
    markdownTable([
      ["", "connections", "processes", "GB resident", "bytes each", "echoed"],
      ...million.map(({ label, connections, processes, before, resident, alive }) => [
        label,
        connections.toLocaleString("en"),
        String(processes),
        gigabytes(resident),
        ((resident - before) / connections).toFixed(0),
        alive.toLocaleString("en"),
      ]),
    ]),
    "Settings for a Linux machine that serves a million clients from one process:",
    SETTINGS,
  ];
}
