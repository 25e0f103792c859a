// The cases of `deno task bench core`. Runs on any runtime and prints one JSON line.

import process from "node:process";
import { Opcode } from "../../src/core.ts";
import { fragmentsFor, messagesFor, openSession } from "./endpoints.ts";
import { measure, type Measurement } from "./measure.ts";

const KIB = 1024;
const CHUNK = 64 * KIB;
const encoder = new TextEncoder();

function read(size: number): Measurement {
  const count = Math.max(1, Math.floor(CHUNK / (size + 8)));
  const session = openSession("server");
  // Reading unmasks in place, so the next read masks the payload again, at the same cost.
  const bytes = messagesFor("server", Opcode.Binary, new Uint8Array(size).fill(1), count);
  return measure(`read binary messages of ${size} bytes`, "message", count, () => {
    session.receive(bytes);
  });
}

function readText(name: string, text: string): Measurement {
  const payload = encoder.encode(text);
  const count = Math.max(1, Math.floor(CHUNK / (payload.length + 4)));
  // On a server, every other read would mask the payload and so make it invalid UTF-8.
  const session = openSession("client");
  const bytes = messagesFor("client", Opcode.Text, payload, count);
  return measure(`read ${name} messages of ${payload.length} bytes`, "message", count, () => {
    session.receive(bytes);
  });
}

function write(side: "client" | "server", size: number): Measurement {
  const session = openSession(side);
  const payload = new Uint8Array(size).fill(1);
  return measure(`write binary messages of ${size} bytes, ${side}`, "message", 100, () => {
    for (let index = 0; index < 100; index++) session.sendBytes(Opcode.Binary, payload);
  });
}

function writeText(name: string, text: string): Measurement {
  const session = openSession("server");
  return measure(`write ${name} messages of ${text.length} characters`, "message", 100, () => {
    for (let index = 0; index < 100; index++) session.sendText(text);
  });
}

/** One message in small chunks. The time per byte must not grow with the message size. */
function readInChunks(size: number, chunk: number): Measurement {
  const session = openSession("server");
  const bytes = messagesFor("server", Opcode.Binary, new Uint8Array(size), 1);
  const name = `read one message of ${size / KIB} KiB in chunks of ${chunk}`;
  return measure(name, "byte", size, () => {
    for (let at = 0; at < bytes.length; at += chunk) {
      session.receive(bytes, at, Math.min(bytes.length, at + chunk));
    }
  });
}

/** One message in small fragments. The time per byte must not grow with the message size. */
function readInFragments(size: number, fragment: number): Measurement {
  const session = openSession("server");
  const bytes = fragmentsFor("server", new Uint8Array(size), fragment);
  const name = `read one message of ${size / KIB} KiB in fragments of ${fragment}`;
  return measure(name, "byte", size, () => {
    session.receive(bytes);
  });
}

const results = [
  read(16),
  read(128),
  read(KIB),
  read(16 * KIB),
  readText("ASCII", "The quick brown fox jumps. ".repeat(5).slice(0, 128)),
  readText("ASCII", "The quick brown fox jumps. ".repeat(40).slice(0, KIB)),
  readText("non-ASCII", "\u00fcber \u4e16\u754c ".repeat(10)),
  write("server", 16),
  write("server", 128),
  write("server", 16 * KIB),
  write("client", 128),
  write("client", 16 * KIB),
  writeText("ASCII", "The quick brown fox jumps. ".repeat(5).slice(0, 128)),
  readInChunks(64 * KIB, 1),
  readInChunks(256 * KIB, 1),
  readInChunks(1024 * KIB, 1),
  readInChunks(1024 * KIB, CHUNK),
  readInFragments(64 * KIB, 16),
  readInFragments(1024 * KIB, 16),
];
process.stdout.write(`${JSON.stringify(results)}\n`);
