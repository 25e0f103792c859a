/* A socket of `node:net` or `node:tls` as a transport. */

import { Buffer } from "node:buffer";
import type { Transport, TransportSink } from "./transport.ts";

/**
 * A large write is split into pieces of this size, because Node counts a piece as buffered until
 * its last byte has left: `bufferedAmount` falls in steps of 64 KiB.
 */
const PIECE_SIZE = 65_536;

/** Written after a deferred write, for a callback when it has left. */
const NOTHING = new Uint8Array(0);

/**
 * Node would spend a turn of the event loop on every write below this mark to report free space
 * (bench/NOTES.md).
 */
const WRITE_MARK = PIECE_SIZE + 1;

/** The key of a socket's transport, for the shared listeners. */
const transportOf = Symbol("transport");

/** The part of a Node stream that carries a transport: `net.Socket`, `TLSSocket`, the `Duplex` of an upgrade. */
export interface NodeSocket {
  readonly destroyed: boolean;
  readonly readableEnded?: boolean;
  readonly servername?: string | false | null;
  readonly encrypted?: boolean;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly writableLength: number;
  /** An undocumented part of Node; without it, writing only takes slightly longer. */
  readonly _writableState?: { highWaterMark: number };
  on(event: "data", listener: (this: NodeSocket, chunk: Uint8Array<ArrayBuffer>) => void): unknown;
  on(event: "error", listener: (this: NodeSocket, error: Error) => void): unknown;
  on(event: "end" | "close", listener: (this: NodeSocket) => void): unknown;
  write(chunk: Uint8Array, written?: ((error?: Error | null) => void) | undefined): boolean;
  pause(): unknown;
  resume(): unknown;
  end(): unknown;
  destroy(error?: Error): unknown;
  [transportOf]?: NodeTransport;
}

/** A write that has not left completely. The socket has not accepted `bytes` from `offset` to `length`. */
interface PendingWrite {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

const ON_DENO = "Deno" in globalThis;

/** A Node socket as a {@linkcode Transport}. */
export class NodeTransport implements Transport {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #socket: NodeSocket;
  #sink: TransportSink | undefined;
  /** The write that has not left completely. */
  #pending: PendingWrite | undefined;
  #written: ((error?: Error | null) => void) | undefined;
  #ended = false;
  #over = false;
  #error: Error | undefined;

  /**
   * @param socket The open socket, which must have no other reader. Node's own kinds are `net.Socket`,
   * `tls.TLSSocket`, and the one that an `upgrade` event of `node:http` hands over.
   * @param peer The stream below, if the socket does not have the peer's address.
   */
  constructor(socket: NodeSocket, peer?: Pick<Transport, "remoteAddress" | "remotePort">) {
    this.#socket = socket;
    // Node drops the address when the socket closes, so it is read now.
    this.remoteAddress = socket.remoteAddress ?? peer?.remoteAddress ?? "";
    this.remotePort = socket.remotePort ?? peer?.remotePort ?? 0;
    socket[transportOf] = this;
    if (socket._writableState !== undefined) socket._writableState.highWaterMark = WRITE_MARK;
    // A socket that is already closed does not report it again.
    this.#over = socket.destroyed;
    socket.on("error", NodeTransport.#onError);
    socket.on("close", NodeTransport.#onClose);
  }

  get pollsRarely(): boolean {
    return ON_DENO;
  }

  get serverName(): string | undefined {
    return this.#socket.servername || undefined;
  }

  /** TLS records leave in a later turn of the event loop even when the kernel has room. */
  get writesLater(): boolean {
    return this.#socket.encrypted === true;
  }

  get bufferedAmount(): number {
    if (this.#over) return 0;
    const pending = this.#pending;
    const below = this.#socket.writableLength;
    return pending === undefined ? below : below + pending.length - pending.offset;
  }

  start(sink: TransportSink): void {
    const first = this.#sink === undefined;
    this.#sink = sink;
    if (!first) return;
    if (this.#over) {
      queueMicrotask(() => this.#sink!.closed(this.#error));
      return;
    }
    this.#socket.on("end", NodeTransport.#onEnd);
    // Another reader may already have reached the end.
    if (this.#socket.readableEnded === true) queueMicrotask(() => this.#sink!.end());
    // Starts to flow in a later tick, unless `pause` is called before.
    this.#socket.on("data", NodeTransport.#onData);
  }

  write(bytes: Uint8Array, length: number): boolean {
    if (this.#ended || this.#over || this.#socket.destroyed) return true;
    return this.#push(bytes, 0, length);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const pending = this.#pending;
    if (pending === undefined || pending.offset === pending.length) this.#socket.end();
  }

  destroy(error?: Error): void {
    this.#socket.destroy(error);
  }

  /**
   * Writes `bytes` from `offset` to `length`, piece by piece while the socket accepts them at once;
   * `true` when all have left.
   */
  #push(bytes: Uint8Array, offset: number, length: number): boolean {
    // A write that always completes later gets its own callback, any other an empty write with a
    // callback behind it, so that the common write, which completes at once, costs no callback.
    const written = this.writesLater ? this.#callback : undefined;
    while (offset < length) {
      const size = Math.min(length - offset, PIECE_SIZE);
      // Passing a Buffer saves the stream from creating one for the same memory.
      this.#socket.write(Buffer.from(bytes.buffer, bytes.byteOffset + offset, size), written);
      offset += size;
      if (this.#socket.writableLength > 0) {
        this.#pending = { bytes, offset, length };
        if (written === undefined) this.#socket.write(NOTHING, this.#callback);
        return false;
      }
    }
    this.#pending = undefined;
    return true;
  }

  get #callback(): (error?: Error | null) => void {
    return this.#written ??= (error) => this.#onWritten(error);
  }

  #onWritten(error?: Error | null): void {
    // "close" follows an error, and the end of a destroyed socket's write, which Node reports without one.
    const pending = this.#pending;
    if (error || pending === undefined || this.#socket.destroyed) return;
    if (this.#socket.writableLength > 0) return;
    if (!this.#push(pending.bytes, pending.offset, pending.length)) return;
    if (this.#ended) this.#socket.end();
    this.#sink?.drain();
  }

  static #onData(this: NodeSocket, chunk: Uint8Array<ArrayBuffer>): void {
    // Node gives each chunk separate memory, so what the sink returns does not matter.
    this[transportOf]!.#sink!.data(
      new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength),
    );
  }

  static #onEnd(this: NodeSocket): void {
    this[transportOf]!.#sink!.end();
  }

  static #onError(this: NodeSocket, error: Error): void {
    this[transportOf]!.#error ??= error;
  }

  static #onClose(this: NodeSocket): void {
    const transport = this[transportOf]!;
    transport.#over = true;
    transport.#pending = undefined;
    transport.#sink?.closed(transport.#error);
  }
}
