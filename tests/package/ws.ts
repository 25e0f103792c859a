// Tests the package `@quickws/ws` as a replacement for `ws`: installed under the name `ws`, as
// overrides do, and loaded with `require` and `import` on the three runtimes, with its types.

import assert from "node:assert/strict";
import { join } from "node:path";
import { root } from "../project/source_files.ts";
import { bunPath, nodePath } from "../support/runtimes.ts";
import { NAMES } from "../../ws/npm-build.ts";
import { nodePrinted, printed } from "./run.ts";

const REQUIRER = `
const assert = require("node:assert/strict");
const WebSocket = require(process.argv[2]);
assert.equal(typeof WebSocket, "function");
for (const name of ${JSON.stringify(NAMES)}) assert.ok(WebSocket[name], name);
import(process.argv[2]).then((module) => {
  // require and import return the same classes, so instanceof works across them.
  assert.equal(module.default, WebSocket);
  for (const name of ${JSON.stringify(NAMES)}) assert.equal(module[name], WebSocket[name], name);
  const server = new module.WebSocketServer({ port: 0, host: "127.0.0.1" }, () => {
    const client = new WebSocket("ws://127.0.0.1:" + server.address().port);
    client.on("open", () => client.send("hello"));
    client.on("message", (data) => {
      console.log(String(data));
      client.close();
      server.close();
    });
  });
  server.on("connection", (socket) => {
    assert.ok(socket instanceof WebSocket);
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
});
`;

/** Programs written for the declarations of `ws`. */
const PROGRAMS: Record<string, string> = {
  "program.cts": `
import WebSocket = require("ws");
import { WebSocketServer } from "ws";

class Mine extends WebSocket {
  name = "mine";
}
const server: WebSocketServer<typeof Mine> = new WebSocketServer({ port: 0, WebSocket: Mine });
server.on("connection", (socket, request) => {
  socket.on("message", (data: WebSocket.RawData, isBinary) => {
    socket.send(socket.name + String(data) + request.url + isBinary, (error) => error?.message);
  });
  socket.on("close", (code, reason) => code.toFixed() + reason.toString("hex"));
});
for (const client of server.clients) client.name;
const client: WebSocket = new WebSocket("ws://x", ["a"], { headers: { a: "b" } });
client.onmessage = (event: WebSocket.MessageEvent) => String(event.data);
WebSocket.createWebSocketStream(client).pipe(process.stdout);
`,
  "program.mts": `
import WebSocket, {
  type ClientOptions,
  createWebSocketStream,
  type RawData,
  type ServerOptions,
  WebSocketServer,
} from "ws";

const options: ClientOptions = { perMessageDeflate: false, handshakeTimeout: 3, ca: "x" };
const client: WebSocket = new WebSocket("ws://x", options);
client.on("message", (data: RawData, isBinary: boolean) => [data, isBinary]);
client.addEventListener("message", ({ data }) => data);
if (client.readyState === WebSocket.OPEN) client.close(1000, "x");
const data: WebSocket.Data = "x";
const noServer: ServerOptions = { noServer: true, maxPayload: 1, verifyClient: ({ secure }: { secure: boolean }) => secure };
const server: WebSocket.Server = new WebSocketServer(noServer);
server.on("wsClientError", (error, socket) => socket.end(error.message));
createWebSocketStream(client).end(data);
`,
};

/**
 * Creates a project with the package and programs, and registers the tests. Returns the path of the
 * `tsconfig.json` of the programs.
 *
 * @param tarball The path of the package.
 */
export async function testWs(tarball: string, work: string): Promise<string> {
  const project = join(work, "ws_project");
  const installed = join(project, "node_modules", "ws");
  await Deno.mkdir(join(project, "node_modules"), { recursive: true });
  await Deno.mkdir(installed);
  await printed(work, "tar", "-xzf", tarball, "-C", installed, "--strip-components=1");
  await Deno.writeTextFile(join(project, "requirer.cjs"), REQUIRER);
  for (const [name, text] of Object.entries(PROGRAMS)) {
    await Deno.writeTextFile(join(project, name), text);
  }

  const deno = [Deno.execPath(), "run", "--allow-all", "--node-modules-dir=manual"] as const;
  const runtimes: [string, specifier: string, command: string, ...args: string[]][] = [
    ["Node", "ws", nodePath()],
    // Under the name `ws`, Bun loads its built-in module.
    ["Bun", join(installed, "index.js"), bunPath()],
    ["Deno", "ws", ...deno],
  ];
  for (const [runtime, specifier, command, ...args] of runtimes) {
    Deno.test(`@quickws/ws: require and import return the same classes on ${runtime}`, async () => {
      const path = join(project, "requirer.cjs");
      assert.match(await printed(project, command, ...args, path, specifier), /^hello$/m);
    });
  }

  Deno.test("@quickws/ws: publint reports no problems", async () => {
    const publint = join(root, "node_modules", "publint", "src", "cli.js");
    assert.match(await nodePrinted(publint, "run", tarball, "--strict"), /All good/);
  });

  const compilerOptions = {
    strict: true,
    module: "nodenext",
    target: "es2022",
    lib: ["es2023", "dom"],
    typeRoots: [join(root, "node_modules/@types")],
    types: ["node"],
    noEmit: true,
  };
  const files = Object.keys(PROGRAMS);
  const path = join(project, "tsconfig.json");
  await Deno.writeTextFile(path, JSON.stringify({ compilerOptions, files }));
  return path;
}
