// The measured servers and clients, as data.

import type { Compression, ServerSettings } from "../servers/settings.ts";
import type { RuntimeName } from "../support/runtimes.ts";
import type { Workload } from "./workloads.ts";

/** A server or a client, on a runtime. */
export interface Participant {
  /** The name that selects it in `--peers`. */
  name: string;
  runtime: RuntimeName | "go";
  /** A module in `bench/servers`; for Go the name of the library. */
  server?: string;
  /** A module in `bench/clients`. */
  client?: string;
  /** Raw sockets without WebSocket: the baseline. */
  raw?: true;
  /** Kinds of load that it does not support. */
  not?: Workload["kind"][];
  /** The compression modes it supports. Default: both. */
  compressions?: Compression[];
  denoSockets?: ServerSettings["denoSockets"];
  /** An npm package with native code, installed only for this participant if it loads here. */
  installs?: string;
  env?: Record<string, string>;
}

const BOTH = { server: "quickws", client: "quickws" };
/** Without an opening handshake the generator cannot wait for all sockets, so no broadcast. */
const RAW: Partial<Participant> = {
  raw: true,
  compressions: [],
  not: ["handshakes", "client", "broadcast", "publish"],
};

/** All participants. For each runtime: this library, then raw sockets, then peers. */
export const PARTICIPANTS: readonly Participant[] = [
  { name: "quickws", runtime: "node", ...BOTH },
  { name: "raw", runtime: "node", server: "raw_net", ...RAW },
  { name: "ws", runtime: "node", server: "ws", client: "ws", env: { WS_NO_BUFFER_UTIL: "1" } },
  { name: "ws+bufferutil", runtime: "node", server: "ws", client: "ws" },
  { name: "uws", runtime: "node", server: "uws" },
  // The 2026 release needs a newer C library, which some machines do not have.
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
  // Deno declines every compression offer.
  { name: "deno", runtime: "deno", server: "upgrade_deno", client: "web_socket", compressions: [] },

  // antlabs/quickws in Go, the model for this library.
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

/** A unique label: runtime and name. */
export function labelOf({ runtime, name }: Participant): string {
  return `${runtime} ${name}`;
}

/** Whether a participant is a variant of this library. */
export function isOwn({ name }: Participant): boolean {
  return name === "quickws" || name.startsWith("quickws@");
}

/** Whether a participant supports a workload. */
export function takesPart(participant: Participant, workload: Workload): boolean {
  const { server, client, not = [], compressions = ["alone", "takeover"] } = participant;
  if (not.includes(workload.kind)) return false;
  if (workload.compression !== undefined && !compressions.includes(workload.compression)) {
    return false;
  }
  return (workload.kind === "client" ? client : server) !== undefined;
}
