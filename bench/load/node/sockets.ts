// Loopback sockets and the opening handshake of both sides.

import { createHash } from "node:crypto";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Load } from "../load.ts";

/** The number of source addresses. Each has a separate range of ports. */
const SOURCES = 16;
/** The number of connections that are opened concurrently. */
const TOGETHER = 64;
const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Prints an error and exits with a failure status. */
export function fail(text: string): never {
  process.stderr.write(`load: ${text}\n`);
  process.exit(1);
}

/** Returns the client's upgrade request. */
export function requestHead({ port, extensions }: Load): string {
  const offer = extensions === "" ? "" : `Sec-WebSocket-Extensions: ${extensions}\r\n`;
  return `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\n` +
    "Connection: Upgrade\r\nSec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n" +
    `Sec-WebSocket-Version: 13\r\n${offer}\r\n`;
}

/** Connects from one of the source addresses. */
export function dial(load: Load, index: number): Socket {
  const socket = connect({
    host: "127.0.0.1",
    port: load.port,
    localAddress: `127.0.0.${1 + index % SOURCES}`,
    noDelay: true,
  });
  socket.on("error", (error) => fail(String(error)));
  return socket;
}

/** Reads to the end of the head. Fails if data follows it. */
export function readHead(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let head = "";
    const onData = (chunk: Uint8Array): void => {
      head += String.fromCharCode(...chunk);
      if (!head.endsWith("\r\n\r\n")) return;
      socket.off("data", onData);
      resolve(head);
    };
    socket.on("data", onData);
    socket.once("end", () => fail(`the peer ended the stream: ${head}`));
  });
}

async function open(load: Load, index: number): Promise<Socket> {
  const socket = dial(load, index);
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  if (!load.webSocket) return socket;
  socket.write(requestHead(load));
  const head = await readHead(socket);
  if (!head.startsWith("HTTP/1.1 101")) fail(`the server rejected the handshake: ${head}`);
  if (/permessage-deflate/i.test(head) !== (load.extensions !== "")) {
    fail(`the server accepted other extensions: ${head}`);
  }
  return socket;
}

/** Opens all connections. */
export async function dialAll(load: Load): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < load.connections) {
    const count = Math.min(TOGETHER, load.connections - sockets.length);
    const first = sockets.length;
    sockets.push(
      ...await Promise.all(Array.from({ length: count }, (_, index) => open(load, first + index))),
    );
  }
  return sockets;
}

/**
 * Acts as the server: prints its port, reads the process ID of the measured client, and accepts all
 * of its connections.
 */
export async function acceptAll(load: Load): Promise<Socket[]> {
  const sockets: Socket[] = [];
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  let resolve = (): void => {};
  const all = new Promise<void>((done) => resolve = done);
  const server = createServer({ noDelay: true }, async (socket) => {
    socket.on("error", (error) => fail(String(error)));
    if (load.webSocket) {
      const key = /^sec-websocket-key: *(\S+)/im.exec(await readHead(socket))![1];
      const accept = createHash("sha1").update(key + ACCEPT_SUFFIX).digest("base64");
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
          `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
    }
    if (sockets.push(socket) === load.connections) resolve();
  });
  server.listen(0, "127.0.0.1", () => {
    process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
  });
  load.pids = [Number((await lines.next()).value)];
  await all;
  return sockets;
}
