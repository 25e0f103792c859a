// Examines the runtime's built-in WebSocket: client_web.ts <url>

import process from "node:process";
import { echoOver } from "./web_echo.ts";
import { runCases } from "./run_cases.ts";

await runCases("WebSocket", (url, onText) => echoOver(new WebSocket(url), onText));
process.exit(0);
