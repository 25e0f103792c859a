// The clients: raw sockets that send the same frames repeatedly and count the replies. Prints one JSON
// line.

import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import net from "node:net";
import process from "node:process";
import type { WsServerSettings } from "./server.ts";

/** The settings of the clients. */
export interface WsLoadSettings {
  readonly program: WsServerSettings["program"];
  readonly port: number;
  /** The server's process. */
  readonly pid: number;
  readonly connections: number;
  /** Messages in flight on each connection; 0 for idle connections. */
  readonly depth: number;
  /** Message size in bytes. */
  readonly payload: number;
  /** Warm-up and duration, in milliseconds. */
  readonly warmUp: number;
  readonly duration: number;
}

/** The results. */
export interface WsLoadResult {
  /** The server's CPU time per reply, in microseconds. */
  readonly cpu: number;
  /** Replies per second. */
  readonly rate: number;
  /** The server's resident memory, in bytes. */
  readonly resident: number;
}

const settings: WsLoadSettings = JSON.parse(process.argv[2]!);
const { program, port, pid, connections, depth, payload } = settings;

/** Returns a client's frame with a zero mask key. */
function frame(text: string): Buffer {
  const data = Buffer.from(text);
  const head = data.length < 126
    ? [0x81, 0x80 | data.length]
    : [0x81, 0x80 | 126, data.length >> 8, data.length & 0xff];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(4), data]);
}

const isSocketIo = program === "socket.io";
const text = isSocketIo ? `42["m","${"x".repeat(payload)}"]` : "x".repeat(payload);
const message = frame(text);
/** Returns the same frame without a mask. */
const replySize = message.length - 4;
const path = isSocketIo ? "/socket.io/?EIO=4&transport=websocket" : "/";
const request = [
  `GET ${path} HTTP/1.1`,
  "Host: 127.0.0.1",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
  "",
  "",
].join("\r\n");

let replies = 0;

/** Opens a connection; resolves once messages can be sent on it. */
function open(): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1");
    socket.setNoDelay();
    socket.on("error", reject);
    socket.write(request);
    let head = "";
    const opening = (chunk: Buffer): void => {
      head += chunk.toString("latin1");
      if (isSocketIo && head.includes('{"sid"') && !head.includes("40{")) {
        if (!head.includes("sent")) {
          head += "sent";
          socket.write(frame("40"));
        }
        return;
      }
      if (!head.includes("\r\n\r\n") || (isSocketIo && !head.includes("40{"))) return;
      socket.removeListener("data", opening);
      resolve(socket);
    };
    socket.on("data", opening);
  });
}

/** Sends a message for each reply. */
function begin(socket: net.Socket): void {
  let rest = 0;
  socket.on("data", (chunk: Buffer) => {
    rest += chunk.length;
    const count = Math.floor(rest / replySize);
    if (count === 0) return;
    rest -= count * replySize;
    replies += count;
    if (program !== "broadcast") {
      socket.write(count === 1 ? message : Buffer.concat(Array(count).fill(message)));
    }
  });
}

/** Returns the server's CPU time, in microseconds. */
function cpuTime(): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function resident(): number {
  const [, pages] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
  return Number(pages) * 4096;
}

const pause = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, time));

const sockets: net.Socket[] = [];
while (sockets.length < connections) {
  const batch = Array.from({ length: Math.min(100, connections - sockets.length) }, open);
  sockets.push(...await Promise.all(batch));
}
if (depth > 0) {
  sockets.forEach(begin);
  const senders = program === "broadcast" ? sockets.slice(0, 1) : sockets;
  if (program === "broadcast") {
    // The sender waits for its own copy.
    let rest = 0;
    senders[0]!.on("data", (chunk: Buffer) => {
      rest += chunk.length;
      for (; rest >= replySize; rest -= replySize) senders[0]!.write(message);
    });
  }
  const first = Buffer.concat(Array(depth).fill(message));
  for (const socket of senders) socket.write(first);
  await pause(settings.warmUp);
} else {
  await pause(500);
  process.kill(pid, "SIGUSR2");
  await pause(1500);
}
const [began, cpu, counted] = [performance.now(), cpuTime(), replies];
if (depth > 0) await pause(settings.duration);
const seconds = (performance.now() - began) / 1000;
const result: WsLoadResult = {
  cpu: (cpuTime() - cpu) / (replies - counted),
  rate: (replies - counted) / seconds,
  resident: resident(),
};
console.log(JSON.stringify(result));
process.exit();
