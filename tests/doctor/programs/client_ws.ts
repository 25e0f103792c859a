// Examines the client of the npm package ws: client_ws.ts <url> [compression]

import process from "node:process";
import { WebSocket } from "ws";
import { runCases } from "./run_cases.ts";

const perMessageDeflate = process.argv[3] === "compression";
const options = { perMessageDeflate, maxPayload: 16 << 20, maxFragments: 100_000 };

await runCases("ws", (url, onText) =>
  new Promise((resolve) => {
    const socket = new WebSocket(url, options);
    socket.on("error", () => {});
    socket.on("close", () => resolve());
    socket.on("message", (data: Uint8Array, isBinary) => {
      if (onText === undefined) socket.send(data, { binary: isBinary });
      else onText(new TextDecoder().decode(data));
    });
  }));
process.exit(0);
