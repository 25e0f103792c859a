// Simulates a blockchain node for the programs that need one.

import { WebSocketServer } from "ws";
import { next } from "./support.mjs";

/** Starts a server that answers requests and notifies subscribers of a block. Returns its port. */
export async function chainNode() {
  const wss = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  wss.on("connection", (socket) => {
    socket.on("message", (data) => {
      const parsed = JSON.parse(String(data));
      const answers = [parsed].flat().map(({ id, method }) => ({
        jsonrpc: "2.0",
        id,
        result: { eth_chainId: "0x1", eth_blockNumber: "0x2a", eth_subscribe: "0x7" }[method],
      }));
      socket.send(JSON.stringify(Array.isArray(parsed) ? answers : answers[0]));
      if ([parsed].flat().some(({ method }) => method === "eth_subscribe")) {
        socket.send(JSON.stringify({
          jsonrpc: "2.0",
          method: "eth_subscription",
          params: { subscription: "0x7", result: { number: "0x2b", hash: `0x${"1".repeat(64)}` } },
        }));
      }
    });
  });
  await next(wss, "listening");
  return wss.address().port;
}
