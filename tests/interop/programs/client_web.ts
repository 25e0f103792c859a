// The built-in WebSocket of Deno and Bun: client_web.ts <conversations>

import process from "node:process";
import { runConversations } from "../conversation.ts";
import { openWebSocket } from "./web_socket.ts";

await runConversations(process.argv[2]!, ({ url }) => openWebSocket(new WebSocket(url)));
