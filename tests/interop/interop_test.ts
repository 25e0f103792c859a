// Tests the quickws server with other clients, the quickws client with other servers, and quickws
// with itself, also behind proxies, all in real processes. Each pair runs the same conversation once
// per compression mode. A server or a client is one process for all of its pairs: starting it takes
// longer than a conversation.
//
// `deno task interop`, which writes docs/interop.md, runs every pair in every mode. Otherwise each
// peer runs every mode with quickws on one runtime, and one mode on the others: compression is the
// same code on all runtimes.

import assert from "node:assert/strict";
import process from "node:process";
import { missing, testUnless } from "../support/need.ts";
import { runtimeNames } from "../support/runtimes.ts";
import type { CompressionMode, Conversation, ExpectedExtensions } from "./conversation.ts";
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
import { type Program, running, RunningProgram } from "./processes.ts";
import { PROXIES, Proxies, type ProxyName } from "./proxies.ts";
import { record, RECORD_VARIABLE } from "./record.ts";
import { conversationsWith, EchoServers, modesOf, portsOf } from "./servers.ts";

Deno.test("docs/interop.md has a row for every other implementation", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/interop.md", import.meta.url));
  const missing = [...CLIENTS, ...ECHOING_CLIENTS, ...SERVERS].map(nameOf)
    .filter((name) => !page.includes(`| ${name} `));
  assert.deepEqual(missing, [], "run `deno task interop`");
});

/** Whether to run every pair in every mode. */
const ALL = process.env[RECORD_VARIABLE] !== undefined;

/** The modes of the pair of a peer and quickws on a runtime, both given by their index. */
function modesOfPair(agreed: ExpectedExtensions, peer: number, runtime: number): CompressionMode[] {
  if (ALL || peer % runtimeNames.length === runtime) return modesOf(agreed);
  return [agreed.takeover === "" ? "alone" : "takeover"];
}

/** Through a proxy, modes with the same kind of extension make no difference. */
const PROXY_MODES = ["off", "takeover"] as const;

/** The servers and proxies keep running after the test that starts them. */
const OUTLIVED = { sanitizeOps: false, sanitizeResources: false };

const servers = new EchoServers();
const proxies = new Proxies();
Deno.test.afterAll(async () => {
  await proxies.stop();
  await servers.stop();
});

/** A server that a client connects to. */
interface Target {
  readonly server: Program;
  readonly proxy?: ProxyName;
  readonly agreed: ExpectedExtensions;
  /** Starts what is not running. */
  conversations(): Promise<Conversation[]>;
}

function direct(
  server: Program,
  agreed: ExpectedExtensions,
  modes: readonly CompressionMode[],
): Target {
  return {
    server,
    agreed,
    conversations: async () => {
      const ports = await servers.portsOf(server, modesOf(agreed));
      return conversationsWith(server.name, agreed, modes, ports);
    },
  };
}

/** Returns a quickws server behind each proxy. */
function behindProxies(server: Program): Target[] {
  return PROXIES.map((proxy) => ({
    server,
    proxy,
    agreed: BOTH_QUICKWS,
    conversations: async () => {
      const ports = await servers.portsOf(server, modesOf(BOTH_QUICKWS));
      const all: Conversation[] = [];
      for (const mode of PROXY_MODES) {
        for (const secure of ALL ? [false, true] : [mode === "off"]) {
          all.push({
            peer: `${server.name} through ${proxy}`,
            mode,
            url: await proxies.urlOf(proxy, ports.get(mode)!, secure),
            agreed: BOTH_QUICKWS[mode]!,
            ca: secure ? proxies.ca : undefined,
          });
        }
      }
      return all;
    },
  }));
}

/** Runs the conversations of a client with all servers, in one client process. */
async function testClient(client: Program, targets: readonly Target[]): Promise<void> {
  const present: Target[] = [];
  for (const target of targets) {
    const { server, proxy } = target;
    const reason = (proxy && missing(proxy)) ?? await unavailableReason(server, client);
    if (reason === undefined) present.push(target);
    else {
      const through = proxy === undefined ? "" : ` through ${proxy}`;
      testUnless(reason)(`${client.name} interoperates with ${server.name}${through}`, () => {});
    }
  }
  if (present.length === 0) return;
  testUnless(undefined)(`${client.name} interoperates with servers`, async (t) => {
    const all: Conversation[] = [];
    const names = new Map<Target, string>();
    for (const target of present) {
      const conversations = await target.conversations();
      names.set(target, conversations[0]!.peer);
      all.push(...conversations);
    }
    const counts = await running(client, [JSON.stringify(all)], (process) => process.report(t));
    for (const [{ server, proxy, agreed }, name] of names) {
      const steps = counts.get(name) ?? 0;
      assert.ok(steps > 0, `no conversation with ${name}`);
      record({ server: server.name, client: client.name, proxy, agreed, steps });
    }
  }, OUTLIVED);
}

/** A client that only echoes, and the modes to test. */
interface EchoingClient {
  readonly client: Program;
  readonly agreed: ExpectedExtensions;
  readonly modes: readonly CompressionMode[];
}

/** Runs the conversations of a server with clients that only echo, in one server process. */
async function testServer(server: Program, clients: readonly EchoingClient[]): Promise<void> {
  const present: EchoingClient[] = [];
  for (const one of clients) {
    const reason = await unavailableReason(server, one.client);
    if (reason === undefined) present.push(one);
    else testUnless(reason)(`${one.client.name} interoperates with ${server.name}`, () => {});
  }
  if (present.length === 0) return;
  testUnless(undefined)(`clients that only echo interoperate with ${server.name}`, async (t) => {
    const all = present.flatMap(({ client: { name }, agreed, modes }) =>
      modes.map((mode): Conversation => ({ peer: name, mode, url: "", agreed: agreed[mode]! }))
    );
    const counts = await running(server, [JSON.stringify(all)], async (process) => {
      await using cleanUp = new AsyncDisposableStack();
      for (const { client, modes } of present) {
        const ports = await portsOf(process, modes);
        const urls = modes.flatMap((mode) => [mode, `ws://127.0.0.1:${ports.get(mode)}/`]);
        const echoing = new RunningProgram(client, ...urls);
        cleanUp.defer(() => echoing.stop());
      }
      return await process.report(t);
    });
    for (const { client, agreed } of present) {
      const steps = counts.get(client.name) ?? 0;
      assert.ok(steps > 0, `no conversation with ${client.name}`);
      record({ server: server.name, client: client.name, agreed, steps });
    }
  });
}

/** Returns the quickws servers for a client. */
function ownServers(agreed: ExpectedExtensions, client: number): Target[] {
  return QUICKWS_SERVERS.map(({ program }, runtime) =>
    direct(program, agreed, modesOfPair(agreed, client, runtime))
  );
}

for (const [runtime, client] of QUICKWS_CLIENTS.entries()) {
  await testClient(client.program, [
    ...ownServers(BOTH_QUICKWS, runtime),
    ...SERVERS.map(({ program, agreed }, server) =>
      direct(program, agreed, modesOfPair(agreed, server, runtime))
    ),
    ...behindProxies(QUICKWS_SERVERS[runtime]!.program),
  ]);
}
for (const [client, { program, agreed }] of CLIENTS.entries()) {
  await testClient(program, [
    ...ownServers(agreed, client),
    // A browser sends an Origin field, which the proxy must forward.
    ...(client === 0 ? behindProxies(QUICKWS_SERVERS[0]!.program) : []),
  ]);
}
for (const [runtime, server] of CONVERSING_SERVERS.entries()) {
  await testServer(
    server.program,
    ECHOING_CLIENTS.map(({ program: client, agreed }, index) => ({
      client,
      agreed,
      modes: modesOfPair(agreed, index, runtime),
    })),
  );
}
