// Compressed conversations in real processes, in both roles, with and without context takeover: our
// server with other clients, our client with other servers. What has to be agreed on stands here.

import { runtimeNames } from "../support/runtimes.ts";
import {
  type CompressedConversation,
  COMPRESSION_MODES,
  type CompressionMode,
} from "./conversation.ts";
import { chromiumProgram, gorillaProgram, pythonProgram } from "./foreign.ts";
import { type Program, program, running, type RunningProgram } from "./processes.ts";

/** The extensions that are agreed on in each mode; a mode that is missing is not to be had. */
type Agreed = Partial<Record<CompressionMode, string>>;

const DEFLATE = "permessage-deflate";
const ALONE = `${DEFLATE}; server_no_context_takeover; client_no_context_takeover`;
const WINDOWS = `${DEFLATE}; server_max_window_bits=9; client_max_window_bits=9`;

const OUR_SERVERS = runtimeNames.map((runtime) => program("our server", runtime, "server_quickws"));
const OUR_CLIENTS = runtimeNames.map((runtime) => program("our client", runtime, "client_quickws"));
const CONVERSING_SERVERS = runtimeNames.map((runtime) =>
  program("our server", runtime, "server_conversing")
);

/** Our answer to a client that knows windows. */
const OUR_ANSWERS: Agreed = {
  alone: ALONE,
  takeover: `${DEFLATE}; client_max_window_bits=12`,
  windows: WINDOWS,
};

const CLIENTS: readonly [Program, Agreed][] = [
  [program("the client of ws", "node", "client_ws"), OUR_ANSWERS],
  [program("the client of undici", "node", "client_undici"), OUR_ANSWERS],
  [program("Bun's WebSocket", "bun", "client_web"), OUR_ANSWERS],
  [program("Deno's WebSocket", "deno", "client_web"), { alone: "", takeover: "", windows: "" }],
  [chromiumProgram("the WebSocket of Chromium"), OUR_ANSWERS],
];

const SERVERS: readonly [Program, Agreed][] = [
  [program("the server of ws", "node", "server_ws"), {
    alone: ALONE,
    takeover: DEFLATE,
    windows: WINDOWS,
  }],
  [program("Bun.serve", "bun", "server_bun"), {
    alone: `${DEFLATE}; client_no_context_takeover; server_no_context_takeover`,
    takeover: DEFLATE,
    windows: `${DEFLATE}; client_max_window_bits=9; server_max_window_bits=9`,
  }],
  [program("Deno.upgradeWebSocket", "deno", "server_deno"), {
    alone: "",
    takeover: "",
    windows: "",
  }],
  [pythonProgram("the server of Python websockets", "server"), {
    alone: ALONE,
    takeover: DEFLATE,
    windows: WINDOWS,
  }],
  [gorillaProgram("the server of gorilla", "server"), { alone: ALONE, takeover: ALONE }],
];

/** Clients that only echo, so that the server has to hold the conversation. */
const ECHOING_CLIENTS: readonly [(mode: CompressionMode) => Program, Agreed][] = [
  [(mode) => pythonProgram("the client of Python websockets", "client", mode), OUR_ANSWERS],
  [() => gorillaProgram("the client of gorilla", "client"), { alone: ALONE, takeover: ALONE }],
];

/** The conversations with a server that prints a port for each of the modes. */
async function conversations(
  server: RunningProgram,
  modes: readonly CompressionMode[],
  agreed: Agreed,
): Promise<string> {
  const all: CompressedConversation[] = [];
  for (const mode of modes) {
    const url = `ws://127.0.0.1:${await server.line()}/`;
    all.push({ mode, url, agreed: agreed[mode]! });
  }
  return JSON.stringify(all);
}

function modesOf(agreed: Agreed): CompressionMode[] {
  return COMPRESSION_MODES.filter((mode) => agreed[mode] !== undefined);
}

function testPair(server: Program, client: Program, agreed: Agreed): void {
  Deno.test(`compression between ${server.name} and ${client.name}`, async (t) => {
    const modes = modesOf(agreed);
    await running(server, modes, async (process) => {
      const argument = await conversations(process, modes, agreed);
      await running(client, [argument], (process) => process.report(t));
    });
  });
}

for (const server of OUR_SERVERS) {
  for (const [client, agreed] of CLIENTS) testPair(server, client, agreed);
}

for (const [server, agreed] of SERVERS) {
  for (const client of OUR_CLIENTS) testPair(server, client, agreed);
}

for (const server of CONVERSING_SERVERS) {
  for (const [client, agreed] of ECHOING_CLIENTS) {
    for (const mode of modesOf(agreed)) {
      const name = `compression between ${server.name} and ${client(mode).name}, ${mode}`;
      Deno.test(name, async (t) => {
        await running(server, [mode, agreed[mode]!], async (process) => {
          const url = `ws://127.0.0.1:${await process.line()}/`;
          await running(client(mode), [url], () => process.report(t));
        });
      });
    }
  }
}
