// The attackers of the siege: raw sockets that send hostile data, in a separate process on Node.
// The process prints its counts as lines of JSON, and exits when its input ends.
//
//   attacker NAME PORT SCALE CONNECTIONS

import { connect, type Socket } from "node:net";
import process from "node:process";
import { constants, deflateRawSync } from "node:zlib";

/** The arguments of the process. */
interface Plan {
  readonly port: number;
  /** The number of concurrent flooding attackers. */
  readonly count: number;
  /** Scales the number of connections in attacks with many connections. */
  readonly scale: number;
}

/** The counts. */
export interface AttackFigures {
  /** Opened TCP connections. */
  opened: number;
  /** Completed opening handshakes. */
  upgraded: number;
  /** Bytes that the kernel has accepted. */
  sent: number;
  /** Whether the attack was carried out in full. */
  isComplete: boolean;
}

const done: AttackFigures = { opened: 0, upgraded: 0, sent: 0, isComplete: false };

/** The interval of reports in milliseconds. */
const REPORT_INTERVAL = 100;

const TEXT = 1;
const BINARY = 2;
const FIN = 0x80;
const RSV1 = 0x40;
const PING = 9;

/** The interval between two steps of a slow attack, in milliseconds. */
const SLOW_STEP = 250;

/** The delay before a disconnected flooding attacker reconnects, in milliseconds. */
const REST = 5;

/** Encodes a masked frame. The mask key is 0, so the payload is unchanged. */
function frame(first: number, payload: Uint8Array, length = payload.length): Uint8Array {
  const header = length < 126
    ? [first, 0x80 | length]
    : length < 65_536
    ? [first, 0x80 | 126, length >> 8, length & 255]
    : [first, 0x80 | 127, 0, 0, 0, 0, length >>> 24, length >> 16 & 255, length >> 8 & 255, length];
  return Buffer.concat([Uint8Array.from([...header, 0, 0, 0, 0]), payload]);
}

function repeated(bytes: Uint8Array, size: number): Uint8Array {
  const times = Math.max(1, Math.ceil(size / bytes.length));
  return Buffer.concat(Array.from({ length: times }, () => bytes));
}

/** Returns a loopback address for each number, so that an attack has many source addresses. */
function address(i: number): string {
  return `127.${10 + Math.floor(i / 62_500) % 200}.${Math.floor(i / 250) % 250}.${1 + i % 250}`;
}

/** Opens a TCP connection from a source address. */
function dial({ port }: Plan, i: number): Socket {
  const socket = connect({ port, host: "127.0.0.1", localAddress: address(i) });
  socket.on("error", () => {});
  socket.once("connect", () => done.opened++);
  return socket;
}

/** Sends bytes, and counts them once the kernel has accepted them. */
function send(socket: Socket, bytes: Uint8Array | string): boolean {
  return socket.write(bytes, (error) => {
    if (!error) done.sent += bytes.length;
  });
}

const HEAD = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n" +
  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
  "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

const TOPICS = HEAD.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: quickws.topics.1\r\n\r\n");

/** Completes an opening handshake, then calls `opened`. */
function open(
  plan: Plan,
  i: number,
  opened: (socket: Socket) => void,
  reads = true,
  head = HEAD,
): Socket {
  const socket = dial(plan, i);
  socket.once("connect", () => socket.write(head));
  socket.once("data", (head: Uint8Array) => {
    if (!String(head).startsWith("HTTP/1.1 101")) {
      socket.destroy();
      return;
    }
    done.upgraded++;
    if (reads) socket.on("data", () => {});
    else socket.pause();
    opened(socket);
  });
  return socket;
}

/** Sends the same bytes as fast as the server accepts them, and reconnects after a disconnect. */
function flood(plan: Plan, bytes: Uint8Array, reads = true): void {
  const start = (i: number): void => {
    const socket = open(plan, i, (socket) => {
      const more = (): void => {
        while (!socket.destroyed && send(socket, bytes));
      };
      socket.on("drain", more);
      more();
    }, reads);
    socket.once("close", () => setTimeout(() => start(i), REST));
  };
  for (let i = 0; i < plan.count; i++) start(i);
}

/** Returns the scaled number of connections. */
function scaled({ scale }: Plan, count: number): number {
  return Math.ceil(count * scale);
}

/** Opens many connections, some at a time, and calls `act` with each. */
function openMany(plan: Plan, full: number, act: (socket: Socket, i: number) => void): void {
  const count = scaled(plan, full);
  let next = 0;
  const one = (): void => {
    if (next >= count) return;
    const i = next++;
    let isNext = false;
    const following = (): void => {
      if (!isNext) one();
      isNext = true;
    };
    // Continues with the next connection even if this one is rejected.
    open(plan, i, (socket) => {
      act(socket, i);
      following();
    }).once("close", following);
  };
  for (let i = 0; i < 50; i++) one();
}

const MIB = 1024 * 1024;

function bomb(size: number): Uint8Array {
  const zeros = new Uint8Array(size);
  const bytes = deflateRawSync(zeros, { finishFlush: constants.Z_SYNC_FLUSH });
  return frame(FIN | RSV1 | BINARY, bytes.subarray(0, -4));
}

/**
 * Creates empty dynamic blocks (RFC 1951 3.2.7), with the shortest description that zlib accepts.
 */
function emptyBlocks(size: number): Uint8Array {
  // BFINAL 0, BTYPE 10, HLIT 0, HDIST 0, HCLEN 14: code lengths of 1 bit for the symbols 18 and 1.
  const lengths = new Array<number>(18).fill(0);
  const order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1];
  lengths[order.indexOf(18)] = 1;
  lengths[order.indexOf(1)] = 1;
  const bits: number[] = [0, 0, 1];
  const put = (value: number, count: number): void => {
    for (let i = 0; i < count; i++) bits.push(value >> i & 1);
  };
  put(0, 5);
  put(0, 5);
  put(14, 4);
  for (const length of lengths) put(length, 3);
  // Symbol 1 has the code 0, symbol 18 the code 1. 256 zeros (138 + 118), then 1 for the end of the
  // block, and 1 for a distance.
  put(1, 1);
  put(138 - 11, 7);
  put(1, 1);
  put(118 - 11, 7);
  put(0, 1);
  put(0, 1);
  // The only literal code is the end of the block.
  put(0, 1);
  const all: number[] = [];
  for (let i = 0; i < 8; i++) all.push(...bits);
  // Eight blocks fill whole bytes.
  const once = new Uint8Array(bits.length);
  all.forEach((bit, i) => once[i >> 3] |= bit << (i & 7));
  return frame(FIN | RSV1 | BINARY, repeated(once, size));
}

const EMPTY = frame(FIN | BINARY, new Uint8Array(0));

/** An attack. */
interface Attack {
  start(plan: Plan): void;
  /** Whether the attack was carried out in full. */
  isComplete(done: AttackFigures, plan: Plan): boolean;
}

/** Requires at least one complete write of `flood`. */
function isFlood({ sent }: AttackFigures): boolean {
  return sent >= 256 * 1024;
}

/** Requires a number of opened or upgraded connections. */
function opens(full: number, name: "opened" | "upgraded" = "upgraded"): Attack["isComplete"] {
  return (done, plan) => done[name] >= scaled(plan, full);
}

/** The start of a TLS record with a ClientHello of 512 bytes (RFC 8446 4.1.2 and 5.1). */
const CLIENT_HELLO = Uint8Array.of(
  0x16,
  0x03,
  0x01,
  0x02,
  0x00,
  0x01,
  0x00,
  0x01,
  0xfc,
  0x03,
  0x03,
);

/** Sends `bytes` one byte at a time, and then the letter a without end. */
function sendSlowly(socket: Socket, bytes: Uint8Array): void {
  let at = 0;
  const timer = setInterval(() => send(socket, Uint8Array.of(bytes[at++] ?? 0x61)), SLOW_STEP);
  socket.once("close", () => clearInterval(timer));
}

/** The attacks, by name. */
const attacks: Record<string, Attack> = {
  /** No attack, to measure the baseline. */
  none: { start: () => {}, isComplete: () => true },
  /** Messages of 16 KiB that decompress to 16 MiB. */
  bombs: {
    start: (plan) => flood(plan, repeated(bomb(16 * MIB), 256 * 1024)),
    isComplete: isFlood,
  },
  "small-bombs": {
    start: (plan) => flood(plan, repeated(bomb(65_000), 256 * 1024)),
    isComplete: isFlood,
  },
  /** Many connections with messages that decompress to 1 MiB each. */
  "many-bombs": {
    start: (plan) =>
      flood({ ...plan, count: scaled(plan, 100) }, repeated(bomb(MIB - 64), 64 * 1024)),
    isComplete: (done, plan) => done.upgraded >= scaled(plan, 100) && done.sent >= 256 * 1024,
  },
  "empty-blocks": {
    start: (plan) => flood(plan, emptyBlocks(15 * MIB)),
    // A server may reject a message before all of it has been sent.
    isComplete: ({ upgraded, sent }) => upgraded >= 2 || sent >= MIB,
  },
  "small-frames": {
    start: (plan) => flood(plan, repeated(frame(FIN | BINARY, Uint8Array.of(1)), 256 * 1024)),
    isComplete: isFlood,
  },
  pings: {
    start: (plan) => flood(plan, repeated(frame(FIN | PING, new Uint8Array(125)), 256 * 1024)),
    isComplete: isFlood,
  },
  /** Messages in fragments of one byte, as many as `maxFragments` allows. */
  fragments: {
    start(plan) {
      const byte = Uint8Array.of(1);
      const middle = repeated(frame(0, byte), 16_000 * 7);
      const message = Buffer.concat([frame(BINARY, byte), middle, frame(FIN, byte)]);
      flood(plan, repeated(message, 256 * 1024));
    },
    isComplete: isFlood,
  },
  /** 4,097 connections, each with an unfinished message of 16,383 bytes. */
  unfinished: {
    start: (plan) =>
      openMany(plan, 4097, (socket) => send(socket, frame(BINARY, new Uint8Array(16_383)))),
    isComplete: (done, plan) => opens(4097)(done, plan) && done.sent >= scaled(plan, 4097) * 16_383,
  },
  /** Decompression bombs for a server without a message handler. */
  "unread-bombs": {
    start: (plan) => openMany(plan, 100, (socket) => send(socket, bomb(16 * MIB))),
    // Near the memory limit, the server rejects the last connections.
    isComplete: (done, plan) =>
      opens(100, "opened")(done, plan) && done.sent >= scaled(plan, 20) * 16_000,
  },
  /** Clients that send 256 empty messages and disconnect. */
  "gone-clients": {
    start: (plan) =>
      openMany(plan, 1000, (socket) => {
        send(socket, repeated(EMPTY, 256 * EMPTY.length));
        socket.end();
      }),
    isComplete: opens(1000),
  },
  /** Clients that send but never read. */
  "slow-readers": {
    start: (plan) =>
      flood({ ...plan, count: 30 }, frame(FIN | BINARY, new Uint8Array(60_000).fill(1)), false),
    isComplete: ({ upgraded, sent }) => upgraded >= 30 && sent >= MIB,
  },
  /** 4,000 opening handshakes that are never completed. */
  handshakes: {
    start(plan) {
      let next = 0;
      const timer = setInterval(() => {
        for (let i = 0; i < 100 && next < scaled(plan, 4000); i++) {
          const socket = dial(plan, next++);
          socket.once("connect", () => send(socket, HEAD.slice(0, -2)));
        }
        if (next >= scaled(plan, 4000)) clearInterval(timer);
      }, 10);
    },
    isComplete: opens(4000, "opened"),
  },
  /** Upgrade requests sent one byte at a time. */
  "slow-handshakes": {
    start(plan) {
      const head = new TextEncoder().encode(HEAD.slice(0, -4) + "\r\nX-A: ");
      for (let i = 0; i < scaled(plan, 500); i++) sendSlowly(dial(plan, i), head);
    },
    isComplete: (done, plan) =>
      opens(500, "opened")(done, plan) && done.sent >= 2 * scaled(plan, 500),
  },
  /** Endless TLS handshakes, sent one byte at a time. */
  "slow-tls": {
    start(plan) {
      for (let i = 0; i < scaled(plan, 500); i++) sendSlowly(dial(plan, i), CLIENT_HELLO);
    },
    isComplete: (done, plan) =>
      opens(500, "opened")(done, plan) && done.sent >= 2 * scaled(plan, 500),
  },
  /** Frames sent one byte at a time. */
  "slow-frames": {
    start: (plan) =>
      openMany(plan, 500, (socket) => {
        send(socket, frame(FIN | BINARY, new Uint8Array(0), 60_000));
        sendSlowly(socket, new Uint8Array(0));
      }),
    isComplete: (done, plan) => opens(500)(done, plan) && done.sent >= 10 * scaled(plan, 500),
  },
  /** Clients that request much data and read it slowly. */
  "slow-reading": {
    start: (plan) => {
      for (let i = 0; i < scaled(plan, 100); i++) {
        open(plan, i, (socket) => {
          send(socket, repeated(frame(FIN | BINARY, new Uint8Array(60_000).fill(1)), 4 * MIB));
          setInterval(() => socket.read(1024), SLOW_STEP);
        }, false);
      }
    },
    isComplete: opens(100),
  },
  /** Connections from many addresses that send one message and disconnect. */
  connections: {
    start(plan) {
      let next = 0;
      const one = (): void => {
        const socket = open(plan, next++, (socket) => {
          send(socket, EMPTY);
          socket.end();
        });
        socket.once("close", () => setTimeout(one, REST));
      };
      for (let i = 0; i < 100; i++) one();
    },
    isComplete: opens(200),
  },
  /** Clients that repeatedly request the replay of a topic. Half of them do not read it. */
  replays: {
    start(plan) {
      const request = new TextEncoder().encode('{"subscribe":"news","after":0}\n');
      for (let i = 0; i < scaled(plan, 50); i++) {
        const reads = i % 2 === 0;
        open(
          plan,
          i,
          (socket) => {
            setInterval(() => send(socket, frame(FIN | TEXT, request)), REST);
          },
          reads,
          TOPICS,
        );
      }
    },
    isComplete: (done, plan) => opens(50)(done, plan) && done.sent >= 10_000,
  },
};

const [name = "none", port, scale, count] = process.argv.slice(2);
const plan: Plan = { port: Number(port), count: Number(count), scale: Number(scale) };
const attack = attacks[name]!;
// The parent process has exited or closed the input.
process.stdin.on("end", () => process.exit(0)).resume();
attack.start(plan);
setInterval(() => {
  done.isComplete ||= attack.isComplete(done, plan);
  console.log(JSON.stringify(done));
}, REPORT_INTERVAL);
