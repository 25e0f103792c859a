// Uploads a file from disk as a stream. After an interruption, the next run sends the rest.
//
//   deno run -A examples/upload/client.ts FILE ws://127.0.0.1:8080/
//   bun examples/upload/client.ts FILE ws://127.0.0.1:8080/
//   node examples/upload/client.ts FILE ws://127.0.0.1:8080/

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import process from "node:process";
import { connect, HandshakeError, Opcode, WebSocketError } from "@quickws/quickws";

/** The maximum size of a message in bytes: the server's limit. */
const PART = 1024 * 1024;

const [path, server = "ws://127.0.0.1:8080/"] = process.argv.slice(2);
if (path === undefined) throw new Error("Usage: client.ts FILE URL");

try {
  const { size } = await stat(path);
  const conn = await connect(
    new URL(`${encodeURIComponent(basename(path))}?size=${size}`, server),
  );
  // Each message contains the number of bytes stored on the server: first initially, then after
  // each part.
  for await (const message of conn) {
    const offset = Number(message);
    console.log(`${offset} of ${size} bytes`);
    if (offset >= size) break;
    const part = createReadStream(path, { start: offset, end: Math.min(offset + PART, size) - 1 });
    // Sends one message in fragments. Backpressure slows down reading from disk.
    await conn.sendStream(part, Opcode.Binary);
  }
  const { code, reason } = await conn.closed;
  if (reason !== "complete") throw new Error(`The server closed with ${code} ${reason}`);
  console.log(`${path} was uploaded`);
} catch (error) {
  if (error instanceof HandshakeError) {
    console.error(`Rejected: ${error.status} ${error.body ?? ""}`);
  } else if (error instanceof WebSocketError) console.error(`Interrupted: ${error.message}`);
  else throw error;
  process.exitCode = 1;
}
