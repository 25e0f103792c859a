// Tests the quickws server with other clients, the quickws client with other servers, and quickws
// with itself, all in real processes. Each pair runs the same conversation once per compression
// mode. A server or a client is one process for all of its pairs: starting it takes longer than a
// conversation.

import assert from "node:assert/strict";
import { testUnless } from "../support/need.ts";
import type { Conversation, ExpectedExtensions } from "./conversation.ts";
import { unavailableReason } from "./foreign.ts";
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
import { type Program, running } from "./processes.ts";
import { record } from "./record.ts";
import { conversationsWith, EchoServers, modesOf, portsOf } from "./servers.ts";

Deno.test("docs/interop.md has a row for every other implementation", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/interop.md", import.meta.url));
  const missing = [...CLIENTS, ...ECHOING_CLIENTS, ...SERVERS].map(nameOf)
    .filter((name) => !page.includes(`| ${name} `));
  assert.deepEqual(missing, [], "run `deno task interop`");
});

/** A server keeps running after the test that starts it. */
const OUTLIVED = { sanitizeOps: false, sanitizeResources: false };

const servers = new EchoServers();
Deno.test.afterAll(() => servers.stop());

/** Runs the conversations of a client with all servers, in one client process. */
async function testClient(
  client: Program,
  pairs: readonly (readonly [server: Program, agreed: ExpectedExtensions])[],
): Promise<void> {
  const present: (readonly [server: Program, agreed: ExpectedExtensions])[] = [];
  for (const [server, agreed] of pairs) {
    const reason = await unavailableReason(server, client);
    if (reason === undefined) present.push([server, agreed]);
    else testUnless(reason)(`${client.name} interoperates with ${server.name}`, () => {});
  }
  if (present.length === 0) return;
  testUnless(undefined)(`${client.name} interoperates with servers`, async (t) => {
    const all: Conversation[] = [];
    for (const [server, agreed] of present) {
      const ports = await servers.portsOf(server, modesOf(agreed));
      all.push(...conversationsWith(server.name, agreed, ports));
    }
    const counts = await running(client, [JSON.stringify(all)], (process) => process.report(t));
    for (const [server, agreed] of present) {
      const steps = counts.get(server.name) ?? 0;
      assert.ok(steps > 0, `no conversation with ${server.name}`);
      record({ server: server.name, client: client.name, agreed, steps });
    }
  }, OUTLIVED);
}

/** Tests a client that only echoes: the server runs the conversations, and then exits. */
async function testEchoingPair(
  server: Program,
  client: Program,
  agreed: ExpectedExtensions,
): Promise<void> {
  const test = testUnless(await unavailableReason(server, client));
  test(`${client.name} interoperates with ${server.name}`, async (t) => {
    const args = [server.name, JSON.stringify(agreed)];
    const steps = await running(server, args, async (process) => {
      const ports = await portsOf(process, modesOf(agreed));
      const urls = conversationsWith(server.name, agreed, ports)
        .flatMap(({ mode, url }) => [mode, url]);
      return await running(client, urls, () => process.report(t));
    });
    record({
      server: server.name,
      client: client.name,
      agreed,
      steps: steps.get(server.name) ?? 0,
    });
  });
}

const ownServers = (agreed: ExpectedExtensions) =>
  QUICKWS_SERVERS.map(({ program }) => [program, agreed] as const);

for (const client of QUICKWS_CLIENTS) {
  await testClient(client.program, [
    ...ownServers(BOTH_QUICKWS),
    ...SERVERS.map(({ program, agreed }) => [program, agreed] as const),
  ]);
}
for (const { program, agreed } of CLIENTS) await testClient(program, ownServers(agreed));
for (const server of CONVERSING_SERVERS) {
  for (const { program, agreed } of ECHOING_CLIENTS) {
    await testEchoingPair(server.program, program, agreed);
  }
}
