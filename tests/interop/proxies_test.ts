// The quickws server behind nginx and haproxy, with plain HTTP and with TLS that the proxy
// terminates.

import { makeCertificates } from "../support/certificates.ts";
import { type ReverseProxyOptions, startHaproxy, startNginx } from "../support/reverse_proxies.ts";
import type { Conversation } from "./conversation.ts";
import { testOf } from "./foreign.ts";
import { BOTH_QUICKWS, CLIENTS, QUICKWS_CLIENTS, QUICKWS_SERVERS } from "./peers.ts";
import { type Program, running } from "./processes.ts";
import { record } from "./record.ts";

const PROXIES = { nginx: startNginx, haproxy: startHaproxy };

/** With and without compression; a proxy does not distinguish the other modes. */
const MODES = ["off", "takeover"] as const;

const AGREED = { off: BOTH_QUICKWS.off!, takeover: BOTH_QUICKWS.takeover! };

const certificates = makeCertificates();

/** Plain HTTP and TLS. */
const WAYS: readonly Pick<ReverseProxyOptions, "certificates">[] = [{}, { certificates }];

async function testThrough(
  proxy: keyof typeof PROXIES,
  server: Program,
  client: Program,
): Promise<void> {
  const test = await testOf([server, client], proxy);
  test(`${server.name} interoperates with ${client.name} through ${proxy}`, async (t) => {
    await using cleanUp = new AsyncDisposableStack();
    const directory = await Deno.makeTempDir();
    cleanUp.defer(() => Deno.remove(directory, { recursive: true }));
    const scope = {
      directory,
      after: (last: () => void | Promise<void>) => cleanUp.defer(async () => await last()),
    };
    const steps = await running(server, MODES, async (process) => {
      const conversations: Conversation[] = [];
      for (const mode of MODES) {
        const to = Number(await process.line());
        for (const way of WAYS) {
          const { port } = await PROXIES[proxy](scope, { to, ...way });
          const secure = way.certificates !== undefined;
          conversations.push({
            mode,
            url: `${secure ? "wss" : "ws"}://127.0.0.1:${port}/`,
            agreed: AGREED[mode],
            ca: secure ? certificates.ca : undefined,
          });
        }
      }
      const argument = JSON.stringify(conversations);
      return await running(client, [argument], (process) => process.report(t));
    });
    record({ server: server.name, client: client.name, proxy, agreed: AGREED, steps });
  });
}

for (const proxy of Object.keys(PROXIES) as Array<keyof typeof PROXIES>) {
  for (const [i, server] of QUICKWS_SERVERS.entries()) {
    await testThrough(proxy, server.program, QUICKWS_CLIENTS[i]!.program);
  }
  // A browser sends an Origin field, which the proxy must forward.
  await testThrough(proxy, QUICKWS_SERVERS[0]!.program, CLIENTS[0]!.program);
}
