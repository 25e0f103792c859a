// Runs the interop tests and writes what they found into docs/interop.md, with the versions that they
// were run with: deno task interop

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Agreed, COMPRESSION_MODES } from "./conversation.ts";
import {
  bunVersion,
  CLIENTS,
  CONVERSING_SERVERS,
  denoVersion,
  ECHOING_CLIENTS,
  nameOf,
  nodeVersion,
  OUR_CLIENTS,
  OUR_SERVERS,
  type OurProgram,
  type Peer,
  SERVERS,
} from "./peers.ts";
import { RECORD_VARIABLE, type Result } from "./record.ts";

const target = fileURLToPath(new URL("../../docs/interop.md", import.meta.url));
const runtimes = OUR_SERVERS.map(({ runtime }) =>
  `on ${runtime[0]!.toUpperCase()}${runtime.slice(1)}`
);

async function run(): Promise<Result[]> {
  const path = await Deno.makeTempFile();
  try {
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--allow-all", fileURLToPath(new URL(".", import.meta.url))],
      env: { [RECORD_VARIABLE]: path },
    }).spawn().status;
    if (!success) throw new Error("The tests failed; docs/interop.md stays as it is");
    const lines = (await Deno.readTextFile(path)).trim().split("\n");
    return lines.map((line) => JSON.parse(line));
  } finally {
    await Deno.remove(path);
  }
}

/** A table in Markdown; `deno fmt` makes its columns straight. */
function table(head: string[], rows: string[][]): string {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** The kinds of compression that came about; who cannot take over is as if alone. */
function kinds(agreed: Agreed): string {
  const came = COMPRESSION_MODES.filter((mode) =>
    agreed[mode] && (mode === "alone" || agreed[mode] !== agreed.alone)
  );
  return came.join(", ") || "none";
}

/** The cell of a pair: how many steps it took without a fault. */
function cell(results: readonly Result[], wanted: Partial<Result>): string {
  const { server, client, proxy } = wanted;
  const result = results.find((one) =>
    one.server === server && one.client === client && one.proxy === proxy
  );
  if (result === undefined) throw new Error(`No result of ${server} with ${client}`);
  return String(result.steps);
}

function clientRows(
  results: readonly Result[],
  servers: readonly OurProgram[],
  clients: readonly Peer[],
): string[][] {
  return clients.map((peer) => [
    nameOf(peer),
    peer.version(),
    ...servers.map(({ program }) =>
      cell(results, { server: program.name, client: peer.program.name })
    ),
    kinds(peer.agreed),
  ]);
}

function serverRows(results: readonly Result[]): string[][] {
  return SERVERS.map((peer) => [
    nameOf(peer),
    peer.version(),
    ...OUR_CLIENTS.map(({ program }) =>
      cell(results, { server: peer.program.name, client: program.name })
    ),
    kinds(peer.agreed),
  ]);
}

function ourRows(results: readonly Result[]): string[][] {
  return OUR_CLIENTS.map(({ program: { name: client } }) => [
    client,
    ...OUR_SERVERS.map(({ program }) => cell(results, { server: program.name, client })),
  ]);
}

function proxyRows(results: readonly Result[]): string[][] {
  const versions = {
    nginx: execFileSync("sh", ["-c", "/usr/sbin/nginx -v 2>&1"], { encoding: "utf8" }),
    haproxy: execFileSync("/usr/sbin/haproxy", ["-v"], { encoding: "utf8" }),
  };
  return results.filter(({ proxy }) => proxy !== undefined).map((
    { proxy, server, client, steps },
  ) => [
    proxy!,
    /\d+\.\d+\.\d+/.exec(versions[proxy as keyof typeof versions])![0],
    server,
    client,
    String(steps),
  ]);
}

function page(results: readonly Result[]): string {
  const peerHead = ["version", ...runtimes, "compression agreed on"];
  const all = results.reduce((sum, { steps }) => sum + steps, 0);
  return `# Interoperability

Written by \`deno task interop\`, which runs the tests in \`tests/interop\` and stops where one fails.

Each pair of programs, in processes of their own, holds the same conversation once without
compression and once with each kind of it that the two can agree on. In it go texts and bytes of every
length a header can have, empty ones and such of 1 MiB, a hundred messages in a row, fragments both
ways and pings where the library can send them, and the closing handshake begun by either side. It also
looks at what was agreed on. A number says how many steps that took; all ${all} of them passed.

The kinds of compression (RFC 7692) are \`alone\`, each message alone; \`takeover\`, messages that
refer to those before them; and \`windows\`, the same within windows of 9 bits.

This was with Deno ${denoVersion()}, Bun ${bunVersion()} and Node ${nodeVersion()}.

## Other clients, our server

${
    table(["client", ...peerHead], [
      ...clientRows(results, OUR_SERVERS, CLIENTS),
      ...clientRows(results, CONVERSING_SERVERS, ECHOING_CLIENTS),
    ])
  }

## Our client, other servers

${table(["server", ...peerHead], serverRows(results))}

## Our client, our server

${table(["", ...OUR_SERVERS.map(({ program }) => program.name)], ourRows(results))}

## Behind a proxy

Each with plain \`ws://\` and with TLS that ends at the proxy, each without compression and with takeover.
The proxies' configurations are in \`tests/support/reverse_proxies.ts\`.

${table(["proxy", "version", "server", "client", "steps"], proxyRows(results))}
`;
}

await Deno.writeTextFile(target, page(await run()));
execFileSync(Deno.execPath(), ["fmt", "--quiet", target]);
