// Deno's own server, `Deno.upgradeWebSocket`, which cannot send fragments. It has no compression
// option, so it prints the same port for each compression mode in its arguments.

import { commandOf, FRAGMENTS } from "../conversation.ts";

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  // deno-lint-ignore no-console
  onListen: ({ port }) => console.log(Array(Deno.args.length).fill(port).join("\n")),
}, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    const command = commandOf(data);
    if (command === "fragments") socket.send(FRAGMENTS.join(""));
    else if (command === "close") socket.close(4001, "as you wish");
    else socket.send(data);
  };
  return response;
});
