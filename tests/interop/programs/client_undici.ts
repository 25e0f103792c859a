// The WebSocket of undici, which is also Node's built-in one: client_undici.ts <conversations>

import process from "node:process";
import { WebSocket } from "undici";
import { runConversations } from "../conversation.ts";
import { openWebSocket, type WebSocketLike } from "./web_socket.ts";

await runConversations(
  process.argv[2]!,
  ({ url }) => openWebSocket(new WebSocket(url) as unknown as WebSocketLike),
);
