// The WebSocket that Deno and Bun have of their own: client_web.ts <url>

import process from "node:process";
import { converse, type InteropClient, Received } from "../conversation.ts";

function open(): Promise<InteropClient> {
  const received = new Received();
  const socket = new WebSocket(process.argv[2]!);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    received.push(typeof data === "string" ? data : new Uint8Array(data));
  };
  const client: InteropClient = {
    send: (message) => socket.send(message as string),
    receive: () => received.next(),
    close: (code, reason) => socket.close(code, reason),
    closed: new Promise((resolve) => {
      socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, clean: wasClean });
    }),
  };
  return new Promise((resolve, reject) => {
    socket.onopen = () => resolve(client);
    socket.onerror = () => reject(new Error("the connection failed"));
  });
}

await converse(open);
