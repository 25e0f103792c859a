// The doctor's sockets: `node:net` and `node:tls`, which Deno and Bun have too.

import { Buffer } from "node:buffer";
import * as net from "node:net";
import * as tls from "node:tls";

/** One byte stream to a peer. */
export interface Stream {
  /** Written bytes that are still in the process. */
  readonly bufferedAmount: number;
  /** Starts reading. Nothing is delivered to `sink` before or during the call. */
  start(sink: StreamSink): void;
  /**
   * Writes the first `length` bytes of `bytes`, which the stream keeps. Returns whether all were
   * sent; otherwise `drain` follows, and no further write is allowed before it.
   */
  write(bytes: Uint8Array, length: number): boolean;
  /** Stops reading. */
  pause(): void;
  /** Resumes reading. */
  resume(): void;
  /** Ends the doctor's side after all writes. */
  end(): void;
  /** Closes both sides at once. */
  destroy(): void;
}

/** Receives the events of a {@linkcode Stream}. */
export interface StreamSink {
  /** Bytes have arrived, which the sink may keep. */
  data(chunk: Uint8Array): void;
  /** All written bytes were sent. */
  drain(): void;
  /** The peer has closed its side. */
  end(): void;
  /** The stream is closed on both sides; nothing follows. */
  closed(): void;
}

/** Writes are split into parts of this size, so that the progress of a long one is visible. */
const PART = 65_536;

/** Sockets read no further ahead while they are paused. */
const HIGH_WATER_MARK = 1;

class SocketStream implements Stream {
  readonly #socket: net.Socket;
  #sink: StreamSink | undefined;
  #ending = false;
  #waiting = 0;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    // "close" follows.
    socket.on("error", () => {});
    socket.on("close", () => this.#sink?.closed());
  }

  get bufferedAmount(): number {
    return this.#waiting;
  }

  start(sink: StreamSink): void {
    this.#sink = sink;
    if (this.#socket.destroyed) return queueMicrotask(() => sink.closed());
    this.#socket.on("end", () => sink.end());
    this.#socket.on("data", (chunk: Uint8Array) => sink.data(new Uint8Array(chunk)));
  }

  write(bytes: Uint8Array, length: number): boolean {
    if (this.#ending || this.#socket.destroyed) return true;
    this.#waiting = length;
    this.#push(bytes, 0, length);
    return false;
  }

  #push(bytes: Uint8Array, at: number, end: number): void {
    const part = Buffer.from(bytes.buffer, bytes.byteOffset + at, Math.min(PART, end - at));
    this.#socket.write(part, (error) => {
      // "close" follows an error.
      if (error) return;
      const next = at + part.length;
      this.#waiting = end - next;
      if (next < end) return this.#push(bytes, next, end);
      if (this.#ending) this.#socket.end();
      this.#sink?.drain();
    });
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    if (this.#waiting === 0) this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** The address to connect to. */
export interface DialOptions {
  /** A host name or an IP address; an IPv6 address without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** Present: TLS. `insecure` accepts any certificate. */
  readonly tls?: { readonly insecure: boolean };
  readonly signal: AbortSignal;
}

/** Opens a stream. Rejects with the error of the runtime, or the reason of `signal`. */
export function dial({ hostname: host, port, tls: secure, signal }: DialOptions): Promise<Stream> {
  const address = {
    host,
    port,
    noDelay: true,
    allowHalfOpen: true,
    highWaterMark: HIGH_WATER_MARK,
  };
  const socket = secure === undefined ? net.connect(address) : tls.connect({
    ...address,
    rejectUnauthorized: !secure.insecure,
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
  });
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      socket.destroy();
      reject(signal.reason);
    };
    const fail = (error: Error): void => {
      signal.removeEventListener("abort", abort);
      reject(error);
    };
    signal.addEventListener("abort", abort);
    socket.once("error", fail);
    socket.once(secure === undefined ? "connect" : "secureConnect", () => {
      signal.removeEventListener("abort", abort);
      socket.removeListener("error", fail);
      resolve(new SocketStream(socket));
    });
  });
}

/** A bound socket. */
export interface Listener {
  readonly port: number;
  /** Stops accepting; open connections stay open. */
  close(): void;
}

/** Listens, and hands each connection to `accept`. Rejects with the error of the runtime. */
export function listen(
  hostname: string,
  port: number,
  accept: (stream: Stream) => void,
): Promise<Listener> {
  const server = net.createServer(
    { allowHalfOpen: true, noDelay: true, highWaterMark: HIGH_WATER_MARK },
    (socket) => accept(new SocketStream(socket)),
  );
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: hostname, port }, () => {
      server.removeListener("error", reject);
      // A failed accept leaves the doctor listening.
      server.on("error", () => {});
      const { port } = server.address() as net.AddressInfo;
      resolve({ port, close: () => void server.close() });
    });
  });
}
