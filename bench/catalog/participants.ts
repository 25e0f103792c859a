// Who is measured, as data.

import type { Compression, ServerSettings } from "../servers/settings.ts";
import type { RuntimeName } from "../support/runtimes.ts";
import type { Workload } from "./workloads.ts";

/** A server or a client, on a runtime. */
export interface Participant {
  /** By this name it is chosen with `--peers`. */
  name: string;
  runtime: RuntimeName | "go";
  /** A module in `bench/servers`; for Go the name of the library. */
  server?: string;
  /** A module in `bench/clients`. */
  client?: string;
  /** The other side of the comparison: raw sockets, without WebSocket. */
  raw?: true;
  /** Loads that it takes no part in. */
  not?: Workload["kind"][];
  /** Ways of compression that it has. Default: both. */
  compressions?: Compression[];
  denoSockets?: ServerSettings["denoSockets"];
  /** A package with native code that is installed for it alone, where this machine can load it. */
  installs?: string;
  env?: Record<string, string>;
}

const BOTH = { server: "quickws", client: "quickws" };
/** A raw socket has no opening that the generator could wait for, hence no broadcast to all. */
const RAW: Partial<Participant> = {
  raw: true,
  compressions: [],
  not: ["handshakes", "client", "broadcast", "publish"],
};

/** All of them, ours first, then the raw sockets, then the peers, for each runtime. */
export const PARTICIPANTS: readonly Participant[] = [
  { name: "quickws", runtime: "node", ...BOTH },
  { name: "raw", runtime: "node", server: "raw_net", ...RAW },
  { name: "ws", runtime: "node", server: "ws", client: "ws", env: { WS_NO_BUFFER_UTIL: "1" } },
  { name: "ws+bufferutil", runtime: "node", server: "ws", client: "ws" },
  { name: "uws", runtime: "node", server: "uws" },
  // The release of 2026 needs a newer C library than some machines have.
  {
    name: "uws2026",
    runtime: "node",
    server: "uws",
    installs: "@btc-vision/uwebsockets.js@20.57.0",
  },

  { name: "quickws", runtime: "bun", ...BOTH },
  { name: "raw", runtime: "bun", server: "raw_bun", ...RAW },
  { name: "bun", runtime: "bun", server: "serve_bun", client: "web_socket" },

  { name: "quickws", runtime: "deno", ...BOTH },
  { name: "quickws@listen", runtime: "deno", server: "quickws", denoSockets: "Deno.listen" },
  { name: "raw", runtime: "deno", server: "raw_deno", ...RAW },
  { name: "raw@net", runtime: "deno", server: "raw_net", ...RAW },
  // It has no compression, whatever it is offered.
  { name: "deno", runtime: "deno", server: "upgrade_deno", client: "web_socket", compressions: [] },

  // antlabs/quickws, which this library re-imagines.
  {
    name: "antlabs",
    runtime: "go",
    server: "quickws",
    compressions: [],
    not: ["publish"],
    env: { GOMAXPROCS: "1" },
  },
  { name: "gws", runtime: "go", server: "gws", not: ["publish"], env: { GOMAXPROCS: "1" } },
  {
    name: "gorilla",
    runtime: "go",
    server: "gorilla",
    compressions: ["alone"],
    not: ["publish"],
    env: { GOMAXPROCS: "1" },
  },
];

/** Runtime and name, which together are unique. */
export function labelOf({ runtime, name }: Participant): string {
  return `${runtime} ${name}`;
}

/** Whether a participant is one of our own servers. */
export function isOurs({ name }: Participant): boolean {
  return name === "quickws" || name.startsWith("quickws@");
}

/** Whether a workload is for a participant. */
export function takesPart(participant: Participant, workload: Workload): boolean {
  const { server, client, not = [], compressions = ["alone", "takeover"] } = participant;
  if (not.includes(workload.kind)) return false;
  if (workload.compression !== undefined && !compressions.includes(workload.compression)) {
    return false;
  }
  return (workload.kind === "client" ? client : server) !== undefined;
}
