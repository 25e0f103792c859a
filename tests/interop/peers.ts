// The tested implementations, and the extensions that each compression mode must negotiate.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import config from "../../deno.json" with { type: "json" };
import { bunPath, nodePath, type RuntimeName, runtimeNames } from "../support/runtimes.ts";
import type { ExpectedExtensions } from "./conversation.ts";
import { chromiumProgram, goProgram, PYTHON_WEBSOCKETS, pythonProgram } from "./foreign.ts";
import { type Program, program } from "./processes.ts";

/** Another implementation, as a client or as a server. */
export interface Peer {
  readonly program: Program;
  readonly agreed: ExpectedExtensions;
  /** Returns the version, once all programs are installed. */
  readonly version: () => string;
}

/** A quickws program on one of the runtimes. */
export interface QuickwsProgram {
  readonly runtime: RuntimeName;
  readonly program: Program;
}

/** Returns the name of a peer without its runtime, which is obvious or part of the version. */
export function nameOf({ program }: Peer): string {
  return program.name.replace(/ on (deno|bun|node)$/, "");
}

function quickwsPrograms(name: string, module: string): QuickwsProgram[] {
  return runtimeNames.map((runtime) => ({ runtime, program: program(name, runtime, module) }));
}

/** Servers that echo. */
export const QUICKWS_SERVERS: readonly QuickwsProgram[] = quickwsPrograms(
  "quickws server",
  "server_quickws",
);
/** Clients that run the conversation. */
export const QUICKWS_CLIENTS: readonly QuickwsProgram[] = quickwsPrograms(
  "quickws client",
  "client_quickws",
);
/** Servers that run the conversation with clients that echo. */
export const CONVERSING_SERVERS: readonly QuickwsProgram[] = quickwsPrograms(
  "quickws server",
  "server_conversing",
);

const DEFLATE = "permessage-deflate";
const ALONE = `${DEFLATE}; server_no_context_takeover; client_no_context_takeover`;
const WINDOWS = `${DEFLATE}; server_max_window_bits=9; client_max_window_bits=9`;

/** The extensions that the quickws server accepts from a client that can limit its window. */
const QUICKWS_ANSWERS: ExpectedExtensions = {
  off: "",
  alone: ALONE,
  takeover: `${DEFLATE}; client_max_window_bits=12`,
  windows: WINDOWS,
};

/** The extensions that a quickws client and a quickws server negotiate. */
export const BOTH_QUICKWS: ExpectedExtensions = QUICKWS_ANSWERS;

/** For a peer without compression. */
const NO_COMPRESSION: ExpectedExtensions = { off: "", alone: "", takeover: "", windows: "" };

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

/** Clients that run the conversation. */
export const CLIENTS: readonly Peer[] = [
  {
    program: chromiumProgram("Chromium WebSocket"),
    agreed: QUICKWS_ANSWERS,
    version: chromiumVersion,
  },
  {
    program: program("ws client", "node", "client_ws"),
    agreed: QUICKWS_ANSWERS,
    version: onNode("ws"),
  },
  {
    program: program("undici client", "node", "client_undici"),
    agreed: QUICKWS_ANSWERS,
    version: onNode("undici"),
  },
  {
    program: program("Deno WebSocket", "deno", "client_web"),
    agreed: NO_COMPRESSION,
    version: denoVersion,
  },
  {
    program: program("Bun WebSocket", "bun", "client_web"),
    agreed: QUICKWS_ANSWERS,
    version: bunVersion,
  },
];

/** Clients that only echo, so the server runs the conversation. */
export const ECHOING_CLIENTS: readonly Peer[] = [
  {
    program: pythonProgram("Python websockets client", "client"),
    agreed: QUICKWS_ANSWERS,
    version: pythonVersion,
  },
  {
    program: goProgram("gorilla/websocket client (Go)", "gorilla", "client"),
    agreed: { off: "", alone: ALONE, takeover: ALONE },
    version: goVersion("gorilla/websocket"),
  },
  {
    program: goProgram("quickws client (Go)", "quickws", "client"),
    agreed: { off: "", alone: ALONE, takeover: ALONE },
    version: goVersion("antlabs/quickws"),
  },
];

/** Servers that echo. */
export const SERVERS: readonly Peer[] = [
  {
    program: program("ws server", "node", "server_ws"),
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
    program: pythonProgram("Python websockets server", "server"),
    agreed: { off: "", alone: ALONE, takeover: DEFLATE, windows: WINDOWS },
    version: pythonVersion,
  },
  {
    program: goProgram("gorilla/websocket server (Go)", "gorilla", "server"),
    agreed: { off: "", alone: ALONE, takeover: ALONE },
    version: goVersion("gorilla/websocket"),
  },
  {
    program: goProgram("quickws server (Go)", "quickws", "server"),
    // quickws for Go accepts no offer without `no_context_takeover`.
    agreed: {
      off: "",
      alone: `${DEFLATE}; client_no_context_takeover; server_no_context_takeover; ` +
        "client_max_window_bits=15",
      takeover: "",
    },
    version: goVersion("antlabs/quickws"),
  },
];
