// Tests the quickws server behind nginx and haproxy, with plain HTTP and with TLS terminated by the
// proxy.

import assert from "node:assert/strict";
import { makeCertificates } from "../support/certificates.ts";
import { missing, testUnless } from "../support/need.ts";
import { type ReverseProxyOptions, startHaproxy, startNginx } from "../support/reverse_proxies.ts";
import type { Conversation } from "./conversation.ts";
import { unavailableReason } from "./foreign.ts";
import { BOTH_QUICKWS, CLIENTS, QUICKWS_CLIENTS, QUICKWS_SERVERS } from "./peers.ts";
import { type Program, running } from "./processes.ts";
import { record } from "./record.ts";
import { portsOf } from "./servers.ts";

const PROXIES = { nginx: startNginx, haproxy: startHaproxy };

/** With and without compression. To a proxy, the other modes make no difference. */
const MODES = ["off", "takeover"] as const;

const AGREED = { off: BOTH_QUICKWS.off!, takeover: BOTH_QUICKWS.takeover! };

const certificates = makeCertificates();

/** Plain HTTP and TLS. */
const WAYS: readonly Pick<ReverseProxyOptions, "certificates">[] = [{}, { certificates }];

/** Runs the conversations of a client through all proxies, in one client process. */
async function testThroughProxies(server: Program, client: Program): Promise<void> {
  const proxies: (keyof typeof PROXIES)[] = [];
  for (const proxy of Object.keys(PROXIES) as (keyof typeof PROXIES)[]) {
    const reason = missing(proxy) ?? await unavailableReason(server, client);
    if (reason === undefined) proxies.push(proxy);
    else testUnless(reason)(`${client.name} reaches ${server.name} through ${proxy}`, () => {});
  }
  if (proxies.length === 0) return;
  testUnless(undefined)(`${client.name} reaches ${server.name} through proxies`, async (t) => {
    await using cleanUp = new AsyncDisposableStack();
    const directory = await Deno.makeTempDir();
    cleanUp.defer(() => Deno.remove(directory, { recursive: true }));
    const scope = {
      directory,
      after: (last: () => void | Promise<void>) => cleanUp.defer(async () => await last()),
    };
    const name = (proxy: string): string => `${server.name} through ${proxy}`;
    const counts = await running(server, MODES, async (process) => {
      const ports = await portsOf(process, MODES);
      const conversations: Conversation[] = [];
      for (const proxy of proxies) {
        for (const mode of MODES) {
          for (const way of WAYS) {
            const { port } = await PROXIES[proxy](scope, { to: Number(ports.get(mode)), ...way });
            const secure = way.certificates !== undefined;
            conversations.push({
              server: name(proxy),
              mode,
              url: `${secure ? "wss" : "ws"}://127.0.0.1:${port}/`,
              agreed: AGREED[mode],
              ca: secure ? certificates.ca : undefined,
            });
          }
        }
      }
      const argument = JSON.stringify(conversations);
      return await running(client, [argument], (process) => process.report(t));
    });
    for (const proxy of proxies) {
      const steps = counts.get(name(proxy)) ?? 0;
      assert.ok(steps > 0, `no conversation through ${proxy}`);
      record({ server: server.name, client: client.name, proxy, agreed: AGREED, steps });
    }
  });
}

for (const [i, server] of QUICKWS_SERVERS.entries()) {
  await testThroughProxies(server.program, QUICKWS_CLIENTS[i]!.program);
}
// A browser sends an Origin field, which the proxy must forward.
await testThroughProxies(QUICKWS_SERVERS[0]!.program, CLIENTS[0]!.program);
