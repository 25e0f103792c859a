/* A transport over a socket of `node:net` or `node:tls`. */

import { Buffer } from "node:buffer";
import { type TextMethods, textMethods } from "../shared/text_methods.ts";
import type { Transport, TransportSink } from "./transport.ts";

/**
 * Large writes are split into pieces of this size, because Node counts a piece as buffered until
 * its last byte is sent: `bufferedAmount` falls in steps of about 64 KiB.
 */
const PIECE_SIZE = 65_536;

/** The maximum size of the last piece: messages of 64 KiB with their headers need no second one. */
const LAST_PIECE_SIZE = PIECE_SIZE + 1024;

/** Written after a deferred write, to get a callback when that was sent. */
const NOTHING = new Uint8Array(0);

/**
 * For every write below this mark Node would use a turn of the event loop to report free space
 * (bench/NOTES.md).
 */
const WRITE_MARK = LAST_PIECE_SIZE + 1;

/** The key of a socket's transport, for the shared listeners. */
const transportOf = Symbol("transport");

/** The part of a Node stream used here: `net.Socket`, `TLSSocket`, the `Duplex` of an upgrade. */
export interface NodeSocket {
  readonly destroyed: boolean;
  readonly readableEnded?: boolean;
  readonly servername?: string | false | null;
  readonly encrypted?: boolean;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly writableLength: number;
  /** Undocumented in Node; without it, writing just takes slightly longer. */
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

/** An incomplete write: the socket has not accepted `bytes` from `offset` to `length`. */
interface PendingWrite {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

const ON_DENO = "Deno" in globalThis;

// On V8, `utf8Write` is no faster than the encoder.
textMethods.utf8Slice = (Buffer.prototype as TextMethods).utf8Slice;

/** The maximum size of the memory to remember: that of the memory that all connections share. */
const SHARED_MAX = 132_096;

/** The memory written last, usually the memory that all connections share, and its buffer. */
let seen: Uint8Array = NOTHING;
let seenBuffer: ArrayBufferLike = NOTHING.buffer;
let seenOffset = 0;

/**
 * A `Buffer` over a part of `bytes`: 0.3 to 0.5 of the time on Node if it reads `buffer` and
 * `byteOffset` only of other memory than before (bench/NOTES.md).
 */
function bufferOf(bytes: Uint8Array, offset: number, size: number): Buffer {
  // Long messages are not remembered, because that would keep their memory.
  if (bytes.length > SHARED_MAX) return Buffer.from(bytes.buffer, bytes.byteOffset + offset, size);
  if (bytes !== seen) {
    seen = bytes;
    seenBuffer = bytes.buffer;
    seenOffset = bytes.byteOffset;
  }
  return Buffer.from(seenBuffer, seenOffset + offset, size);
}

/** A {@linkcode Transport} over a Node socket. */
export class NodeTransport implements Transport {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #socket: NodeSocket;
  #sink: TransportSink | undefined;
  /** The incomplete write. */
  #pending: PendingWrite | undefined;
  #written: ((error?: Error | null) => void) | undefined;
  #ended = false;
  #over = false;
  #error: Error | undefined;

  /**
   * @param socket The open socket without other readers: a `net.Socket`, a `tls.TLSSocket`, or that
   * of an `upgrade` event of `node:http`.
   * @param peer The underlying stream, if the socket does not have the peer's address.
   */
  constructor(socket: NodeSocket, peer?: Pick<Transport, "remoteAddress" | "remotePort">) {
    this.#socket = socket;
    // Read now, because Node drops the address when the socket closes.
    this.remoteAddress = socket.remoteAddress ?? peer?.remoteAddress ?? "";
    this.remotePort = socket.remotePort ?? peer?.remotePort ?? 0;
    socket[transportOf] = this;
    if (socket._writableState !== undefined) socket._writableState.highWaterMark = WRITE_MARK;
    // A closed socket does not report the close again.
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

  /** TLS records are sent in a later turn of the event loop even if the kernel has room. */
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
    // Starts to flow in a later tick, unless `pause` is called first.
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
   * Writes `bytes` from `offset` to `length`, piece by piece while the socket accepts them; returns
   * `true` if everything was sent.
   */
  #push(bytes: Uint8Array, offset: number, length: number): boolean {
    // A write that always completes later gets a callback. Others are followed by an empty write
    // with a callback, so that the common write, which completes immediately, needs none.
    const written = this.writesLater ? this.#callback : undefined;
    while (offset < length) {
      const rest = length - offset;
      const size = rest <= LAST_PIECE_SIZE ? rest : PIECE_SIZE;
      // Passing a Buffer saves the stream from creating one.
      this.#socket.write(bufferOf(bytes, offset, size), written);
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
    // "close" follows an error, and a write to a destroyed socket, which Node reports without an
    // error.
    const pending = this.#pending;
    if (error || pending === undefined || this.#socket.destroyed) return;
    if (this.#socket.writableLength > 0) return;
    if (!this.#push(pending.bytes, pending.offset, pending.length)) return;
    if (this.#ended) this.#socket.end();
    this.#sink?.drain();
  }

  static #onData(this: NodeSocket, chunk: Uint8Array<ArrayBuffer>): void {
    // Each chunk of Node has separate memory, so the result is irrelevant.
    this[transportOf]!.#sink!.data(
      new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length),
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
