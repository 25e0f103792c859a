/*
 * A Bun socket as a transport. All sockets share one handler object; a socket's `data` is its
 * transport, and before that the dialing or accepting side that makes one.
 */

import type { BunSocket, BunSocketHandlers } from "./bun_api.ts";
import type { Transport, TransportSink } from "./transport.ts";

/** A Bun socket whose `data` says who is told what happens on it. */
export type Socket = BunSocket<SocketOwner>;

/** Who is told what happens on a socket. By default nothing is done. */
export abstract class SocketOwner {
  opened(_socket: Socket): void {}
  secured(_socket: Socket, _success: boolean, _error: Error | null): void {}
  received(_chunk: Uint8Array): void {}
  drained(): void {}
  peerEnded(): void {}
  failed(_error: Error): void {}
  closed(_error?: Error): void {}
}

/** The handlers of every socket. */
export const handlers: BunSocketHandlers<SocketOwner> = {
  binaryType: "uint8array",
  open: (socket) => socket.data.opened(socket),
  handshake: (socket, success, error) => socket.data.secured(socket, success, error),
  data: (socket, chunk) => socket.data.received(chunk),
  drain: (socket) => socket.data.drained(),
  end: (socket) => socket.data.peerEnded(),
  error: (socket, error) => socket.data.failed(error),
  close: (socket, error) => socket.data.closed(error),
  connectError: () => {},
};

/**
 * JavaScriptCore keeps the bytes of a small array beside the object, and moves them out for the first
 * view, which takes three times as long as a copy (bench/micro/view.ts). From here on masking by words
 * makes that view anyway.
 */
const COPIES_BELOW = 256;

/** A Bun socket as a {@linkcode Transport}. */
export class BunTransport extends SocketOwner implements Transport {
  readonly #socket: Socket;
  #sink: TransportSink | undefined;
  /** What of the last write Bun has not taken: `#offset` to `#length` of `#bytes`. */
  #bytes: Uint8Array | undefined;
  #offset = 0;
  #length = 0;
  /** Chunks that came while stopped: after a reset Bun reads what is left all the same. */
  #held: Uint8Array[] | undefined;
  #error: Error | undefined;
  #paused = false;
  /** Bun's socket is paused: by the user, or because nobody has called `start`. */
  #stopped = false;
  #ended = false;
  #peerEnded = false;
  #endTold = false;
  #destroyed = false;
  #closed = false;
  #over = false;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.data = this;
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? "";
  }

  get remotePort(): number {
    return this.#socket.remotePort ?? 0;
  }

  get bufferedAmount(): number {
    return this.#length - this.#offset;
  }

  get copiesBelow(): number {
    return COPIES_BELOW;
  }

  start(sink: TransportSink): void {
    this.#sink = sink;
    this.flow();
  }

  write(bytes: Uint8Array, length: number): boolean {
    if (this.#ended || this.#over) return true;
    if (this.#closed) {
      // The close waits for `resume`, but whoever still writes must learn of it now.
      this.#finishSoon();
      return true;
    }
    const taken = this.#socket.write(bytes, 0, length);
    if (taken === length) return true;
    if (taken < 0) {
      this.#broke();
      return true;
    }
    this.#bytes = bytes;
    this.#offset = taken;
    this.#length = length;
    return false;
  }

  pause(): void {
    this.#paused = true;
    this.flow();
  }

  resume(): void {
    this.#paused = false;
    this.flow();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#bytes === undefined && !this.#closed) this.#socket.shutdown();
  }

  destroy(error?: Error): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#held = undefined;
    this.#error ??= error;
    if (this.#closed) this.#finishSoon();
    // Not `terminate`: its reset would take away what the peer has not read yet.
    else this.#socket.close();
  }

  /** Lets Bun read, or stops it: it reads while there is a sink that is not paused. */
  flow(): void {
    const stop = this.#paused || this.#sink === undefined;
    if (stop !== this.#stopped && !this.#closed) {
      if (stop) this.#socket.pause();
      else this.#socket.resume();
    }
    this.#stopped = stop;
    const late = this.#held !== undefined || this.#peerEnded || this.#closed;
    if (!stop && late) queueMicrotask(() => this.#deliver());
  }

  override secured(_: Socket, success: boolean, error: Error | null): void {
    // Cut in its handshake, the socket tells that it failed.
    if (!success && !this.#destroyed) this.#error ??= error ?? undefined;
  }

  override received(chunk: Uint8Array): void {
    if (this.#stopped || this.#held !== undefined) (this.#held ??= []).push(chunk);
    else this.#sink!.data(chunk);
  }

  override drained(): void {
    const bytes = this.#bytes;
    if (bytes === undefined) return;
    const taken = this.#socket.write(bytes, this.#offset, this.#length - this.#offset);
    if (taken < 0) return this.#broke();
    this.#offset += taken;
    if (this.#offset < this.#length) return;
    this.#bytes = undefined;
    if (this.#ended) this.#socket.shutdown();
    this.#sink?.drain();
  }

  override peerEnded(): void {
    this.#peerEnded = true;
    this.#deliver();
  }

  override failed(error: Error): void {
    this.destroy(error);
  }

  override closed(error?: Error): void {
    this.#closed = true;
    if (!this.#destroyed) this.#error ??= error;
    // Without a sink, or with chunks held for a paused one, it has to wait for them; a write that
    // was under way has failed and cannot wait.
    if (this.#held === undefined || this.#bytes !== undefined) this.#finishSoon();
  }

  /** What came while nobody listened, in its order. */
  #deliver(): void {
    while (this.#held !== undefined && !this.#stopped) {
      const chunk = this.#held.shift()!;
      if (this.#held.length === 0) this.#held = undefined;
      this.#sink!.data(chunk);
    }
    if (this.#stopped || this.#over) return;
    if (this.#peerEnded) this.#tellEnd();
    if (this.#closed) this.#finish();
  }

  /** A write has met a reset. Bun swallows the error, and while paused tells no close either. */
  #broke(): void {
    const error = new Error("the peer has closed or reset the connection");
    this.destroy(Object.assign(error, { code: "ECONNRESET" }));
  }

  #tellEnd(): void {
    if (this.#endTold || this.#destroyed) return;
    this.#endTold = true;
    this.#sink!.end();
  }

  /** `closed` must not come from inside a call of ours, from which Bun may have told us. */
  #finishSoon(): void {
    queueMicrotask(() => this.#finish());
  }

  #finish(): void {
    if (this.#over || this.#sink === undefined) return;
    this.#over = true;
    this.#bytes = this.#held = undefined;
    this.#offset = this.#length = 0;
    // After our own FIN Bun tells the peer's as a close without error.
    if (this.#error === undefined) this.#tellEnd();
    this.#sink.closed(this.#error);
  }
}
