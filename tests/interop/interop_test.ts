// Our server with other clients, our client with other servers, and the two with each other, all in
// real processes: each pair holds the same conversation.

import { runtimeNames } from "../support/runtimes.ts";
import { chromiumProgram } from "./foreign.ts";
import { type Program, program, running } from "./processes.ts";

const OUR_SERVERS = runtimeNames.map((runtime) => program("our server", runtime, "server_quickws"));
const OUR_CLIENTS = runtimeNames.map((runtime) => program("our client", runtime, "client_quickws"));

const OTHER_SERVERS = [
  program("the server of ws", "node", "server_ws"),
  program("Deno.upgradeWebSocket", "deno", "server_deno"),
  program("Bun.serve", "bun", "server_bun"),
];

const OTHER_CLIENTS = [
  program("the client of ws", "node", "client_ws"),
  program("Deno's WebSocket", "deno", "client_web"),
  program("Bun's WebSocket", "bun", "client_web"),
  chromiumProgram("the WebSocket of Chromium"),
];

function testServer(server: Program, clients: readonly Program[]): void {
  Deno.test(`interop of ${server.name}`, async (t) => {
    await running(server, [], async (process) => {
      const url = `ws://127.0.0.1:${await process.line()}/`;
      for (const client of clients) {
        await t.step(`with ${client.name}`, async (t) => {
          await running(client, [url], (process) => process.report(t));
        });
      }
    });
  });
}

for (const server of OUR_SERVERS) testServer(server, [...OUR_CLIENTS, ...OTHER_CLIENTS]);
for (const server of OTHER_SERVERS) testServer(server, OUR_CLIENTS);
