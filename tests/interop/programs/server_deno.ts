// Deno's own server, `Deno.upgradeWebSocket`, which cannot send fragments; prints the same port for
// each given mode of compression, because it has no such option.

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
