// The servers under siege, as programs: ours with the settings of docs/guide/security.md, taken from the code
// block of that page; ours with the defaults and compression; and a peer of each runtime.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { builtForNode } from "../support/node_build.ts";
import { bunPath, nodePath, type RuntimeName } from "../support/runtimes.ts";
import { root } from "../project/source_files.ts";

/** What is under siege: ours with the page's settings, ours with defaults and compression, or a peer. */
export type ServerKind = "page" | "defaults" | "peer";

/** The names of the peers. */
export const peers = { deno: "Deno.serve", bun: "Bun.serve", node: "ws" } as const;

const HANDLER = "  message: (conn, data) => conn.send(data),\n";

const PRINT_PORT = "console.log(server.port);\n";

/** The first code block of the page about security. */
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

const PEERS = {
  node: `import { WebSocketServer } from "ws";
const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: true, maxPayload: 16777216 });
server.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
server.on("listening", () => console.log(server.address().port));
`,
  bun: `const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request, server) => server.upgrade(request) ? undefined : new Response("", { status: 400 }),
  websocket: { perMessageDeflate: true, message: (socket, data) => void socket.send(data) },
});
console.log(server.port);
`,
  deno: `Deno.serve({
  port: 0,
  hostname: "127.0.0.1",
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

/** The program of a server. It prints its port, and runs until it is ended. */
function programOf(runtime: RuntimeName, kind: ServerKind, reads: boolean): string {
  if (kind === "peer") return PEERS[runtime];
  const code = (kind === "page" ? pageSettings() : DEFAULTS) + PRINT_PORT;
  return reads ? code : code.replace(HANDLER, "");
}

/** How to start a server. */
export function serverCommand(
  runtime: RuntimeName,
  kind: ServerKind,
  reads: boolean,
): Deno.Command {
  const built = builtForNode(join(root, "mod.ts"));
  const name = `${runtime}-${kind}-${reads ? "echo" : "unread"}.${
    runtime === "node" ? "mjs" : "ts"
  }`;
  // Next to the built library, which has its name there; Deno knows the name from deno.json.
  const folder = runtime === "deno" ? join(root, ".build", "siege") : join(built, "..", "siege");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, programOf(runtime, kind, reads));
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
