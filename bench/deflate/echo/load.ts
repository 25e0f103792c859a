// The load: connections that send compressed records of JSON, the next one when the last has come
// back. It runs on Node, as a process of its own, so that what it costs is not counted; what it sends
// is made beforehand, by zlib. Prints one JSON line.

import { connect, type Socket } from "node:net";
import process from "node:process";
import { constants, createDeflateRaw, deflateRawSync } from "node:zlib";

/** What to send, as the JSON text in the first argument. */
export interface CompressedLoad {
  port: number;
  connections: number;
  /** Bytes of one message before compression. */
  size: number;
  /** Whether messages refer to those before them. */
  takeover: boolean;
  /** Milliseconds before counting begins. */
  warmUp: number;
  /** Milliseconds of counting. */
  duration: number;
}

/** What was counted. */
export interface CompressedEchoes {
  messages: number;
  /** Bytes of the replies' payloads, and of what was sent. */
  received: number;
  sent: number;
}

/** The window of what is sent with takeover, which every server accepts. */
const WINDOW_BITS = 12;

/** Messages that are sent in turn. */
const VARIETY = 200;

const { port, connections, size, takeover, warmUp, duration }: CompressedLoad = JSON.parse(
  process.argv[2]!,
);

let seed = 1;
const below = (limit: number): number => {
  seed = Math.imul(seed, 1103515245) + 12345 >>> 0;
  return Math.floor(seed / 2 ** 32 * limit);
};

/** A record of about `size` bytes, always of another kind. */
function record(): Uint8Array {
  const items: unknown[] = [];
  let text = "";
  while (text.length < size) {
    items.push({
      id: below(2 ** 31).toString(36),
      user: `user${below(1000)}`,
      price: below(1e6) / 100,
      open: below(2) === 0,
      tags: ["alpha", "beta", "gamma", "delta"].slice(below(4)),
    });
    text = JSON.stringify({ type: "prices", at: 1.7e12 + below(1e9), items });
  }
  return new TextEncoder().encode(text.slice(0, size));
}

/** Messages, each compressed by itself or with what went before it. */
async function compressedRecords(): Promise<Uint8Array[]> {
  const records = Array.from({ length: VARIETY }, record);
  const finishFlush = constants.Z_SYNC_FLUSH;
  if (!takeover) {
    return records.map((bytes) => deflateRawSync(bytes, { finishFlush }).subarray(0, -4));
  }
  const stream = createDeflateRaw({ windowBits: WINDOW_BITS });
  let chunks: Uint8Array[] = [];
  stream.on("data", (chunk) => chunks.push(chunk));
  const payloads: Uint8Array[] = [];
  for (const bytes of records) {
    chunks = [];
    stream.write(bytes);
    await new Promise<void>((done) => stream.flush(finishFlush, () => done()));
    payloads.push(Uint8Array.from(chunks.flatMap((chunk) => [...chunk])).subarray(0, -4));
  }
  return payloads;
}

/** A masked text frame with RSV1. */
function frame(payload: Uint8Array): Uint8Array {
  const mask = [0x37, 0xfa, 0x21, 0x3d];
  const { length } = payload;
  const header = length < 126
    ? [0xc1, 0x80 | length, ...mask]
    : [0xc1, 0x80 | 126, length >> 8, length & 0xff, ...mask];
  return Uint8Array.from([...header, ...payload.map((byte, i) => byte ^ mask[i & 3])]);
}

// The first refers to nothing, so that the last may be followed by it.
const payloads = await compressedRecords();
const frames = payloads.map(frame);
let echoed = 0;
let received = 0;

function keepInFlight(socket: Socket): void {
  let next = 0;
  let rest = new Uint8Array(0);
  const send = (): void => {
    socket.write(frames[next]!);
    next = (next + 1) % frames.length;
  };
  socket.on("data", (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      if (rest.length < 4) return;
      // RSV1 has to be there: what comes back is to be compressed too.
      if (rest[0] !== 0xc1) throw new Error(`A reply begins with ${rest[0]}`);
      const short = rest[1]! < 126;
      const length = short ? rest[1]! : rest[2]! << 8 | rest[3]!;
      const end = (short ? 2 : 4) + length;
      if (rest.length < end) return;
      rest = rest.subarray(end);
      echoed++;
      received += length;
      send();
    }
  });
  send();
}

function open(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    socket.on("error", reject);
    socket.once("connect", () => {
      const parameters = takeover
        ? `client_max_window_bits=${WINDOW_BITS}`
        : "server_no_context_takeover; client_no_context_takeover";
      socket.write(
        `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\nSec-WebSocket-Version: 13\r\n" +
          `Sec-WebSocket-Extensions: permessage-deflate; ${parameters}\r\n\r\n`,
      );
      let head = "";
      const onData = (chunk: Uint8Array): void => {
        head += String.fromCharCode(...chunk);
        if (!head.includes("\r\n\r\n")) return;
        socket.off("data", onData);
        if (!/permessage-deflate/.test(head)) reject(new Error(`No compression: ${head}`));
        else if (takeover !== !/no_context_takeover/.test(head)) reject(new Error(head));
        else resolve(socket);
      };
      socket.on("data", onData);
    });
  });
}

const after = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, time));

const sockets: Socket[] = [];
while (sockets.length < connections) sockets.push(await open());
for (const socket of sockets) keepInFlight(socket);
await after(warmUp);
process.stdout.write("begin\n");
const before = { echoed, received };
await after(duration);
const messages = echoed - before.echoed;
const mean = payloads.reduce((sum, { length }) => sum + length, 0) / payloads.length;
const counted: CompressedEchoes = {
  messages,
  received: received - before.received,
  sent: mean * messages,
};
process.stdout.write(`${JSON.stringify(counted)}\n`);
process.exit(0);
