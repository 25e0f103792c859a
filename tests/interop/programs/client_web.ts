// The WebSocket that Deno and Bun have of their own: client_web.ts <conversations>

import process from "node:process";
import { holdConversations } from "../conversation.ts";
import { openWebSocket } from "./web_socket.ts";

await holdConversations(process.argv[2]!, ({ url }) => openWebSocket(new WebSocket(url)));
