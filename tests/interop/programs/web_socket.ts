// Runs the conversation on any implementation of the standard `WebSocket`.

import { type InteropClient, Received } from "../conversation.ts";

/** The part of `WebSocket` that is used here. */
export type WebSocketLike = Pick<
  WebSocket,
  "binaryType" | "extensions" | "send" | "close" | "onopen" | "onmessage" | "onclose" | "onerror"
>;

/** Waits until the WebSocket is open. */
export function openWebSocket(socket: WebSocketLike): Promise<InteropClient> {
  const received = new Received();
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    received.push(typeof data === "string" ? data : new Uint8Array(data));
  };
  const client: InteropClient = {
    get extensions() {
      return socket.extensions;
    },
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
