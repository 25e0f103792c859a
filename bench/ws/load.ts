// The clients: raw sockets that send the same frame repeatedly and count the replies. Prints one
// JSON line.

import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import net from "node:net";
import process from "node:process";
import type { WsServerSettings } from "./server.ts";

/** The settings of the clients. */
export interface WsLoadSettings {
  readonly program: WsServerSettings["program"];
  readonly port: number;
  /** The process ID of the server. */
  readonly pid: number;
  readonly connections: number;
  /** Messages in flight on each connection; 0 measures the memory of idle connections. */
  readonly depth: number;
  /** The message size in bytes. */
  readonly payload: number;
  /** The warm-up time and the duration of the measurement, in milliseconds. */
  readonly warmUp: number;
  readonly duration: number;
}

/** The result. */
export interface WsLoadResult {
  /** The server's CPU time per reply, in microseconds. */
  readonly cpu: number;
  /** Replies per second. */
  readonly rate: number;
  /** The server's resident memory per idle connection after the first, in bytes. */
  readonly memory: number;
}

const settings: WsLoadSettings = JSON.parse(process.argv[2]!);
const { program, port, pid, connections, depth, payload } = settings;

/** Encodes a frame with a zero mask key. */
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
/** The size of the echo, which has no mask key. */
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

/** Opens a connection. Resolves when it can send messages. */
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

/** Returns the server's CPU time in microseconds. */
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

async function openAll(count: number): Promise<void> {
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(100, count - sockets.length) }, open);
    sockets.push(...await Promise.all(batch));
  }
}

/** Returns the server's resident memory after a garbage collection. */
async function settledMemory(): Promise<number> {
  await pause(500);
  process.kill(pid, "SIGUSR2");
  await pause(1000);
  return resident();
}

/** Measures the bytes per idle connection. Excludes the first, which allocates shared memory. */
async function measureIdle(): Promise<number> {
  await openAll(1);
  const before = await settledMemory();
  await openAll(connections);
  return (await settledMemory() - before) / (connections - 1);
}

/** Measures the CPU time per reply, and the replies per second. */
async function measureMessages(): Promise<Omit<WsLoadResult, "memory">> {
  await openAll(connections);
  sockets.forEach(begin);
  const senders = program === "broadcast" ? sockets.slice(0, 1) : sockets;
  if (program === "broadcast") {
    // The sender sends the next message when its own copy arrives.
    let rest = 0;
    senders[0]!.on("data", (chunk: Buffer) => {
      rest += chunk.length;
      for (; rest >= replySize; rest -= replySize) senders[0]!.write(message);
    });
  }
  const first = Buffer.concat(Array(depth).fill(message));
  for (const socket of senders) socket.write(first);
  await pause(settings.warmUp);
  const [began, cpu, counted] = [performance.now(), cpuTime(), replies];
  await pause(settings.duration);
  const seconds = (performance.now() - began) / 1000;
  if (replies === counted) throw new Error("No message was answered");
  return { cpu: (cpuTime() - cpu) / (replies - counted), rate: (replies - counted) / seconds };
}

const result: WsLoadResult = depth === 0
  ? { cpu: 0, rate: 0, memory: await measureIdle() }
  : { ...await measureMessages(), memory: 0 };
console.log(JSON.stringify(result));
process.exit();
