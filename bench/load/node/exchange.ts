// Keeps messages in flight on many connections: each reply triggers the next message. In a
// broadcast only the first connection sends, and continues once all have received the message. With
// `publish` each message arrives several times.

import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import type { Load, LoadResult } from "../load.ts";
import { after, count } from "./process.ts";
import { Replies } from "./replies.ts";
import { fail } from "./sockets.ts";

interface Line {
  socket: Socket;
  replies: Replies;
  /** The next frame to send. */
  next: number;
  sent: number;
  replied: number;
  /** A ring buffer of the send times of messages in flight. */
  times: Float64Array;
}

/** The state of a load. */
export class Exchange {
  readonly #load: Load;
  /** Whether the server sends each message to all connections. */
  readonly #forAll: boolean;
  readonly #frames: Uint8Array;
  readonly #offsets: number[] = [0];
  readonly #lines: Line[];
  readonly #latencies: number[] = [];
  #counting = false;
  #stopping = false;
  #sent = 0;
  #replied = 0;

  constructor(load: Load, sockets: Socket[]) {
    this.#load = load;
    this.#forAll = load.kind === "broadcast" || load.kind === "publish";
    for (const size of load.sizes) this.#offsets.push(this.#offsets.at(-1)! + size);
    const bytes = readFileSync(load.frames);
    this.#frames = bytes.subarray(0, this.#offsets.at(-1));
    const expected = bytes.subarray(this.#offsets.at(-1));
    this.#lines = sockets.map((socket) => {
      const line: Line = {
        socket,
        replies: new Replies(load, expected),
        next: 0,
        sent: 0,
        replied: 0,
        times: new Float64Array(load.depth),
      };
      socket.on("data", (chunk) => this.#receive(line, chunk));
      return line;
    });
  }

  /** Runs the load. */
  async run(): Promise<Partial<LoadResult>> {
    const senders = this.#forAll ? this.#lines.slice(0, 1) : this.#lines;
    for (const line of senders) this.#send(line, this.#load.depth);
    setTimeout(() => this.#counting = true, this.#load.warmUp);
    const result = await count(this.#load, () => this.#replied);
    this.#counting = false;
    this.#stopping = true;
    const deadline = performance.now() + this.#load.timeout;
    while (this.#missing() > 0 && performance.now() < deadline) await after(20);
    const sorted = Float64Array.from(this.#latencies).sort();
    const quantile = (part: number): number =>
      (sorted[Math.floor(sorted.length * part)] ?? 0) * 1e3;
    return {
      ...result,
      p50: quantile(0.5),
      p99: quantile(0.99),
      p999: quantile(0.999),
      lost: this.#missing(),
    };
  }

  #missing(): number {
    const copies = this.#forAll ? this.#lines.length * this.#load.burst : 1;
    return this.#sent * copies - this.#replied;
  }

  #receive(line: Line, chunk: Uint8Array): void {
    const { depth, burst } = this.#load;
    const messages = line.replies.read(chunk);
    if (messages === 0) return;
    const times = this.#forAll ? this.#lines[0]!.times : line.times;
    const now = performance.now();
    for (let message = 0; message < messages; message++) {
      const number = this.#forAll ? Math.floor(line.replied / burst) : line.replied;
      if (this.#counting) this.#latencies.push(now - times[number % depth]!);
      line.replied++;
      this.#replied++;
      if (!this.#forAll) continue;
      if (this.#replied % (this.#lines.length * burst) === 0) this.#send(this.#lines[0]!, 1);
    }
    if (this.#forAll) return;
    if (line.replied > line.sent) fail("more replies than messages");
    this.#send(line, messages);
  }

  #send(line: Line, messages: number): void {
    if (this.#stopping) return;
    const { sizes, prelude, chunk, depth } = this.#load;
    const now = performance.now();
    for (let left = messages; left > 0;) {
      const end = Math.min(sizes.length, line.next + left);
      const bytes = this.#frames.subarray(this.#offsets[line.next], this.#offsets[end]);
      const step = chunk > 0 ? chunk : bytes.length;
      for (let at = 0; at < bytes.length; at += step) {
        line.socket.write(bytes.subarray(at, at + step));
      }
      for (let message = line.next; message < end; message++) line.times[line.sent++ % depth] = now;
      this.#sent += end - line.next;
      left -= end - line.next;
      line.next = end === sizes.length ? prelude : end;
    }
  }
}
