// Runs the interop tests and writes the results to docs/interop.md, with the versions of all peers:
// deno task interop

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { COMPRESSION_MODES, type ExpectedExtensions } from "./conversation.ts";
import {
  bunVersion,
  CLIENTS,
  CONVERSING_SERVERS,
  denoVersion,
  ECHOING_CLIENTS,
  nameOf,
  nodeVersion,
  type Peer,
  QUICKWS_CLIENTS,
  QUICKWS_SERVERS,
  type QuickwsProgram,
  SERVERS,
} from "./peers.ts";
import { RECORD_VARIABLE, type Result } from "./record.ts";

const target = fileURLToPath(new URL("../../docs/interop.md", import.meta.url));
const runtimes = QUICKWS_SERVERS.map(({ runtime }) =>
  `on ${runtime[0]!.toUpperCase()}${runtime.slice(1)}`
);

async function run(): Promise<Result[]> {
  const path = await Deno.makeTempFile();
  try {
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--allow-all", fileURLToPath(new URL(".", import.meta.url))],
      env: { [RECORD_VARIABLE]: path },
    }).spawn().status;
    if (!success) throw new Error("The tests failed; docs/interop.md was not changed");
    const lines = (await Deno.readTextFile(path)).trim().split("\n");
    return lines.map((line) => JSON.parse(line));
  } finally {
    await Deno.remove(path);
  }
}

/** Formats a Markdown table. `deno fmt` aligns the columns. */
function table(head: string[], rows: string[][]): string {
  const lines = [head, head.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Lists the negotiated kinds of compression. */
function kinds(agreed: ExpectedExtensions): string {
  const came = COMPRESSION_MODES.filter((mode) =>
    agreed[mode] && (mode === "alone" || agreed[mode] !== agreed.alone)
  );
  return came.join(", ") || "none";
}

/** Returns the cell of a pair: the number of passed steps. */
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
  servers: readonly QuickwsProgram[],
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
    ...QUICKWS_CLIENTS.map(({ program }) =>
      cell(results, { server: peer.program.name, client: program.name })
    ),
    kinds(peer.agreed),
  ]);
}

function quickwsRows(results: readonly Result[]): string[][] {
  return QUICKWS_CLIENTS.map(({ program: { name: client } }) => [
    client,
    ...QUICKWS_SERVERS.map(({ program }) => cell(results, { server: program.name, client })),
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
  const peerHead = ["version", ...runtimes, "negotiated compression"];
  const all = results.reduce((sum, { steps }) => sum + steps, 0);
  return `# Interoperability

\`deno task interop\` writes this page. It runs the tests in \`tests/interop\` and stops at the first failure.
\`deno task test\` runs the same pairs, but every mode of a pair only with quickws on one of the runtimes.

Each pair of programs runs in separate processes. It runs the same conversation without compression and with
each kind of compression that both programs support. The conversation contains text and binary messages of every
header size, empty messages and messages of 256 KiB, a hundred messages in a row, and a closing handshake started
by each side. It also contains fragments and pings in both directions if the library can send them, and it checks
the negotiated extensions. Each number is the count of steps; all ${all} steps passed.

The kinds of compression (RFC 7692) are \`alone\`, each message separately; \`takeover\`, with context
takeover; and \`windows\`, with context takeover and windows of 9 bits.

Runtime versions: Deno ${denoVersion()}, Bun ${bunVersion()} and Node ${nodeVersion()}.

## Other clients, quickws server

${
    table(["client", ...peerHead], [
      ...clientRows(results, QUICKWS_SERVERS, CLIENTS),
      ...clientRows(results, CONVERSING_SERVERS, ECHOING_CLIENTS),
    ])
  }

## quickws client, other servers

${table(["server", ...peerHead], serverRows(results))}

## quickws client, quickws server

${table(["", ...QUICKWS_SERVERS.map(({ program }) => program.name)], quickwsRows(results))}

## Behind a proxy

Each pair runs with plain \`ws://\` and with TLS terminated by the proxy, each without compression and with
takeover. The proxy configurations are in \`tests/support/reverse_proxies.ts\`.

${table(["proxy", "version", "server", "client", "steps"], proxyRows(results))}
`;
}

await Deno.writeTextFile(target, page(await run()));
execFileSync(Deno.execPath(), ["fmt", "--quiet", target]);
