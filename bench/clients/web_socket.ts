// A peer on Bun and Deno: the built-in WebSocket.

import { settings } from "./settings.ts";

for (let opened = 0; opened < settings.connections; opened++) {
  const socket = new WebSocket(settings.url);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => socket.send(data);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
}
