// The honest clients of the siege, in a separate process on Node. Each sends a small message or a
// ping ten times per second and measures the time until the echo. Prints one line of JSON when all
// clients are connected, and one with the measurements when it receives a byte.
//
//   honest PORT CLIENTS message|ping tls|plain

import { connect, type Socket } from "node:net";
import process from "node:process";
import { connect as connectTls } from "node:tls";

/** The measurements. Times are in milliseconds. */
export interface HonestFigures {
  readonly echoes: number;
  readonly worst: number;
  readonly p99: number;
  readonly median: number;
  /** Connections that the server has closed. */
  readonly closed: number;
}

/** The interval between two messages of a client, in milliseconds. */
const INTERVAL = 100;

const [port, clients, mode, security] = process.argv.slice(2);

const first = mode === "ping" ? 0x89 : 0x82;
const message = Uint8Array.of(first, 0x80 | 16, 0, 0, 0, 0, ...new Uint8Array(16).fill(120));
/** The size of an echo: an unmasked frame with 16 bytes of payload. */
const ECHO_SIZE = 18;

const head = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

const times: number[] = [];
let closed = 0;
let ending = false;

class Client {
  sentAt = 0;
  received = 0;
  isOpen = false;
  readonly socket: Socket;

  constructor(i: number, opened: () => void) {
    const tcp = connect({
      port: Number(port),
      host: "127.0.0.1",
      localAddress: `127.0.1.${1 + i % 200}`,
      noDelay: true,
    });
    // The clients do not know the siege's certificate authority.
    this.socket = security === "tls" ? connectTls({ socket: tcp, rejectUnauthorized: false }) : tcp;
    tcp.on("error", () => {});
    this.socket.once(security === "tls" ? "secureConnect" : "connect", () => {
      this.socket.write(head);
    });
    this.socket.on("data", (bytes: Uint8Array) => {
      if (!this.isOpen) {
        this.isOpen = String(bytes).startsWith("HTTP/1.1 101");
        if (this.isOpen) opened();
        return;
      }
      this.received += bytes.length;
      if (this.received < ECHO_SIZE) return;
      this.received -= ECHO_SIZE;
      times.push(performance.now() - this.sentAt);
      this.sentAt = 0;
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      if (!ending) closed++;
    });
  }

  send(): void {
    if (this.sentAt !== 0 || this.socket.destroyed) return;
    this.sentAt = performance.now();
    this.socket.write(message);
  }
}

const all: Client[] = [];
await new Promise<void>((resolve) => {
  let open = 0;
  for (let i = 0; i < Number(clients); i++) {
    all.push(new Client(i, () => ++open === Number(clients) && resolve()));
  }
});
console.log(JSON.stringify({ open: all.length }));
all.forEach((client, i) => {
  setTimeout(() => setInterval(() => client.send(), INTERVAL), i / all.length * INTERVAL);
});

function figures(): HonestFigures {
  // A missing echo counts as the time since its message.
  for (const { sentAt } of all) if (sentAt !== 0) times.push(performance.now() - sentAt);
  times.sort((a, b) => a - b);
  const at = (part: number): number => times[Math.floor((times.length - 1) * part)] ?? Infinity;
  return { echoes: times.length, worst: at(1), p99: at(0.99), median: at(0.5), closed };
}

process.stdin.once("data", () => {
  ending = true;
  console.log(JSON.stringify(figures()));
  process.exit(0);
});
process.stdin.on("end", () => process.exit(0));
