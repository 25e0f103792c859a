// A peer on Deno: `Deno.upgradeWebSocket`, which never compresses.

import { settings } from "./settings.ts";

const { broadcast, burst = 1 } = settings;
const sockets = new Set<WebSocket>();

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(port),
}, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.binaryType = "arraybuffer";
  if (broadcast) {
    socket.onopen = () => sockets.add(socket);
    socket.onclose = () => sockets.delete(socket);
    socket.onmessage = ({ data }) => {
      for (let count = 0; count < burst; count++) sockets.forEach((other) => other.send(data));
    };
  } else {
    socket.onmessage = ({ data }) => socket.send(data);
  }
  return response;
});
