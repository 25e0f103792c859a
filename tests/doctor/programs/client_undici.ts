// Examines the WebSocket of the npm package undici: client_undici.ts <url>

import process from "node:process";
import { WebSocket } from "undici";
import { echoOver } from "./web_echo.ts";
import { runCases } from "./run_cases.ts";

await runCases(
  "undici",
  (url, onText) => echoOver(new WebSocket(url) as unknown as globalThis.WebSocket, onText),
);
process.exit(0);
