// The peer of a connection under test over a real socket, whose bytes the test controls. Uses
// `node:net`, which works on every runtime.

import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { type RawAnswer, readAnswer, upgradeAnswer, upgradeRequest } from "./raw_peer.ts";
import {
  concat,
  frame,
  type FrameParts,
  MASK_KEY,
  parseFrames,
  utf8,
  type WireFrame,
} from "./vectors.ts";

/** The address that a raw client connects to. */
export type RawAddress = { readonly port: number; readonly hostname?: string } | {
  readonly path: string;
};

/** A TCP or Unix socket that enforces no protocol rules. */
export class RawSocket {
  readonly socket: Socket;
  readonly #mask: readonly number[] | undefined;
  #chunks: Uint8Array[] = [];
  #waiters: Array<() => void> = [];
  /** The total number of received bytes. */
  received = 0;
  /** Whether received bytes are counted but not kept. */
  discards = false;
  /** Whether the other side has ended its stream. */
  ended = false;
  /** Whether the socket is closed. */
  isClosed = false;

  /**
   * @param socket The connected socket.
   * @param mask For a client: the key that masks its frames.
   */
  constructor(socket: Socket, mask?: readonly number[]) {
    this.socket = socket;
    this.#mask = mask;
    socket.on("data", (chunk) => {
      this.received += chunk.length;
      if (!this.discards) this.#chunks.push(new Uint8Array(chunk));
      this.#wake();
    });
    socket.on("drain", () => this.#wake());
    socket.on("end", () => {
      this.ended = true;
      this.#wake();
    });
    // Many tests reset connections.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  /** Connects a client, which has sent nothing yet. */
  static open(address: RawAddress): Promise<RawSocket> {
    const target = "path" in address
      ? { path: address.path }
      : { port: address.port, host: address.hostname ?? "127.0.0.1" };
    return new Promise((resolve, reject) => {
      const socket = connect({ ...target, allowHalfOpen: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.removeListener("error", reject);
        resolve(new RawSocket(socket, MASK_KEY));
      });
    });
  }

  /** The received bytes that the test has not read yet. */
  get bytes(): Uint8Array {
    if (this.#chunks.length !== 1) this.#chunks = [concat(...this.#chunks)];
    return this.#chunks[0];
  }

  /** {@linkcode RawSocket.bytes} as text. */
  get text(): string {
    return new TextDecoder().decode(this.bytes);
  }

  /** The number of bytes handed to the kernel. */
  get flushed(): number {
    return this.socket.bytesWritten - this.socket.writableLength;
  }

  /** Sends bytes, text or frames in one write. Returns `false` if there is backpressure. */
  send(...parts: Array<Uint8Array | string | FrameParts>): boolean {
    return this.socket.write(concat(...parts.map((part) => {
      if (part instanceof Uint8Array) return part;
      return typeof part === "string" ? utf8(part) : this.encode(part);
    })));
  }

  /** Encodes a frame as this side sends it. */
  encode(parts: FrameParts): Uint8Array {
    return frame({ mask: this.#mask, ...parts });
  }

  /** Stops reading, which applies backpressure to the other side. */
  pause(): void {
    this.socket.pause();
  }

  /** Resumes reading. */
  resume(): void {
    this.socket.resume();
  }

  /** Ends this side of the stream. */
  end(): void {
    this.socket.end();
  }

  /** Destroys the socket. */
  destroy(): void {
    this.socket.destroy();
  }

  /** Waits until a condition is true. It is checked after each event of the socket. */
  async until(isMet: () => boolean): Promise<void> {
    while (!isMet()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Waits for `count` bytes, and removes them. */
  async take(count: number): Promise<Uint8Array> {
    await this.until(() => this.isClosed || this.ended || this.bytes.length >= count);
    return this.#take(count);
  }

  /** Reads the next frame, or returns `undefined` if the other side ends first. */
  async frame(): Promise<WireFrame | undefined> {
    await this.until(() => this.isClosed || this.ended || frameSize(this.bytes) !== undefined);
    const size = frameSize(this.bytes);
    return size === undefined ? undefined : parseFrames(this.#take(size))[0];
  }

  /** Reads `count` frames, or fewer if the other side ends first. */
  async frames(count: number): Promise<WireFrame[]> {
    const frames: WireFrame[] = [];
    while (frames.length < count) {
      const next = await this.frame();
      if (next === undefined) break;
      frames.push(next);
    }
    return frames;
  }

  /** Waits for the head of a request or a response, and removes it. */
  async head(): Promise<string> {
    await this.until(() => this.isClosed || this.ended || this.text.includes("\r\n\r\n"));
    const end = this.text.indexOf("\r\n\r\n");
    return new TextDecoder().decode(this.#take(end === -1 ? this.bytes.length : end + 4));
  }

  /** Waits for the head of a response. */
  async answer(): Promise<RawAnswer> {
    return readAnswer(await this.head());
  }

  /** Waits until the other side has ended its stream, and returns all received text. */
  async rest(): Promise<string> {
    await this.until(() => this.isClosed || this.ended);
    return this.text;
  }

  /**
   * As a client: sends an upgrade request with additional header lines, and waits for the response.
   */
  upgrade(lines: readonly string[] = [], ...behind: FrameParts[]): Promise<RawAnswer> {
    this.send(upgradeRequest(lines), ...behind);
    return this.answer();
  }

  /** As a server: waits for the request, responds with 101, and returns the request's head. */
  async acceptUpgrade(lines: readonly string[] = [], ...behind: FrameParts[]): Promise<string> {
    const request = await this.head();
    this.send(upgradeAnswer(request, lines), ...behind);
    return request;
  }

  #take(count: number): Uint8Array {
    const { bytes } = this;
    this.#chunks = [bytes.subarray(count)];
    return bytes.subarray(0, count);
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}

/** Returns the size of the first frame in `bytes`, or `undefined` if the frame is incomplete. */
function frameSize(bytes: Uint8Array): number | undefined {
  if (bytes.length < 2) return undefined;
  const field = bytes[1] & 0x7f;
  const headerSize = 2 + (field === 126 ? 2 : field === 127 ? 8 : 0) +
    ((bytes[1] & 0x80) === 0 ? 0 : 4);
  if (bytes.length < headerSize) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = field < 126
    ? field
    : field === 126
    ? view.getUint16(2)
    : Number(view.getBigUint64(2));
  return bytes.length < headerSize + length ? undefined : headerSize + length;
}

/** A TCP server whose sockets the test accepts one by one. */
export class RawServer {
  readonly #server: Server;
  readonly #ready: RawSocket[] = [];
  readonly #waiting: Array<(socket: RawSocket) => void> = [];
  /** All accepted sockets. */
  readonly sockets: RawSocket[] = [];

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      const raw = new RawSocket(socket);
      this.sockets.push(raw);
      const next = this.#waiting.shift();
      if (next === undefined) this.#ready.push(raw);
      else next(raw);
    });
  }

  /** Listens on a free loopback port. */
  static async listen(): Promise<RawServer> {
    const server = createServer({ allowHalfOpen: true });
    const raw = new RawServer(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return raw;
  }

  /** The port it listens on. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The URL for a WebSocket client. */
  get url(): string {
    return `ws://127.0.0.1:${this.port}/`;
  }

  /** Waits for the next socket. */
  accept(): Promise<RawSocket> {
    const socket = this.#ready.shift();
    if (socket !== undefined) return Promise.resolve(socket);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Stops listening and destroys all sockets. */
  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
  }
}
