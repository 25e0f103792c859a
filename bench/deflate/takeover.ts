// Measures the cost of context takeover: memory per connection, and time if the contexts of many
// connections do not fit into the CPU cache. Each process runs one candidate and prints one JSON
// line.

import process from "node:process";
import { constants, createDeflateRaw, type DeflateRaw } from "node:zlib";
import { deflate, DeflateContext } from "../../src/deflate/deflate.ts";
import { InflateHistory } from "../../src/deflate/inflate_output.ts";
import { message } from "../../tests/deflate/corpus.ts";
import { Random } from "../../tests/support/random.ts";

/** The cost of one candidate. */
export interface TakeoverCost {
  /** Resident memory per connection, in KiB. */
  readonly memory: number;
  /** Buffers per connection in KiB, if the candidate reports them. */
  readonly held?: number;
  /** Microseconds per message of 1 KiB, round-robin over all connections. */
  readonly microseconds?: number;
  /** Compressed size divided by original size. */
  readonly ratio?: number;
}

/** The candidates, by the argument that selects them. */
export const takeoverCandidates = ["fast", "best", "history", "zlib"] as const;

const SIZE = 1024;
const ROUNDS = 8;
const random = new Random(7);
const messages = Array.from({ length: 500 }, () => message(random, "json", SIZE));

function resident(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage.rss() / 1024;
}

function encoders(level: "fast" | "best", connections: number): TakeoverCost {
  const before = resident();
  const target = new Uint8Array(SIZE);
  const options = Array.from({ length: connections }, () => ({
    level,
    windowBits: 15,
    context: new DeflateContext(),
  }));
  let bytes = 0;
  let began = 0;
  for (let round = 0; round < ROUNDS; round++) {
    // The first round allocates.
    if (round === 1) began = performance.now();
    for (let index = 0; index < connections; index++) {
      const plain = messages[(index * 7 + round * 61) % messages.length];
      const end = deflate(plain, 0, SIZE, target, 0, options[index]);
      if (round > 0) bytes += end < 0 ? SIZE : end;
    }
  }
  const timed = connections * (ROUNDS - 1);
  return {
    microseconds: (performance.now() - began) * 1000 / timed,
    memory: (resident() - before) / connections,
    held: options.reduce((sum, { context }) => sum + context.byteLength, 0) / connections / 1024,
    ratio: bytes / (timed * SIZE),
  };
}

function histories(connections: number): TakeoverCost {
  const before = resident();
  const all = Array.from({ length: connections }, () => new InflateHistory(12));
  for (const history of all) {
    for (let round = 0; round < ROUNDS; round++) history.append(messages[round], SIZE);
  }
  const held = all.reduce((sum, history) => sum + history.byteLength, 0) / connections / 1024;
  return { memory: (resident() - before) / connections, held };
}

function flushed(stream: DeflateRaw, plain: Uint8Array): Promise<number> {
  return new Promise((done) => {
    let bytes = 0;
    const count = (chunk: Uint8Array): void => {
      bytes += chunk.length;
    };
    stream.on("data", count);
    stream.write(plain);
    stream.flush(constants.Z_SYNC_FLUSH, () => {
      stream.off("data", count);
      done(bytes - 4);
    });
  });
}

/** A dedicated zlib compressor per connection with the same window and the least memory. */
async function streams(connections: number): Promise<TakeoverCost> {
  const before = resident();
  const options = { windowBits: 12, memLevel: 5, level: 6, chunkSize: SIZE };
  const all = Array.from({ length: connections }, () => createDeflateRaw(options));
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, stream] of all.entries()) {
      const plain = messages[(index * 7 + round * 61) % messages.length];
      const size = await flushed(stream, plain);
      if (round > 0) bytes += size;
    }
  }
  const ratio = bytes / (connections * (ROUNDS - 1) * SIZE);
  return { memory: (resident() - before) / connections, ratio };
}

const [candidate, connections] = process.argv.slice(2);
switch (candidate) {
  case "fast":
  case "best":
    console.log(JSON.stringify(encoders(candidate, Number(connections))));
    break;
  case "history":
    console.log(JSON.stringify(histories(Number(connections))));
    break;
  case "zlib":
    console.log(JSON.stringify(await streams(Math.min(1000, Number(connections)))));
    break;
}
