// Our server behind nginx and haproxy, which pass plain HTTP on or end TLS: the same conversations.

import { makeCertificates } from "../support/certificates.ts";
import { type ReverseProxyOptions, startHaproxy, startNginx } from "../support/reverse_proxies.ts";
import type { Conversation } from "./conversation.ts";
import { prepare } from "./foreign.ts";
import { CLIENTS, OUR_CLIENTS, OUR_SERVERS, OURS_WITH_OURS } from "./peers.ts";
import { type Program, running } from "./processes.ts";
import { record } from "./record.ts";

const PROXIES = { nginx: startNginx, haproxy: startHaproxy };

/** With compression and without: more kinds of it make no difference to a proxy. */
const MODES = ["off", "takeover"] as const;

const AGREED = { off: OURS_WITH_OURS.off!, takeover: OURS_WITH_OURS.takeover! };

const certificates = makeCertificates();

/** A server for each mode, and the way there with each scheme. */
const WAYS: readonly Pick<ReverseProxyOptions, "certificates">[] = [{}, { certificates }];

Deno.test("what the others need is there", prepare);

function testThrough(proxy: keyof typeof PROXIES, server: Program, client: Program): void {
  Deno.test(`${server.name} and ${client.name} through ${proxy}, with and without TLS`, async (t) => {
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
  OUR_SERVERS.forEach((server, i) => testThrough(proxy, server.program, OUR_CLIENTS[i]!.program));
  // What browsers say of where a page is from has to come through as well.
  testThrough(proxy, OUR_SERVERS[0]!.program, CLIENTS[0]!.program);
}
