// A peer on Node: the client of the npm package ws.

import WebSocket from "ws";
import { settings } from "./settings.ts";

for (let opened = 0; opened < settings.connections; opened++) {
  const socket = new WebSocket(settings.url, { perMessageDeflate: false });
  socket.on("message", (data, binary) => socket.send(data, { binary }));
  await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
}
