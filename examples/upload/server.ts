// Receives files of any size in parts. Only one part of an upload is in memory at a time,
// backpressure slows the client down to the speed of the disk, and an interrupted upload resumes
// where it stopped.
//
//   deno run -A examples/upload/server.ts DIRECTORY
//   bun examples/upload/server.ts DIRECTORY
//   node examples/upload/server.ts DIRECTORY
//
// A client opens /NAME?size=BYTES and receives the number of bytes already stored. It sends the
// next part as one binary message, receives the new number, and so on. The environment variable
// PORT sets the port.

import { mkdir, open, rename } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { type Connection, serve, WebSocketError } from "@quickws/quickws";

/** The maximum size of a part and of a file, in bytes. */
const LARGEST_PART = 1024 * 1024;
const LARGEST_FILE = 4 * 1024 * 1024 * 1024;

/** The data of each connection. */
interface Upload {
  readonly name: string;
  readonly size: number;
}

const directory = process.argv[2] ?? "uploads";
const names = new Set<string>();
await mkdir(directory, { recursive: true });

/** Reads messages one by one: without a `message` handler, backpressure makes the client wait. */
async function receive(conn: Connection<Upload>): Promise<void> {
  const { name, size } = conn.data;
  const path = join(directory, `${name}.part`);
  const parts = conn[Symbol.asyncIterator]();
  const file = await open(path, "a");
  try {
    let { size: received } = await file.stat();
    if (received > size) return conn.close(1008, "the stored file is larger than announced");
    conn.send(String(received));
    while (received < size) {
      const { value: part, done } = await parts.next();
      if (done) return;
      if (typeof part === "string") return conn.close(1003, "parts are binary");
      if (received + part.length > size) {
        return conn.close(1008, "the file is larger than announced");
      }
      await file.appendFile(part);
      received += part.length;
      conn.send(String(received));
    }
    await file.sync();
    await rename(path, join(directory, name));
    console.log(`${name}: ${size} bytes`);
    conn.close(1000, "complete");
  } catch (error) {
    // A disconnected client reconnects and sends the rest. Other failures close with 1011.
    if (!(error instanceof WebSocketError)) throw error;
  } finally {
    await file.close();
  }
}

const server = await serve<Upload>({
  port: Number(process.env.PORT ?? 8080),
  maxMessageSize: LARGEST_PART,
  readTimeout: 60_000,
  upgrade({ url }) {
    const { pathname, searchParams } = new URL(url);
    const name = pathname.slice(1);
    const size = Number(searchParams.get("size") ?? NaN);
    if (!/^\w[\w.-]{0,99}$/.test(name)) {
      return { status: 400, body: "Invalid file name\n" };
    }
    if (!Number.isSafeInteger(size) || size < 0) {
      return { status: 400, body: "Missing or invalid ?size=\n" };
    }
    if (size > LARGEST_FILE) return { status: 413, body: `At most ${LARGEST_FILE} bytes\n` };
    if (names.has(name)) return { status: 409, body: "Another client is uploading this file\n" };
    return { data: { name, size } };
  },
  async open(conn) {
    // Another client may have started the same upload since `upgrade`.
    if (names.has(conn.data.name)) return conn.close(1008, "another client is uploading this file");
    names.add(conn.data.name);
    try {
      await receive(conn);
    } finally {
      names.delete(conn.data.name);
    }
  },
  close(conn, { error }) {
    if (error !== undefined) console.error(`${conn.data.name}: ${error.message}`);
  },
});

console.log(`Uploads to ${directory} on ${server.url}`);
