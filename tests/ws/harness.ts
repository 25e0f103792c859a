// The harness of the differential suite for `ws`: a scenario runs with two implementations, and the
// recorded events and bytes are compared.

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server as HttpServer } from "node:http";
import net from "node:net";
import type { Duplex } from "node:stream";
import type defaultExport from "../../src/ws.ts";

/** The module `ws`, of quickws or of the npm package. */
export type WsModule = typeof defaultExport;

/** A WebSocket of either implementation. */
export type AnyWebSocket = InstanceType<WsModule>;

/** A server of either implementation. */
export type AnyServer = InstanceType<WsModule["WebSocketServer"]>;

/** The implementation on each side. */
export interface Implementations {
  readonly client: WsModule;
  readonly server: WsModule;
}

/** Records the lines of each participant. The order between participants depends on the network. */
export class Transcript {
  readonly lines: Record<string, string[]> = {};

  /** Records a line. */
  add(who: string, ...values: unknown[]): void {
    (this.lines[who] ??= []).push(values.map(show).join(" "));
  }
}

/** A scenario of the suite. */
export interface Scenario {
  readonly name: string;
  run(implementations: Implementations, transcript: Transcript): Promise<void>;
}

/** Formats a value, so that equal values of both implementations look the same. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Buffer.isBuffer(value)) return `Buffer<${bytes(value)}>`;
  if (value instanceof ArrayBuffer) return `ArrayBuffer<${bytes(new Uint8Array(value))}>`;
  if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`;
  if (value instanceof Error) {
    const { code } = value as { code?: string };
    // The message of a data error differs: it comes from zlib or from quickws.
    const message = code === "Z_DATA_ERROR" ? "" : JSON.stringify(value.message);
    return `${value.name} ${code ?? ""} ${message}`;
  }
  if (value instanceof Blob) return `Blob<${value.size}>`;
  return String(value);
}

function bytes(value: Uint8Array): string {
  const text = Buffer.from(value.buffer, value.byteOffset, value.length).toString("hex");
  return text.length > 200 ? `${text.slice(0, 200)}... ${value.length} bytes` : text;
}

const EVENTS = ["message", "ping", "pong", "error", "close"] as const;

/** Records all events of a WebSocket. */
export function recordEvents(transcript: Transcript, who: string, ws: AnyWebSocket): void {
  const state = (): string => `state ${ws.readyState}`;
  ws.on("open", () => transcript.add(who, "open", state()));
  for (const event of EVENTS) {
    ws.on(event, (...values: unknown[]) => transcript.add(who, event, ...values, state()));
  }
}

/** A connected server and client, whose events are recorded. */
export interface ConnectedSides {
  readonly wss: AnyServer;
  readonly port: number;
  readonly client: AnyWebSocket;
  readonly server: AnyWebSocket;
  readonly request: IncomingMessage;
  /** Waits until both sides have closed, and closes the server. */
  finish(): Promise<void>;
}

/** Options of the two sides. */
export interface ConnectOptions {
  readonly server?: Record<string, unknown>;
  readonly client?: Record<string, unknown>;
  readonly protocols?: string[];
  /** Called with each side before its first event. */
  readonly prepare?: (side: "client" | "server", ws: AnyWebSocket) => void;
}

/** Starts a server and connects a client to it. */
export async function connectSides(
  { client: Client, server: Server }: Implementations,
  transcript: Transcript,
  options: ConnectOptions = {},
): Promise<ConnectedSides> {
  const wss = new Server.WebSocketServer({ port: 0, host: "127.0.0.1", ...options.server });
  await once(wss, "listening");
  const { port } = wss.address() as net.AddressInfo;
  let accepted!: (value: { server: AnyWebSocket; request: IncomingMessage }) => void;
  const connection = new Promise<{ server: AnyWebSocket; request: IncomingMessage }>((resolve) =>
    accepted = resolve
  );
  let serverClosed!: Promise<unknown>;
  wss.on("connection", (server, request) => {
    serverClosed = new Promise((resolve) => server.on("close", resolve));
    recordEvents(transcript, "server", server);
    options.prepare?.("server", server);
    accepted({ server, request });
  });
  const client = new Client(`ws://127.0.0.1:${port}/path`, options.protocols ?? [], options.client);
  const clientClosed = new Promise((resolve) => client.on("close", resolve));
  recordEvents(transcript, "client", client);
  options.prepare?.("client", client);
  const opened = new Promise<void>((resolve) => client.on("open", () => resolve()));
  const { server, request } = await connection;
  await opened;
  return {
    wss,
    port,
    client,
    server,
    request,
    finish: async () => {
      await clientClosed;
      await serverClosed;
      await new Promise<void>((resolve) => wss.close(() => resolve()));
    },
  };
}

/**
 * Waits for an event and returns its values. Unlike Node's `once`, it does not reject on `error`.
 */
export function next(ws: AnyWebSocket, event: string): Promise<unknown[]> {
  return new Promise((resolve) => ws.once(event as "close", (...values) => resolve(values)));
}

/** The key of raw requests: the example of RFC 6455 section 1.3. */
export const SAMPLE_KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** Creates an upgrade request. */
export function upgradeRequest(fields: Record<string, string> = {}, method = "GET /path"): string {
  const all: Record<string, string> = {
    Host: "localhost",
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": SAMPLE_KEY,
    "Sec-WebSocket-Version": "13",
    ...fields,
  };
  const lines = Object.entries(all).filter(([, value]) => value !== "-").map(([name, value]) =>
    `${name}: ${value}`
  );
  return [`${method} HTTP/1.1`, ...lines, "", ""].join("\r\n");
}

/** Sends raw bytes to a server. Returns its response, up to the end of the stream. */
export async function rawExchange(
  port: number,
  ...pieces: (string | Uint8Array)[]
): Promise<Buffer> {
  const socket = net.connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => {});
  await once(socket, "connect");
  for (const piece of pieces) socket.write(piece);
  await new Promise<void>((resolve) => {
    socket.on("end", () => socket.end());
    socket.on("close", () => resolve());
  });
  return Buffer.concat(chunks);
}

/** Starts a server that sends a given response to upgrade requests, and provides the socket. */
export async function rawServer(
  answer: (accept: string, request: IncomingMessage, socket: Duplex, head: Buffer) => void,
): Promise<{ server: HttpServer; port: number }> {
  const server = createServer();
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => {});
    answer(acceptFor(request.headers["sec-websocket-key"]!), request, socket, head);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as net.AddressInfo).port };
}

let digest: ((text: string) => string) | undefined;

/** Sets the function that computes SHA-1 digests. */
export function setDigest(sha1: (text: string) => string): void {
  digest = sha1;
}

function acceptFor(key: string): string {
  return digest!(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
}

/** Encodes a frame. If it is masked, the mask key is zero. */
export function rawFrame(first: number, payload: Uint8Array | string, masked = true): Buffer {
  const data = Buffer.from(payload as string);
  const mask = masked ? 0x80 : 0;
  const head = data.length < 126
    ? [first, mask | data.length]
    : [first, mask | 126, data.length >> 8, data.length & 0xff];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(masked ? 4 : 0), data]);
}
