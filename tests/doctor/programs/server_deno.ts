// Runs Deno.serve, which has no compression. Prints its port.

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return new Response(null, { status: 426 });
  }
  let upgrade: Deno.WebSocketUpgrade;
  try {
    upgrade = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  } catch {
    return new Response(null, { status: 400 });
  }
  const { socket, response } = upgrade;
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }): void => socket.send(data);
  socket.onerror = (): void => {};
  return response;
});
// deno-lint-ignore no-console -- prints the port
console.log(server.addr.port);
