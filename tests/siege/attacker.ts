// The attackers of the siege, in a process of their own on Node: raw sockets that send what an honest client
// never would. The process ends by itself after the time that it is given.
//
//   attacker NAME PORT SECONDS CONNECTIONS

import { connect, type Socket } from "node:net";
import process from "node:process";
import { constants, deflateRawSync } from "node:zlib";

/** What the attackers are told. */
interface Plan {
  readonly port: number;
  /** Attackers that flood at the same time. */
  readonly count: number;
}

const BINARY = 2;
const FIN = 0x80;
const RSV1 = 0x40;
const PING = 9;

/** Milliseconds between two steps of an attack that sends slowly. */
const SLOW_STEP = 250;

/** Milliseconds before a flooding attacker that was disconnected connects again. */
const REST = 5;

/** A masked frame with the key 0, under which the payload stays as it is. */
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

/** A loopback address for each number, so that an attack comes from many. */
function address(i: number): string {
  return `127.${10 + Math.floor(i / 62_500) % 200}.${Math.floor(i / 250) % 250}.${1 + i % 250}`;
}

/** Opens a TCP connection from the address of this number. */
function dial({ port }: Plan, i: number): Socket {
  const socket = connect({ port, host: "127.0.0.1", localAddress: address(i) });
  socket.on("error", () => {});
  return socket;
}

const HEAD = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n" +
  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
  "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

/** Completes an opening handshake, then calls `opened`. */
function open(plan: Plan, i: number, opened: (socket: Socket) => void, reads = true): Socket {
  const socket = dial(plan, i);
  socket.once("connect", () => socket.write(HEAD));
  socket.once("data", (head: Uint8Array) => {
    if (!String(head).startsWith("HTTP/1.1 101")) {
      socket.destroy();
      return;
    }
    if (reads) socket.on("data", () => {});
    else socket.pause();
    opened(socket);
  });
  return socket;
}

/** Sends the same bytes as fast as the server takes them, and connects again when it is disconnected. */
function flood(plan: Plan, bytes: Uint8Array, reads = true): void {
  const start = (i: number): void => {
    const socket = open(plan, i, (socket) => {
      const more = (): void => {
        while (!socket.destroyed && socket.write(bytes));
      };
      socket.on("drain", more);
      more();
    }, reads);
    socket.once("close", () => setTimeout(() => start(i), REST));
  };
  for (let i = 0; i < plan.count; i++) start(i);
}

/** Opens `count` connections, some at a time, and calls `act` with each. */
function crowd(plan: Plan, count: number, act: (socket: Socket, i: number) => void): void {
  let next = 0;
  const one = (): void => {
    if (next >= count) return;
    const i = next++;
    const socket = open(plan, i, (socket) => {
      act(socket, i);
      one();
    });
    socket.once("error", one);
  };
  for (let i = 0; i < 50; i++) one();
}

const MIB = 1024 * 1024;

function bomb(size: number): Uint8Array {
  const zeros = new Uint8Array(size);
  const bytes = deflateRawSync(zeros, { finishFlush: constants.Z_SYNC_FLUSH });
  return frame(FIN | RSV1 | BINARY, bytes.subarray(0, -4));
}

/** A dynamic block with no data: RFC 1951 3.2.7 with the shortest description that zlib accepts, in bits. */
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
  // Symbol 1 has the code 0, symbol 18 the code 1. 256 zeros (138 + 118), then 1 for the end, 1 for a distance.
  put(1, 1);
  put(138 - 11, 7);
  put(1, 1);
  put(118 - 11, 7);
  put(0, 1);
  put(0, 1);
  // The end of the block is the only literal code.
  put(0, 1);
  const all: number[] = [];
  for (let i = 0; i < 8; i++) all.push(...bits);
  // Eight of them fill whole bytes.
  const once = new Uint8Array(bits.length);
  all.forEach((bit, i) => once[i >> 3] |= bit << (i & 7));
  return frame(FIN | RSV1 | BINARY, repeated(once, size));
}

const EMPTY = frame(FIN | BINARY, new Uint8Array(0));

/** The attacks, by name. */
const attacks: Record<string, (plan: Plan) => void> = {
  /** No attack: what the machine itself costs. */
  none: () => {},
  /** Messages of 16 KiB that decompress to 16 MiB, without reading the echo. */
  bombs: (plan) => flood(plan, repeated(bomb(16 * MIB), 256 * 1024)),
  "small-bombs": (plan) => flood(plan, repeated(bomb(65_000), 256 * 1024)),
  "small-frames": (plan) =>
    flood(plan, repeated(frame(FIN | BINARY, Uint8Array.of(1)), 256 * 1024)),
  "empty-blocks": (plan) => flood(plan, emptyBlocks(15 * MIB)),
  pings: (plan) => flood(plan, repeated(frame(FIN | PING, new Uint8Array(125)), 256 * 1024)),
  /** One message after the other in fragments of one byte. */
  fragments(plan) {
    const byte = Uint8Array.of(1);
    const middle = repeated(frame(0, byte), 60_000);
    flood(plan, Buffer.concat([frame(BINARY, byte), middle, frame(FIN, byte)]));
  },
  /** 4,097 connections that each leave a message of 16,383 bytes unfinished. */
  unfinished: (plan) =>
    crowd(plan, 4097, (socket) => socket.write(frame(BINARY, new Uint8Array(16_383)))),
  /** Bombs for a server that has no message handler. */
  "unread-bombs": (plan) => crowd(plan, 100, (socket) => socket.write(bomb(16 * MIB))),
  /** Clients that send 256 empty messages and leave. */
  "gone-clients": (plan) =>
    crowd(plan, 1000, (socket) => socket.end(repeated(EMPTY, 256 * EMPTY.length))),
  /** Clients that send and never read. */
  "slow-readers": (plan) =>
    flood({ ...plan, count: 30 }, frame(FIN | BINARY, new Uint8Array(60_000).fill(1)), false),
  /** 4,000 opening handshakes that never end. */
  handshakes(plan) {
    let next = 0;
    const timer = setInterval(() => {
      for (let i = 0; i < 100 && next < 4000; i++) {
        const socket = dial(plan, next++);
        socket.once("connect", () => socket.write(HEAD.slice(0, -2)));
      }
      if (next >= 4000) clearInterval(timer);
    }, 10);
  },
  /** A byte of the request's head at a time. */
  "slow-handshakes"(plan) {
    for (let i = 0; i < 200; i++) {
      const socket = dial(plan, i);
      let at = 0;
      setInterval(() => socket.write(HEAD[at++ % 40]!), SLOW_STEP);
    }
  },
  /** A byte of a frame at a time. */
  "slow-frames"(plan) {
    crowd(plan, 200, (socket) => {
      socket.write(frame(FIN | BINARY, new Uint8Array(0), 60_000));
      setInterval(() => socket.write(Uint8Array.of(1)), SLOW_STEP);
    });
  },
  /** Asks for much, and reads a little of it at a time. */
  "slow-reading"(plan) {
    for (let i = 0; i < 100; i++) {
      open(plan, i, (socket) => {
        socket.write(repeated(frame(FIN | BINARY, new Uint8Array(60_000).fill(1)), 4 * MIB));
        setInterval(() => socket.read(1024), SLOW_STEP);
      }, false);
    }
  },
  /** Connections that open, send one message and leave, from many addresses. */
  connections(plan) {
    let next = 0;
    const one = (): void => {
      const socket = open(plan, next++, (socket) => socket.end(EMPTY));
      socket.once("close", () => setTimeout(one, REST));
    };
    for (let i = 0; i < 100; i++) one();
  },
};

const [name = "none", port, seconds, count] = process.argv.slice(2);
setTimeout(() => process.exit(0), Number(seconds) * 1000);
// The process that started this one has ended.
process.stdin.on("end", () => process.exit(0)).resume();
attacks[name]!({ port: Number(port), count: Number(count) });
