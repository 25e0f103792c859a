// The pairs of peers, and the extensions that each mode must negotiate.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import config from "../../deno.json" with { type: "json" };
import { bunPath, nodePath, type RuntimeName, runtimeNames } from "../support/runtimes.ts";
import type { Agreed } from "./conversation.ts";
import { chromiumProgram, goProgram, PYTHON_WEBSOCKETS, pythonProgram } from "./foreign.ts";
import { type Program, program } from "./processes.ts";

/** Another implementation, in one role. */
export interface Peer {
  readonly program: Program;
  readonly agreed: Agreed;
  /** The results, once all programs are prepared. */
  readonly version: () => string;
}

/** A quickws program on one of the runtimes. */
export interface QuickwsProgram {
  readonly runtime: RuntimeName;
  readonly program: Program;
}

/** The name of a peer; the runtime is obvious or part of the version. */
export function nameOf({ program }: Peer): string {
  return program.name.replace(/ on (deno|bun|node)$/, "");
}

function quickwsPrograms(name: string, module: string): QuickwsProgram[] {
  return runtimeNames.map((runtime) => ({ runtime, program: program(name, runtime, module) }));
}

/** Echo. */
export const QUICKWS_SERVERS: readonly QuickwsProgram[] = quickwsPrograms(
  "quickws server",
  "server_quickws",
);
/** Hold the conversation. */
export const QUICKWS_CLIENTS: readonly QuickwsProgram[] = quickwsPrograms(
  "quickws client",
  "client_quickws",
);
/** Hold the conversation with clients that echo. */
export const CONVERSING_SERVERS: readonly QuickwsProgram[] = quickwsPrograms(
  "quickws server",
  "server_conversing",
);

const DEFLATE = "permessage-deflate";
const ALONE = `${DEFLATE}; server_no_context_takeover; client_no_context_takeover`;
const WINDOWS = `${DEFLATE}; server_max_window_bits=9; client_max_window_bits=9`;

/** The response of quickws to a client that supports window sizes. */
const QUICKWS_ANSWERS: Agreed = {
  off: "",
  alone: ALONE,
  takeover: `${DEFLATE}; client_max_window_bits=12`,
  windows: WINDOWS,
};

/** The parameters that a quickws client and a quickws server agree on. */
export const BOTH_QUICKWS: Agreed = QUICKWS_ANSWERS;

/** With a peer without compression. */
const NO_COMPRESSION: Agreed = { off: "", alone: "", takeover: "", windows: "" };

function outputOf(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: "utf8" }).trim();
}

/** The version of Bun. */
export const bunVersion = (): string => outputOf(bunPath(), "--version");
/** The version of Deno. */
export const denoVersion = (): string => Deno.version.deno;
/** The version of Node. */
export const nodeVersion = (): string => outputOf(nodePath(), "--version").slice(1);

function npmVersion(name: "ws" | "undici"): string {
  return config.imports[name].replace(/^npm:.*@/, "");
}

const onNode = (name: "ws" | "undici") => (): string =>
  `${npmVersion(name)} on Node ${nodeVersion()}`;

const chromiumVersion = (): string => outputOf("/usr/bin/chromium", "--version").split(" ")[1]!;

const pythonVersion = (): string => `${PYTHON_WEBSOCKETS} on ${outputOf("python3", "--version")}`;

function goVersion(module: string): () => string {
  return () => {
    const mod = readFileSync(new URL("programs/go/go.mod", import.meta.url), "utf8");
    const version = new RegExp(`${module} v(\\S+)`).exec(mod)![1];
    return `${version} on Go ${outputOf("go", "env", "GOVERSION").slice(2)}`;
  };
}

/** Clients that hold the conversation. */
export const CLIENTS: readonly Peer[] = [
  {
    program: chromiumProgram("the WebSocket of Chromium"),
    agreed: QUICKWS_ANSWERS,
    version: chromiumVersion,
  },
  {
    program: program("the client of ws", "node", "client_ws"),
    agreed: QUICKWS_ANSWERS,
    version: onNode("ws"),
  },
  {
    program: program("the client of undici", "node", "client_undici"),
    agreed: QUICKWS_ANSWERS,
    version: onNode("undici"),
  },
  {
    program: program("the WebSocket of Deno", "deno", "client_web"),
    agreed: NO_COMPRESSION,
    version: denoVersion,
  },
  {
    program: program("the WebSocket of Bun", "bun", "client_web"),
    agreed: QUICKWS_ANSWERS,
    version: bunVersion,
  },
];

/** Clients that only echo, so that the server leads the conversation. */
export const ECHOING_CLIENTS: readonly Peer[] = [
  {
    program: pythonProgram("the client of Python websockets", "client"),
    agreed: QUICKWS_ANSWERS,
    version: pythonVersion,
  },
  {
    program: goProgram("the client of gorilla in Go", "gorilla", "client"),
    agreed: { off: "", alone: ALONE, takeover: ALONE },
    version: goVersion("gorilla/websocket"),
  },
  {
    program: goProgram("the client of quickws in Go", "quickws", "client"),
    agreed: { off: "", alone: ALONE, takeover: ALONE },
    version: goVersion("antlabs/quickws"),
  },
];

/** Servers that echo. */
export const SERVERS: readonly Peer[] = [
  {
    program: program("the server of ws", "node", "server_ws"),
    agreed: { off: "", alone: ALONE, takeover: DEFLATE, windows: WINDOWS },
    version: onNode("ws"),
  },
  {
    program: program("Deno.upgradeWebSocket", "deno", "server_deno"),
    agreed: NO_COMPRESSION,
    version: denoVersion,
  },
  {
    program: program("Bun.serve", "bun", "server_bun"),
    agreed: {
      off: "",
      alone: `${DEFLATE}; client_no_context_takeover; server_no_context_takeover`,
      takeover: DEFLATE,
      windows: `${DEFLATE}; client_max_window_bits=9; server_max_window_bits=9`,
    },
    version: bunVersion,
  },
  {
    program: pythonProgram("the server of Python websockets", "server"),
    agreed: { off: "", alone: ALONE, takeover: DEFLATE, windows: WINDOWS },
    version: pythonVersion,
  },
  {
    program: goProgram("the server of gorilla in Go", "gorilla", "server"),
    agreed: { off: "", alone: ALONE, takeover: ALONE },
    version: goVersion("gorilla/websocket"),
  },
  {
    program: goProgram("the server of quickws in Go", "quickws", "server"),
    // It accepts no offer without `no_context_takeover`.
    agreed: {
      off: "",
      alone: `${DEFLATE}; client_no_context_takeover; server_no_context_takeover; ` +
        "client_max_window_bits=15",
      takeover: "",
    },
    version: goVersion("antlabs/quickws"),
  },
];
