// On paper, from the slopes: what a million connections need.

import { markdownTable } from "../support/table.ts";
import type { Point, Scaling } from "./scaling_points.ts";

/** What quickws in Go reports of its million: echoes of 1 KiB in a second, and bytes of memory. */
const REPORTED = { connections: 1e6, rate: 108_143, memory: 8.47e9 };

const RUNTIMES = ["node", "bun", "deno"];

const SETTINGS = `\
\`\`\`sh
# Open files: for the system, for one process, and what a shell may raise it to.
sysctl -w fs.file-max=2200000 fs.nr_open=1100000
ulimit -n 1050000
# Connections that wait to be accepted when all come back after a restart; pass it as backlog, too.
sysctl -w net.core.somaxconn=65535 net.ipv4.tcp_max_syn_backlog=65535
# Memory of TCP in pages of 4 KiB (low, pressure, most), and small buffers to begin with.
sysctl -w net.ipv4.tcp_mem="1500000 2000000 3000000"
sysctl -w net.ipv4.tcp_rmem="4096 4096 6291456" net.ipv4.tcp_wmem="4096 4096 4194304"
# Connection tracking, where a firewall needs it; better is to keep the port out of it (NOTRACK).
sysctl -w net.netfilter.nf_conntrack_max=1100000
# On the side of a load generator: ports, of which each source address has these.
sysctl -w net.ipv4.ip_local_port_range="1024 65535"
\`\`\``;

function slope(points: Point[], label: string): number | undefined {
  const first = points[0]?.figures[label]?.memory;
  const last = points.at(-1)?.figures[label]?.memory;
  if (first === undefined || last === undefined) return undefined;
  // The figures are bytes by connection: what the process has gained is their product.
  const [from, to] = [points[0]!.value, points.at(-1)!.value];
  return (last * to - first * from) / (to - from);
}

/** The section of the report. */
export function oneMillion({ points, kernel }: Scaling): string[] {
  const { idle = [], connections = [] } = points;
  const many = connections.at(-1);
  if (idle.length === 0 || many === undefined) return [];
  const { rate, memory } = REPORTED;
  const rows = RUNTIMES.map((runtime) => {
    const label = `${runtime} quickws`;
    const bytes = slope(idle, label) ?? NaN;
    const cpu = many.figures[label]?.cpu ?? NaN;
    return [
      runtime,
      bytes.toFixed(0),
      (bytes / 1000).toFixed(2),
      ((bytes + kernel) / 1000).toFixed(2),
      cpu.toFixed(1),
      (rate * cpu / 1e6).toFixed(1),
    ];
  });
  return [
    "## A million connections, on paper",
    `quickws in Go reports ${(memory / 1e9).toFixed(2)} GB of memory and ${
      rate.toLocaleString("en")
    } echoes of 1 KiB in a second for a million connections. The limit of open files on the machine ` +
    "of these measurements is 20,000, so this is reckoned, not measured: the memory of another idle " +
    `connection between ${idle[0]!.value.toLocaleString("en")} and ${
      idle.at(-1)!.value.toLocaleString("en")
    }, and the CPU time for a message at ${
      many.value.toLocaleString("en")
    } connections. The kernel's own memory for one end of a connection without data in flight is ` +
    `${kernel.toFixed(0)} B here. Data in flight comes on top, and whatever the application keeps.`,
    markdownTable([
      [
        "",
        "B/connection",
        "GB resident",
        "GB with the kernel",
        "CPU us/message",
        "cores for that rate",
      ],
      ...rows,
    ]),
    "One process keeps one core busy, so the rate needs as many processes as the last column says, " +
    "rounded up, each with its part of the connections and of the memory: `reusePort`, as above. " +
    "The kernel has to be told, here on Linux:",
    SETTINGS,
  ];
}
