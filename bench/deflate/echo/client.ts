// A client that sends compressed JSON records, each after the reply to the previous one. zlib
// compresses them in advance. The client runs on Node in a separate process, so its CPU time is not
// counted.

import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { constants, createDeflateRaw, deflateRawSync } from "node:zlib";

/** The compression mode: independent messages, with context takeover, or none. */
export type CompressionMode = "alone" | "takeover" | "off";

/** The window of sent messages with takeover. Every server accepts it. */
const WINDOW_BITS = 12;

/** The number of different messages. */
const VARIETY = 200;

let seed = 1;
const below = (limit: number): number => {
  seed = Math.imul(seed, 1103515245) + 12345 >>> 0;
  return Math.floor(seed / 2 ** 32 * limit);
};

/** Returns a new record of `size` bytes. */
function record(size: number): Uint8Array {
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
    // Checking the size after every item would be slow.
    if (items.length % 16 === 1 || size < 4096) {
      text = JSON.stringify({ type: "prices", at: 1.7e12 + below(1e9), items });
    }
  }
  return new TextEncoder().encode(text.slice(0, size));
}

/** Returns the payloads of the messages. */
async function payloadsOf(mode: CompressionMode, size: number): Promise<Uint8Array[]> {
  const records = Array.from({ length: VARIETY }, () => record(size));
  if (mode === "off") return records;
  const finishFlush = constants.Z_SYNC_FLUSH;
  if (mode === "alone") {
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
    payloads.push(new Uint8Array(Buffer.concat(chunks).subarray(0, -4)));
  }
  return payloads;
}

/** Returns a masked text frame, with RSV1 if it is compressed. */
function frame(payload: Uint8Array, compressed: boolean): Uint8Array {
  const mask = [0x37, 0xfa, 0x21, 0x3d];
  const { length } = payload;
  const header = length < 126
    ? [0x80 | length]
    : length < 65536
    ? [0x80 | 126, length >> 8, length & 0xff]
    : [0x80 | 127, 0, 0, 0, 0, 0, length >> 16, length >> 8 & 0xff, length & 0xff];
  const masked = payload.map((byte, i) => byte ^ mask[i & 3]!);
  return new Uint8Array(Buffer.concat([
    Uint8Array.from([compressed ? 0xc1 : 0x81, ...header, ...mask]),
    masked,
  ]));
}

/**
 * Returns the frames that each connection sends in a loop. The first has no back-references, so it
 * can follow the last.
 */
export async function framesOf(mode: CompressionMode, size: number): Promise<Uint8Array[]> {
  const payloads = await payloadsOf(mode, size);
  return payloads.map((payload) => frame(payload, mode !== "off"));
}

/** Opens a connection with this compression mode. */
export function open(port: number, mode: CompressionMode): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    socket.on("error", reject);
    socket.once("connect", () => {
      const parameters = mode === "takeover"
        ? `client_max_window_bits=${WINDOW_BITS}`
        : "server_no_context_takeover; client_no_context_takeover";
      const offer = mode === "off"
        ? ""
        : `Sec-WebSocket-Extensions: permessage-deflate; ${parameters}\r\n`;
      socket.write(
        `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\nSec-WebSocket-Version: 13\r\n" +
          `${offer}\r\n`,
      );
      let head = "";
      const onData = (chunk: Uint8Array): void => {
        head += String.fromCharCode(...chunk);
        if (!head.includes("\r\n\r\n")) return;
        socket.off("data", onData);
        const agreed = /permessage-deflate/.test(head)
          ? /no_context_takeover/.test(head) ? "alone" : "takeover"
          : "off";
        if (agreed === mode) resolve(socket);
        else reject(new Error(`The server did not accept compression mode "${mode}": ${head}`));
      };
      socket.on("data", onData);
    });
  });
}

/**
 * Sends the frames repeatedly, each after the reply to the previous one.
 *
 * @param again Called for each reply with its payload size. Returns whether to continue.
 */
export function keepInFlight(
  socket: Socket,
  frames: readonly Uint8Array[],
  again: (received: number) => boolean,
): void {
  let next = 0;
  let chunks: Uint8Array[] = [];
  let gathered = 0;
  let needed = 0;
  const send = (): void => {
    socket.write(frames[next]!);
    next = (next + 1) % frames.length;
  };
  socket.on("data", (chunk) => {
    chunks.push(chunk);
    gathered += chunk.length;
    if (gathered < needed) return;
    const bytes = Buffer.concat(chunks);
    chunks = [bytes];
    if (bytes.length < 2) return;
    if ((bytes[0]! & 0xbf) !== 0x81) throw new Error(`A reply begins with ${bytes[0]}`);
    const short = bytes[1]! & 0x7f;
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < start) return;
    const length = short < 126
      ? short
      : short === 126
      ? bytes.readUInt16BE(2)
      : bytes.readUInt32BE(6);
    needed = start + length;
    if (bytes.length < needed) return;
    // Only one message is in flight, so no other data follows.
    chunks = [];
    gathered = 0;
    needed = 0;
    if (again(length)) send();
  });
  send();
}
