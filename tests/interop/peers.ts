// Who talks to whom, and the extensions that have to be agreed on in each mode.

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
  /** What was tested, once everything is prepared. */
  readonly version: () => string;
}

/** Our own program on one of the runtimes. */
export interface OurProgram {
  readonly runtime: RuntimeName;
  readonly program: Program;
}

/** A peer's name; where it runs goes without saying or is in the version. */
export function nameOf({ program }: Peer): string {
  return program.name.replace(/ on (deno|bun|node)$/, "");
}

function ours(what: string, module: string): OurProgram[] {
  return runtimeNames.map((runtime) => ({ runtime, program: program(what, runtime, module) }));
}

/** Echo. */
export const OUR_SERVERS: readonly OurProgram[] = ours("our server", "server_quickws");
/** Hold the conversation. */
export const OUR_CLIENTS: readonly OurProgram[] = ours("our client", "client_quickws");
/** Hold the conversation with clients that echo. */
export const CONVERSING_SERVERS: readonly OurProgram[] = ours("our server", "server_conversing");

const DEFLATE = "permessage-deflate";
const ALONE = `${DEFLATE}; server_no_context_takeover; client_no_context_takeover`;
const WINDOWS = `${DEFLATE}; server_max_window_bits=9; client_max_window_bits=9`;

/** Our answer to a client that knows windows. */
const OUR_ANSWERS: Agreed = {
  off: "",
  alone: ALONE,
  takeover: `${DEFLATE}; client_max_window_bits=12`,
  windows: WINDOWS,
};

/** What our two sides agree on. */
export const OURS_WITH_OURS: Agreed = OUR_ANSWERS;

/** With one that has no compression. */
const NOTHING: Agreed = { off: "", alone: "", takeover: "", windows: "" };

function said(command: string, ...args: string[]): string {
  return execFileSync(command, args, { encoding: "utf8" }).trim();
}

/** The version of Bun. */
export const bunVersion = (): string => said(bunPath(), "--version");
/** The version of Deno. */
export const denoVersion = (): string => Deno.version.deno;
/** The version of Node. */
export const nodeVersion = (): string => said(nodePath(), "--version").slice(1);

function npmVersion(name: "ws" | "undici"): string {
  return config.imports[name].replace(/^npm:.*@/, "");
}

const onNode = (name: "ws" | "undici") => (): string =>
  `${npmVersion(name)} on Node ${nodeVersion()}`;

const chromiumVersion = (): string => said("/usr/bin/chromium", "--version").split(" ")[1]!;

const pythonVersion = (): string => `${PYTHON_WEBSOCKETS} on ${said("python3", "--version")}`;

function goVersion(module: string): () => string {
  return () => {
    const mod = readFileSync(new URL("programs/go/go.mod", import.meta.url), "utf8");
    const version = new RegExp(`${module} v(\\S+)`).exec(mod)![1];
    return `${version} on Go ${said("go", "env", "GOVERSION").slice(2)}`;
  };
}

/** Clients that hold the conversation. */
export const CLIENTS: readonly Peer[] = [
  {
    program: chromiumProgram("the WebSocket of Chromium"),
    agreed: OUR_ANSWERS,
    version: chromiumVersion,
  },
  {
    program: program("the client of ws", "node", "client_ws"),
    agreed: OUR_ANSWERS,
    version: onNode("ws"),
  },
  {
    program: program("the client of undici", "node", "client_undici"),
    agreed: OUR_ANSWERS,
    version: onNode("undici"),
  },
  {
    program: program("the WebSocket of Deno", "deno", "client_web"),
    agreed: NOTHING,
    version: denoVersion,
  },
  {
    program: program("the WebSocket of Bun", "bun", "client_web"),
    agreed: OUR_ANSWERS,
    version: bunVersion,
  },
];

/** Clients that only echo, so that the server has to hold the conversation. */
export const ECHOING_CLIENTS: readonly Peer[] = [
  {
    program: pythonProgram("the client of Python websockets", "client"),
    agreed: OUR_ANSWERS,
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
    agreed: NOTHING,
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
    // It takes no offer without `no_context_takeover`.
    agreed: {
      off: "",
      alone: `${DEFLATE}; client_no_context_takeover; server_no_context_takeover; ` +
        "client_max_window_bits=15",
      takeover: "",
    },
    version: goVersion("antlabs/quickws"),
  },
];
