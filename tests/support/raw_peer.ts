// The peer of a connection under test: a client or a server whose bytes the test controls, and that
// enforces no protocol rules.

import { createHash } from "node:crypto";
import type { TransportSink } from "../../src/transport/transport.ts";
import type { MemoryTransport } from "./memory_network.ts";
import { concat, frame, type FrameParts, parseFrames, utf8, type WireFrame } from "./vectors.ts";

/** The key of the example in RFC 6455 section 1.3. */
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** Computes the value of Sec-WebSocket-Accept for a key (RFC 6455 4.2.2, item 5.4). */
export function acceptOf(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

/** Creates a valid upgrade request, with additional header lines. */
export function upgradeRequest(lines: readonly string[] = [], target = "/chat"): string {
  return [
    `GET ${target} HTTP/1.1`,
    "Host: a.example",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${KEY}`,
    "Sec-WebSocket-Version: 13",
    ...lines,
    "",
    "",
  ].join("\r\n");
}

/** An HTTP response. */
export interface RawAnswer {
  readonly status: number;
  /** The head as text, including the blank line. */
  readonly head: string;
  readonly headers: Headers;
}

/** Parses the head of a response. */
export function readAnswer(head: string): RawAnswer {
  const headers = new Headers();
  for (const line of head.trimEnd().split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    headers.append(line.slice(0, colon), line.slice(colon + 1));
  }
  return { status: Number(head.slice(9, 12)), head, headers };
}

/** Creates the 101 response to an upgrade request, with additional header lines. */
export function upgradeAnswer(request: string, lines: readonly string[]): string {
  const key = /Sec-WebSocket-Key: (.*)\r\n/i.exec(request)![1];
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${acceptOf(key)}`,
    ...lines,
    "",
    "",
  ].join("\r\n");
}

/** One end of an in-memory stream, controlled by a test. */
export class RawPeer implements TransportSink {
  readonly transport: MemoryTransport;
  readonly #mask: readonly number[] | undefined;
  /** The bytes received after the head. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Whether the other side has ended its stream. */
  ended = false;
  /** Whether the stream is closed. */
  isClosed = false;
  #waiters: Array<() => void> = [];

  /**
   * @param transport The peer's end of the stream.
   * @param mask For a client: the key that masks its frames.
   */
  constructor(transport: MemoryTransport, mask?: readonly number[]) {
    this.transport = transport;
    this.#mask = mask;
    transport.start(this);
  }

  data(chunk: Uint8Array): void {
    this.bytes = concat(this.bytes, chunk);
    this.#wake();
  }

  drain(): void {
    this.#wake();
  }

  end(): void {
    this.ended = true;
    this.#wake();
  }

  closed(): void {
    this.isClosed = true;
    this.#wake();
  }

  /** The bytes received after the head, as text. */
  get text(): string {
    return new TextDecoder().decode(this.bytes);
  }

  /** The frames received after the head. */
  get frames(): WireFrame[] {
    return parseFrames(this.bytes);
  }

  /** The payloads of {@linkcode RawPeer.frames}, as text. */
  get payloads(): string[] {
    return this.frames.map(({ payload }) => new TextDecoder().decode(payload));
  }

  /** Encodes frames as this side sends them. */
  encode(...frames: FrameParts[]): Uint8Array {
    return concat(...frames.map((parts) => frame({ mask: this.#mask, ...parts })));
  }

  /** Sends bytes, text or frames in one chunk. */
  send(...parts: Array<Uint8Array | string | FrameParts>): void {
    const bytes = concat(...parts.map((part) => {
      if (part instanceof Uint8Array) return part;
      return typeof part === "string" ? utf8(part) : this.encode(part);
    }));
    this.transport.write(bytes, bytes.length);
  }

  /** Waits until a condition is true. It is checked after each event of this end. */
  async until(isMet: () => boolean): Promise<void> {
    while (!isMet()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Waits until at least `count` frames have arrived, and returns all frames. */
  async framesOf(count: number): Promise<WireFrame[]> {
    await this.until(() => this.bytes.length >= 2 && this.frames.length >= count);
    return this.frames;
  }

  /** Waits for the head of a request or a response and removes it from {@linkcode bytes}. */
  async head(): Promise<string> {
    await this.until(() => this.isClosed || this.text.includes("\r\n\r\n"));
    const end = this.text.indexOf("\r\n\r\n") + 4;
    const head = this.text.slice(0, end);
    this.bytes = this.bytes.slice(end);
    return head;
  }

  /** Waits for the head of a response. */
  async answer(): Promise<RawAnswer> {
    return readAnswer(await this.head());
  }

  /** As a server: waits for the request, responds with 101 and returns the request's head. */
  async acceptUpgrade(
    lines: readonly string[] = [],
    behind: Uint8Array = new Uint8Array(0),
  ): Promise<string> {
    const request = await this.head();
    this.send(upgradeAnswer(request, lines), behind);
    return request;
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
