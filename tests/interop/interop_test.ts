// Our server with other clients, our client with other servers, and the two with each other, all in
// real processes: each pair holds the same conversation without compression and with each kind of it.

import assert from "node:assert/strict";
import {
  type Agreed,
  COMPRESSION_MODES,
  type CompressionMode,
  type Conversation,
} from "./conversation.ts";
import { prepare } from "./foreign.ts";
import {
  CLIENTS,
  CONVERSING_SERVERS,
  ECHOING_CLIENTS,
  nameOf,
  OUR_CLIENTS,
  OUR_SERVERS,
  OURS_WITH_OURS,
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

Deno.test("what the others need is there", prepare);

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

function testPair(server: Program, client: Program, agreed: Agreed): void {
  Deno.test(`${server.name} and ${client.name} understand each other`, async (t) => {
    const steps = await running(server, modesOf(agreed), async (process) => {
      const argument = JSON.stringify(await conversations(process, agreed));
      return await running(client, [argument], (process) => process.report(t));
    });
    record({ server: server.name, client: client.name, agreed, steps });
  });
}

/** With a client that echoes, it is the server that speaks first. */
function testEchoingPair(server: Program, client: Program, agreed: Agreed): void {
  Deno.test(`${server.name} and ${client.name} understand each other`, async (t) => {
    const steps = await running(server, [JSON.stringify(agreed)], async (process) => {
      const all = await conversations(process, agreed);
      const args = all.flatMap(({ mode, url }) => [mode, url]);
      return await running(client, args, () => process.report(t));
    });
    record({ server: server.name, client: client.name, agreed, steps });
  });
}

for (const server of OUR_SERVERS) {
  for (const client of OUR_CLIENTS) testPair(server.program, client.program, OURS_WITH_OURS);
  for (const { program, agreed } of CLIENTS) testPair(server.program, program, agreed);
}
for (const server of CONVERSING_SERVERS) {
  for (const { program, agreed } of ECHOING_CLIENTS) {
    testEchoingPair(server.program, program, agreed);
  }
}
for (const { program, agreed } of SERVERS) {
  for (const client of OUR_CLIENTS) testPair(program, client.program, agreed);
}
