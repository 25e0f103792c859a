// The programs of the attacked servers: quickws with the settings in the code block of
// docs/guide/security.md, quickws with the defaults and compression, and a peer on each runtime.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { builtForNode } from "../support/node_build.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { bunPath, nodePath, type RuntimeName } from "../support/runtimes.ts";
import { root } from "../project/source_files.ts";

/**
 * The attacked server: quickws with the page's settings, quickws with the defaults and compression,
 * or a peer.
 */
export type ServerKind = "page" | "defaults" | "peer";

/** The behavior of a server. */
export type ServerRole = "echo" | "unread" | "tls" | "topics";

/** The names of the peers. */
export const peers = { deno: "Deno.serve", bun: "Bun.serve", node: "ws" } as const;

const HANDLER = "  message: (conn, data) => conn.send(data),\n";

const PRINT_PORT = "console.log(server.port);\n";

/** Returns the first code block of docs/guide/security.md. */
function pageSettings(): string {
  const page = readFileSync(join(root, "docs/guide/security.md"), "utf8");
  const code = /^```ts\n([^]*?)^```$/m.exec(page)?.[1];
  assert.ok(
    code !== undefined && code.includes(HANDLER),
    "docs/guide/security.md has no server with a message handler",
  );
  return code.replace("port: 8080", "port: 0").replace('hostname: "0.0.0.0",\n', "\n");
}

const DEFAULTS = `import { serve } from "@quickws/quickws";
const server = await serve({
  port: 0,
  compression: true,
${HANDLER}});
`;

/** The code of quickws for each role: in the options, before them and after them. */
const ROLES = {
  echo: { options: "", before: "", behind: "" },
  unread: { options: "", before: "", behind: "" },
  tls: { options: "  tls: TLS,\n", before: "", behind: "" },
  topics: {
    options: `  clientTopics: { allow: () => true },
  backplane: broker.backplane(),
  history: { maxAge: 600_000, maxMessages: 1000 },
`,
    before: `import { FakeBroker } from "SUPPORT/fake_broker.EXT";
import { FakeHistory } from "SUPPORT/fake_history.EXT";
const broker = new FakeBroker(true, new FakeHistory());
`,
    behind: `for (let i = 0; i < 500; i++) server.publish("news", "x".repeat(1000));
`,
  },
} as const;

/**
 * The settings of a peer: the same as those of quickws, as far as the peer supports them.
 */
interface PeerSettings {
  /** The certificate and key, as code. */
  readonly tls: string | undefined;
  readonly isCompressed: boolean;
  readonly maxMessageSize: number;
}

/** Returns the value of `maxBufferedAmount`: that of the page, or the default. */
function bufferLimit({ isCompressed }: PeerSettings): number {
  return isCompressed ? 67_108_864 : 1_048_576;
}

const PEERS: Record<RuntimeName, (settings: PeerSettings) => string> = {
  node: ({ tls, isCompressed, maxMessageSize }) =>
    `import { WebSocketServer } from "ws";
import { createServer } from "${tls === undefined ? "node:http" : "node:https"}";
const http = createServer(${tls ?? "{}"});
const server = new WebSocketServer({ server: http, perMessageDeflate: ${isCompressed}, maxPayload: ${maxMessageSize} });
http.on("tlsClientError", () => {});
server.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
http.listen(0, "127.0.0.1", () => console.log(http.address().port));
`,
  bun: (settings) =>
    `const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  ${settings.tls === undefined ? "" : `tls: ${settings.tls},`}
  fetch: (request, server) => server.upgrade(request) ? undefined : new Response("", { status: 400 }),
  websocket: {
    perMessageDeflate: ${settings.isCompressed},
    maxPayloadLength: ${settings.maxMessageSize},
    backpressureLimit: ${bufferLimit(settings)},
    closeOnBackpressureLimit: true,
    message: (socket, data) => void socket.send(data),
  },
});
console.log(server.port);
`,
  // Deno.serve has no configurable limits.
  deno: ({ tls }) =>
    `Deno.serve({
  port: 0,
  hostname: "127.0.0.1",
  ${tls === undefined ? "" : `...${tls},`}
  onListen: ({ port }) => console.log(port),
}, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => socket.readyState === WebSocket.OPEN && socket.send(data);
  socket.onerror = () => {};
  return response;
});
`,
};

let certificates: Certificates | undefined;

/** Returns the certificate and key as code. */
function tlsCode(): string {
  const { cert, key } = certificates ??= makeCertificates();
  return JSON.stringify({ cert, key });
}

/** Returns the program of a server. It prints its port and runs until it is killed. */
function programOf(
  runtime: RuntimeName,
  kind: ServerKind,
  role: ServerRole,
  isCompressed: boolean,
): string {
  if (kind === "peer") {
    const tls = role === "tls" ? tlsCode() : undefined;
    const maxMessageSize = isCompressed ? 16_777_216 : 65_536;
    return PEERS[runtime]({ tls, isCompressed, maxMessageSize });
  }
  const { options, before, behind } = ROLES[role];
  const handler = role === "unread" ? "" : HANDLER;
  const code = (kind === "page" ? pageSettings() : DEFAULTS).replace(
    HANDLER,
    () => (handler + options).replace("TLS", tlsCode),
  );
  const [folder, extension] = runtime === "deno"
    ? ["../../tests/support", "ts"]
    : ["../tests/support", "js"];
  return before.replaceAll("SUPPORT", folder).replaceAll("EXT", extension) + code + behind +
    PRINT_PORT;
}

/**
 * Returns the command that starts a server.
 *
 * @param isCompressed Whether the attack uses compressed messages, so that the peer must accept
 * them.
 */
export function serverCommand(
  runtime: RuntimeName,
  kind: ServerKind,
  role: ServerRole,
  isCompressed: boolean,
): Deno.Command {
  const built = builtForNode(join(root, "mod.ts"));
  const name = `${runtime}-${kind}-${role}.${runtime === "node" ? "mjs" : "ts"}`;
  // Next to the built library, where Node and Bun find it by name; Deno finds it through deno.json.
  const folder = runtime === "deno" ? join(root, ".build", "siege") : join(built, "..", "siege");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, programOf(runtime, kind, role, isCompressed));
  const [program, args] = runtime === "deno"
    ? [Deno.execPath(), ["run", "--quiet", "--no-lock", "--no-check", "--allow-all", path]] as const
    : [runtime === "bun" ? bunPath() : nodePath(), [path]] as const;
  return new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}
