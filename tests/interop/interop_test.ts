// The quickws server with other clients, the quickws client with other servers, and quickws with itself,
// all in real processes. Each pair holds the same conversation once per compression mode.

import assert from "node:assert/strict";
import {
  type Agreed,
  COMPRESSION_MODES,
  type CompressionMode,
  type Conversation,
} from "./conversation.ts";
import { testOf } from "./foreign.ts";
import {
  BOTH_QUICKWS,
  CLIENTS,
  CONVERSING_SERVERS,
  ECHOING_CLIENTS,
  nameOf,
  QUICKWS_CLIENTS,
  QUICKWS_SERVERS,
  SERVERS,
} from "./peers.ts";
import { type Program, running, type RunningProgram } from "./processes.ts";
import { record } from "./record.ts";

Deno.test("docs/interop.md has a row for every other implementation", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/interop.md", import.meta.url));
  const missing = [...CLIENTS, ...ECHOING_CLIENTS, ...SERVERS].map(nameOf)
    .filter((name) => !page.includes(`| ${name} `));
  assert.deepEqual(missing, [], "run `deno task interop`");
});

function modesOf(agreed: Agreed): CompressionMode[] {
  return COMPRESSION_MODES.filter((mode) => agreed[mode] !== undefined);
}

/** The conversations with a server that prints a port for each of the modes. */
async function conversations(server: RunningProgram, agreed: Agreed): Promise<Conversation[]> {
  const all: Conversation[] = [];
  for (const mode of modesOf(agreed)) {
    all.push({ mode, url: `ws://127.0.0.1:${await server.line()}/`, agreed: agreed[mode]! });
  }
  return all;
}

async function testPair(server: Program, client: Program, agreed: Agreed): Promise<void> {
  const test = await testOf([server, client]);
  test(`${server.name} interoperates with ${client.name}`, async (t) => {
    const steps = await running(server, modesOf(agreed), async (process) => {
      const argument = JSON.stringify(await conversations(process, agreed));
      return await running(client, [argument], (process) => process.report(t));
    });
    record({ server: server.name, client: client.name, agreed, steps });
  });
}

/** With a client that echoes, the server sends first. */
async function testEchoingPair(server: Program, client: Program, agreed: Agreed): Promise<void> {
  const test = await testOf([server, client]);
  test(`${server.name} interoperates with ${client.name}`, async (t) => {
    const steps = await running(server, [JSON.stringify(agreed)], async (process) => {
      const all = await conversations(process, agreed);
      const args = all.flatMap(({ mode, url }) => [mode, url]);
      return await running(client, args, () => process.report(t));
    });
    record({ server: server.name, client: client.name, agreed, steps });
  });
}

for (const server of QUICKWS_SERVERS) {
  for (const client of QUICKWS_CLIENTS) {
    await testPair(server.program, client.program, BOTH_QUICKWS);
  }
  for (const { program, agreed } of CLIENTS) await testPair(server.program, program, agreed);
}
for (const server of CONVERSING_SERVERS) {
  for (const { program, agreed } of ECHOING_CLIENTS) {
    await testEchoingPair(server.program, program, agreed);
  }
}
for (const { program, agreed } of SERVERS) {
  for (const client of QUICKWS_CLIENTS) await testPair(program, client.program, agreed);
}
