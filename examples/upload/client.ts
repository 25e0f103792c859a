// Sends a file, streamed from the disk; started again after it broke off, it sends what is missing.
//
//   deno run -A examples/upload/client.ts FILE ws://127.0.0.1:8080/
//   bun examples/upload/client.ts FILE ws://127.0.0.1:8080/
//   node examples/upload/client.ts FILE ws://127.0.0.1:8080/

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import process from "node:process";
import { connect, HandshakeError, Opcode, WebSocketError } from "@quickws/quickws";

/** Bytes in one message; the server takes no more. */
const PART = 1024 * 1024;

const [path, server = "ws://127.0.0.1:8080/"] = process.argv.slice(2);
if (path === undefined) throw new Error("Which file?");

try {
  const { size } = await stat(path);
  const conn = await connect(
    new URL(`${encodeURIComponent(basename(path))}?size=${size}`, server),
  );
  // Each message says how many bytes the server has: at first, and after each part.
  for await (const message of conn) {
    const offset = Number(message);
    console.log(`${offset} of ${size} bytes`);
    if (offset >= size) break;
    const part = createReadStream(path, { start: offset, end: Math.min(offset + PART, size) - 1 });
    // One message in fragments, read from the disk no faster than they leave.
    await conn.sendStream(part, Opcode.Binary);
  }
  const { code, reason } = await conn.closed;
  if (reason !== "complete") throw new Error(`The server closed with ${code} ${reason}`);
  console.log(`${path} is there`);
} catch (error) {
  if (error instanceof HandshakeError) {
    console.error(`Refused: ${error.status} ${error.body ?? ""}`);
  } else if (error instanceof WebSocketError) console.error(`Broke off: ${error.message}`);
  else throw error;
  process.exitCode = 1;
}
