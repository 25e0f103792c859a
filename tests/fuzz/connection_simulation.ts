// One connection in virtual time, with random actions of the user and the peer. An oracle records
// accepted and received messages, and the result that each side reports.

import assert from "node:assert/strict";
import process from "node:process";
import type { Connection } from "../../src/connection/connection.ts";
import type { Handlers } from "../../src/connection/handlers.ts";
import type { CloseInfo } from "../../src/session/end.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import { prepareMessage } from "../../src/connection/arguments.ts";
import { Opcode } from "../../src/wire/opcode.ts";
import { ConsoleWatch } from "../support/console.ts";
import { VirtualTime } from "../support/fake_clock.ts";
import type { MemoryTransport } from "../support/memory_network.ts";
import type { RawPeer } from "../support/raw_peer.ts";
import { type CommonOptions, Harness, nextMacrotask } from "../support/socket_harness.ts";
import {
  BINARY,
  CLOSE,
  closePayload,
  concat,
  CONTINUATION,
  PING,
  PONG,
  TEXT,
  type WireFrame,
} from "../support/vectors.ts";

/** How the user reads the connection. */
export type Reading =
  | "handler"
  | "none"
  | "iterator"
  | "iterator left"
  | "readable"
  | "readable canceled";

/** How a handler fails. */
export type Fault = "no" | "throws" | "rejects";

/** The handlers and callbacks that may fail. */
export const CALLBACK_NAMES = [
  "open",
  "message",
  "ping",
  "pong",
  "drain",
  "close",
  "written",
] as const;

/** The setup of a connection. */
export interface SimulationPlan {
  readonly side: "server" | "client";
  readonly reading: Reading;
  readonly options: CommonOptions;
  readonly writesLater: boolean;
  readonly readsAhead: boolean;
  readonly faults: { readonly [name in typeof CALLBACK_NAMES[number]]?: Fault };
  readonly onErrorFails: Fault;
}

/** An action or an event. */
export type Step =
  | { readonly user: "send" | "delayed" | "prepared" | "written" | "ping"; readonly size: number }
  | { readonly user: "stream"; readonly sizes: readonly number[]; readonly delay: number }
  | { readonly user: "fragment"; readonly size: number; readonly fin: boolean }
  | { readonly user: "pause" | "resume" | "terminate" | "stuck stream" }
  | { readonly user: "close"; readonly code: number }
  | { readonly peer: "message" | "ping" | "pong"; readonly size: number; readonly count: number }
  | { readonly peer: "close"; readonly code: number }
  | { readonly peer: "part" | "wrong" | "fin" | "reset" | "silent" | "blocks" | "takes" | "reads" }
  | { readonly pass: number };

/** A message passed to the library. */
interface Sent {
  bytes: Uint8Array;
  /** Whether the library accepted the whole message. */
  isComplete: boolean;
}

/** A connection, and the test's records about it. */
export class Simulation {
  readonly plan: SimulationPlan;
  readonly time: VirtualTime = new VirtualTime();
  readonly harness: Harness = new Harness();
  readonly console: ConsoleWatch = new ConsoleWatch();
  conn!: Connection<undefined>;
  peer!: RawPeer;
  transport!: MemoryTransport;
  /** An unused connection of the same server. */
  neighbor: { conn: Connection<undefined>; peer: RawPeer } | undefined;

  /** Messages that the `message` handler received. */
  messages = 0;
  readonly sent: Sent[] = [];
  /** Why the close may be unclean or late, or `undefined` if no fault has occurred. */
  disruption: string | undefined;
  userCloses: number | undefined;
  /** Unexpected handler calls: for the other connection, or after `close`. */
  readonly unexpectedCalls: string[] = [];
  readonly closes: CloseInfo[] = [];
  closed: CloseInfo | undefined;
  /** The errors that user code has thrown, and those that `onError` has received. */
  readonly thrown: Error[] = [];
  readonly reported: { error: unknown; connection: unknown }[] = [];
  readonly onErrorThrew: Error[] = [];
  readerEnd: "done" | { error: unknown } | undefined;
  /** The code of the Close frame that the peer has sent. */
  peerClosed: number | undefined;
  #answers = true;
  #answeredUntil = 0;
  #pattern = 0;
  #fragments: Sent | undefined;
  #streams = 0;
  #answerCount = 0;
  #blockedTime = 0;

  constructor(plan: SimulationPlan) {
    this.plan = plan;
  }

  /** Opens the connection. */
  async open(): Promise<void> {
    const { side, reading } = this.plan;
    const options = this.#options();
    if (side === "server") {
      const opened = await this.harness.accept(options);
      Object.assign(this, { conn: opened.conn, peer: opened.peer, transport: opened.transport });
    } else {
      const opened = await this.harness.openClient(options);
      Object.assign(this, { conn: opened.conn, peer: opened.peer, transport: opened.transport });
    }
    this.conn.closed.then((info) => this.closed = info);
    this.transport.writesLater = this.plan.writesLater;
    this.transport.readsAhead = this.plan.readsAhead;
    await this.settle();
    if (reading !== "handler") this.#read(reading);
    await this.settle();
  }

  /** Completes all work that takes no time, including the peer's replies. */
  readonly settle = async (): Promise<void> => {
    for (;;) {
      await nextMacrotask();
      const count = this.#answerCount;
      if (this.transport.writesLater && !this.transport.blocked) this.transport.acknowledge();
      if (this.#answers && !this.transport.blocked) this.#answer();
      if (count === this.#answerCount) return;
    }
  };

  /** Advances the time. */
  async pass(milliseconds: number): Promise<void> {
    await this.time.clock.pass(milliseconds, this.settle);
    await this.settle();
  }

  /** Executes one action. */
  async step(step: Step): Promise<void> {
    if ("pass" in step) {
      await this.#passStep(step.pass);
      return;
    }
    if ("user" in step) this.#userStep(step);
    else this.#peerStep(step);
    await this.settle();
  }

  /** Returns the data messages that the peer has received. The last may be partial. */
  received(): { messages: Uint8Array[]; close: WireFrame | undefined; behindClose: number } {
    const messages: Uint8Array[] = [];
    let parts: Uint8Array[] | undefined;
    let close: WireFrame | undefined;
    let behindClose = 0;
    for (const { opcode, fin, payload, frame } of this.#frames(0)) {
      if (close !== undefined && opcode !== PONG) behindClose++;
      if (opcode === CLOSE) close = frame;
      if (opcode > BINARY) continue;
      parts = opcode === CONTINUATION ? [...parts!, payload] : [payload];
      if (!fin) continue;
      messages.push(concat(...parts));
      parts = undefined;
    }
    return { messages, close, behindClose };
  }

  /** Ends all connections, in any state. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#answers = false;
      const ending = this.harness.end();
      for (let i = 0; i < 20; i++) await this.time.clock.pass(20_000, nextMacrotask);
      await ending;
      for (let i = 0; i < 20 && timers.size + this.time.clock.running > 0; i++) {
        await this.time.clock.pass(20_000, nextMacrotask);
      }
    } finally {
      this.console.end();
      this.time[Symbol.dispose]();
    }
  }

  #options(): CommonOptions & { onError: (error: unknown, connection?: unknown) => unknown } {
    const { reading, options, onErrorFails } = this.plan;
    const handlers: Handlers<undefined> = {
      open: () => this.#call("open"),
      ping: () => this.#call("ping"),
      pong: () => this.#call("pong"),
      drain: () => this.#call("drain"),
      close: (_, info) => {
        this.closes.push(info);
        return this.#call("close");
      },
    };
    if (reading === "handler") {
      handlers.message = () => {
        this.messages++;
        return this.#call("message");
      };
    }
    return {
      ...options,
      ...handlers,
      onError: (error, connection) => {
        this.reported.push({ error, connection });
        return this.#fail(onErrorFails, this.onErrorThrew, "onError");
      },
    };
  }

  /** Records a handler call, and fails if the plan says so. */
  #call(name: typeof CALLBACK_NAMES[number]): void {
    if (this.closes.length > 0 && name !== "close" && name !== "written") {
      this.unexpectedCalls.push(name);
    }
    const fault = this.plan.faults[name] ?? "no";
    if (fault !== "no" && this.closes.length === 0 && name !== "written") {
      this.disruption ??= `${name} ${fault}`;
    }
    return this.#fail(fault, this.thrown, name);
  }

  #fail(fault: Fault, list: Error[], name: string): void {
    if (fault === "no") return;
    const error = new Error(`${name} fails for test ${list.length}`);
    list.push(error);
    if (fault === "throws") throw error;
    return Promise.reject(error) as unknown as void;
  }

  #read(reading: Reading): void {
    if (reading === "iterator") {
      this.#readAll(this.conn[Symbol.asyncIterator]());
    } else if (reading === "iterator left") {
      const iterator = this.conn[Symbol.asyncIterator]();
      iterator.next().then(() => iterator.return!(), () => {});
    } else if (reading === "readable") {
      this.#readAll(this.conn.readable[Symbol.asyncIterator]());
    } else if (reading === "readable canceled") {
      this.userCloses ??= 1000;
      this.conn.readable.cancel().catch(() => {});
    }
  }

  #readAll(iterator: AsyncIterator<unknown>): void {
    const next = (): void => {
      iterator.next().then(
        ({ done }) => {
          if (done) this.readerEnd = "done";
          else next();
        },
        (error) => this.readerEnd = { error },
      );
    };
    next();
  }

  async #passStep(milliseconds: number): Promise<void> {
    const { pingInterval, readTimeout, writeTimeout } = this.plan.options;
    const isWatched = Boolean(pingInterval || readTimeout || writeTimeout);
    const isStuck = this.transport.blocked || !this.#answers;
    if (isStuck) {
      this.#blockedTime += milliseconds;
      // Half of the shortest timeout in the plans.
      if (isWatched || this.userCloses !== undefined) {
        if (this.#blockedTime > 1000) this.disruption ??= "the peer is too slow";
      }
    }
    if (readTimeout) this.disruption ??= "the peer may be silent";
    await this.pass(milliseconds);
  }

  #payload(size: number): Uint8Array<ArrayBuffer> {
    const number = ++this.#pattern;
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i++) bytes[i] = number * 31 + i;
    return bytes;
  }

  #accept(send: (bytes: Uint8Array<ArrayBuffer>) => boolean, size: number): void {
    const bytes = this.#payload(size);
    const { readyState } = this.conn;
    const isAccepted = send(bytes);
    if (readyState !== "open") {
      assert.ok(!isAccepted, "a connection that is not open accepted a message");
    } else this.sent.push({ bytes, isComplete: true });
  }

  #userStep(step: Extract<Step, { user: unknown }>): void {
    const { conn } = this;
    switch (step.user) {
      case "send":
        this.#accept((bytes) => conn.send(bytes), step.size);
        break;
      case "delayed":
        this.#accept((bytes) => conn.sendDelayed(bytes), step.size);
        break;
      case "prepared":
        this.#accept((bytes) => conn.sendPrepared(prepareMessage(bytes)), step.size);
        break;
      case "written": {
        const written = (): void => this.#call("written");
        this.#accept((bytes) => conn.send(bytes, { written }), step.size);
        break;
      }
      case "ping":
        conn.ping(new Uint8Array(step.size % 126));
        break;
      case "stream":
        this.#stream(step.sizes, step.delay);
        break;
      case "stuck stream":
        if (conn.readyState !== "open") break;
        this.disruption ??= "a stream does not end";
        conn.sendStream(never()).catch(() => {});
        break;
      case "fragment":
        this.#fragment(step.size, step.fin);
        break;
      case "pause":
        conn.pause();
        break;
      case "resume":
        conn.resume();
        break;
      case "terminate":
        this.disruption ??= "terminated";
        conn.terminate();
        break;
      case "close":
        if (this.#fragments !== undefined) {
          this.disruption ??= "a message of fragments is not completed";
        }
        if (conn.readyState === "open") this.userCloses ??= step.code;
        conn.close(step.code, "closed by the user");
        break;
    }
  }

  #stream(sizes: readonly number[], delay: number): void {
    const parts = sizes.map((size) => this.#payload(size));
    const bytes = Uint8Array.from(parts.flatMap((part) => [...part]));
    const entry: Sent = { bytes, isComplete: false };
    if (this.conn.readyState === "open") this.sent.push(entry);
    this.#streams++;
    this.conn.sendStream(delayedParts(parts, delay), Opcode.Binary).then((isSent) => {
      this.#streams--;
      entry.isComplete = isSent;
    }, (error) => this.unexpectedCalls.push(String(error)));
  }

  #fragment(size: number, fin: boolean): void {
    const bytes = this.#payload(size);
    const isOpen = this.conn.readyState === "open";
    const first = this.#fragments === undefined;
    if (!isOpen) return;
    this.conn.sendFragment(first ? Opcode.Binary : Opcode.Continuation, bytes, { fin });
    if (first) this.sent.push(this.#fragments = { bytes, isComplete: false });
    else this.#fragments!.bytes = Uint8Array.from([...this.#fragments!.bytes, ...bytes]);
    this.#fragments!.isComplete = fin;
    if (fin) this.#fragments = undefined;
  }

  #peerStep(step: Extract<Step, { peer: unknown }>): void {
    const { peer, transport } = this;
    if (peer.transport.ended || peer.isClosed) {
      if (step.peer !== "reads" && step.peer !== "takes" && step.peer !== "blocks") return;
    }
    switch (step.peer) {
      case "message":
      case "ping":
      case "pong": {
        if (this.peerClosed !== undefined) return;
        const opcode = { message: TEXT, ping: PING, pong: PONG }[step.peer];
        const payload = new Uint8Array(opcode === TEXT ? step.size : step.size % 126).fill(0x61);
        for (let i = 0; i < step.count; i++) peer.send({ opcode, payload });
        break;
      }
      case "part":
        if (this.peerClosed !== undefined) return;
        this.disruption ??= "a frame is not completed";
        this.#answers = false;
        peer.send(peer.encode({ opcode: BINARY, payload: new Uint8Array(100) }).subarray(0, 50));
        break;
      case "wrong":
        if (this.peerClosed !== undefined) return;
        this.disruption ??= "a frame breaks the protocol";
        peer.send({ opcode: 3 });
        break;
      case "close":
        if (this.peerClosed !== undefined) return;
        this.#sendClose(step.code);
        break;
      case "fin":
        this.disruption ??= "the peer ends the stream";
        peer.transport.end();
        break;
      case "reset":
        this.disruption ??= "the peer resets the stream";
        peer.transport.destroy();
        break;
      case "silent":
        this.disruption ??= "the peer is silent";
        this.#answers = false;
        break;
      case "blocks":
        transport.blocked = true;
        break;
      case "takes":
        this.#blockedTime = 0;
        transport.deliverPendingWrite();
        break;
      case "reads":
        this.#blockedTime = 0;
        transport.unblock();
        break;
    }
  }

  #sendClose(code: number): void {
    this.peerClosed = code;
    this.peer.send({ opcode: CLOSE, payload: closePayload(code) });
  }

  /** Yields the complete frames after an offset. */
  *#frames(start: number): Generator<
    { opcode: number; fin: boolean; payload: Uint8Array; end: number; frame: WireFrame }
  > {
    const { bytes } = this.peer;
    for (let at = start; at + 2 <= bytes.length;) {
      const isMasked = (bytes[at + 1] & 0x80) !== 0;
      const short = bytes[at + 1] & 0x7f;
      let begin = at + 2;
      let length = short;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      if (short === 126) {
        if (at + 4 > bytes.length) return;
        length = view.getUint16(at + 2);
        begin += 2;
      } else if (short === 127) {
        if (at + 10 > bytes.length) return;
        length = Number(view.getBigUint64(at + 2));
        begin += 8;
      }
      const key = isMasked ? bytes.subarray(begin, begin + 4) : new Uint8Array(4);
      if (isMasked) begin += 4;
      if (begin + length > bytes.length) return;
      const payload = bytes.slice(begin, begin + length);
      if (isMasked) { for (let i = 0; i < length; i++) payload[i] ^= key[i % 4]; }
      const fin = (bytes[at] & 0x80) !== 0;
      const opcode = bytes[at] & 15;
      at = begin + length;
      const frame = { fin, rsv: 0, opcode, masked: isMasked, payload };
      yield { opcode, fin, payload, end: at, frame };
    }
  }

  /** Replies as a correct peer to pings, Close frames and the end of the stream. */
  #answer(): void {
    const { peer } = this;
    for (const { opcode, payload, end } of this.#frames(this.#answeredUntil)) {
      this.#answeredUntil = end;
      this.#answerCount++;
      if (peer.transport.ended || peer.isClosed) continue;
      if (opcode === PING && this.peerClosed === undefined) peer.send({ opcode: PONG, payload });
      if (opcode === CLOSE) {
        if (this.peerClosed === undefined) {
          this.#sendClose(payload.length < 2 ? 1000 : payload[0] * 256 + payload[1]);
        }
        // RFC 6455 7.1.1: the server ends the stream first.
        if (this.plan.side === "client") peer.transport.end();
      }
    }
    if (peer.ended && !peer.transport.ended && !peer.isClosed) {
      this.#answerCount++;
      peer.transport.end();
    }
  }

  /** The number of streams being sent. */
  get streams(): number {
    return this.#streams;
  }

  /** Makes the peer read and reply again. */
  restorePeer(): void {
    this.#answers = true;
    this.transport.unblock();
  }
}

async function* delayedParts(
  parts: Uint8Array[],
  delay: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (const part of parts) {
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
    yield part as Uint8Array<ArrayBuffer>;
  }
}

// deno-lint-ignore require-yield
async function* never(): AsyncGenerator<string> {
  await new Promise(() => {});
}

/** Returns the unhandled rejections during `run`. */
export async function unhandledDuring(run: () => Promise<void>): Promise<unknown[]> {
  const seen: unknown[] = [];
  const note = (error: unknown): void => void seen.push(error);
  process.on("unhandledRejection", note);
  try {
    await run();
    await nextMacrotask();
  } finally {
    process.off("unhandledRejection", note);
  }
  return seen;
}
