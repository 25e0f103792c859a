// An in-memory network: pairs of transports that pass copies of their writes to each other, so that
// tests of whole connections need no sockets. Everything happens in microtasks, so all data has
// arrived after one macrotask.

import type {
  DialOptions,
  Listener,
  ListenerSink,
  ListenOptions,
  Network,
  TlsClientOptions,
  Transport,
  TransportSink,
} from "../../src/transport/transport.ts";

/** One end of a pair. */
export class MemoryTransport implements Transport {
  readonly remoteAddress = "memory";
  peer!: MemoryTransport;
  /** The bytes of each write. */
  readonly writes: Uint8Array[] = [];
  /** While `true`, writes stay pending, as if the peer did not read. */
  blocked = false;
  /** When this end buffers more bytes, writes of the other end stay pending. */
  capacity = Infinity;
  /** While `true`, `pause` has no effect, as if the transport had already read more. */
  readsAhead = false;
  /**
   * While `true`, writes reach the peer but stay pending until {@linkcode acknowledge}, like those
   * of a promise-based socket.
   */
  writesLater = false;
  /** How often reading was paused. */
  pauses = 0;
  #sink: TransportSink | undefined;
  #incoming: Array<Uint8Array | "end"> = [];
  #waiting = 0;
  #paused = false;
  #pumping = false;
  #pendingWrite: Uint8Array | undefined;
  #owesDrain = false;
  #ended = false;
  #peerEnded = false;
  #isClosed = false;
  #closedWith: { error: Error | undefined } | undefined;

  get bufferedAmount(): number {
    return this.#pendingWrite?.length ?? 0;
  }

  /** Whether reading is stopped. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Whether this end has ended its direction of the stream. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the stream is closed in both directions. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** All written bytes. */
  get written(): Uint8Array {
    const whole = new Uint8Array(this.writes.reduce((size, write) => size + write.length, 0));
    let at = 0;
    for (const write of this.writes) {
      whole.set(write, at);
      at += write.length;
    }
    return whole;
  }

  start(sink: TransportSink): void {
    this.#sink = sink;
    this.#pump();
    this.#notifyClosed();
  }

  write(bytes: Uint8Array, length: number): boolean {
    if (this.#ended || this.#isClosed) return true;
    if (this.#owesDrain) throw new Error("write before drain");
    this.#pendingWrite = bytes.slice(0, length);
    this.writes.push(this.#pendingWrite);
    this.#deliver();
    this.#owesDrain = this.#pendingWrite !== undefined || this.writesLater;
    return !this.#owesDrain;
  }

  /** Completes the pending write. */
  acknowledge(): void {
    if (!this.#owesDrain || this.#pendingWrite !== undefined) return;
    this.#owesDrain = false;
    this.#sink?.drain();
  }

  /** Lets the peer read again. */
  unblock(): void {
    this.blocked = false;
    this.#deliver();
  }

  /** Delivers the pending write to the peer, and no other. */
  deliverPendingWrite(): void {
    this.#deliver(true);
  }

  pause(): void {
    if (!this.#paused) this.pauses++;
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#pump();
  }

  end(): void {
    if (this.#ended || this.#isClosed) return;
    this.#ended = true;
    if (this.#pendingWrite === undefined) this.peer.#receive("end");
    this.#checkClosed();
  }

  destroy(error?: Error): void {
    this.#finish(error);
    this.peer.#finish(new Error("reset by peer"));
  }

  #deliver(evenIfBlocked = false): void {
    const write = this.#pendingWrite;
    if (write === undefined || this.peer.#waiting > this.peer.capacity) return;
    if (this.blocked && !evenIfBlocked) return;
    this.#pendingWrite = undefined;
    this.peer.#receive(write);
    if (this.#ended) this.peer.#receive("end");
    if (!this.writesLater) this.acknowledge();
  }

  #receive(item: Uint8Array | "end"): void {
    this.#incoming.push(item);
    if (item !== "end") this.#waiting += item.length;
    this.#pump();
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      while (this.#incoming.length > 0 && this.#reads) {
        const item = this.#incoming.shift()!;
        if (item !== "end") {
          this.#waiting -= item.length;
          // If the sink does not keep the memory, overwriting it must not matter.
          if (this.#sink!.data(item) === true) item.fill(0xee);
          this.peer.#deliver();
        } else {
          this.#peerEnded = true;
          this.#sink!.end();
          this.#checkClosed();
        }
      }
    });
  }

  get #reads(): boolean {
    return (!this.#paused || this.readsAhead) && !this.#isClosed && this.#sink !== undefined;
  }

  #checkClosed(): void {
    if (this.#ended && this.#peerEnded && this.#pendingWrite === undefined) this.#finish(undefined);
  }

  #finish(error: Error | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pendingWrite = undefined;
    this.#closedWith = { error };
    this.#notifyClosed();
  }

  #notifyClosed(): void {
    queueMicrotask(() => {
      if (this.#sink === undefined || this.#closedWith === undefined) return;
      const { error } = this.#closedWith;
      this.#closedWith = undefined;
      this.#sink.closed(error);
    });
  }
}

/** Creates two connected transports. */
export function transportPair(): [MemoryTransport, MemoryTransport] {
  const pair: [MemoryTransport, MemoryTransport] = [new MemoryTransport(), new MemoryTransport()];
  pair[0].peer = pair[1];
  pair[1].peer = pair[0];
  return pair;
}

/** An in-memory network with its own ports. */
export class MemoryNetwork implements Network {
  /** The options of each `dial`. */
  readonly dialed: DialOptions[] = [];
  /** The options of each `listen`. */
  readonly listened: ListenOptions[] = [];
  /** The server's end of each connection, in order. */
  readonly accepted: MemoryTransport[] = [];
  readonly #sinks = new Map<number, ListenerSink>();
  readonly #listening = new Set<number>();
  #nextPort = 1;

  dial(options: DialOptions): Promise<Transport> {
    this.dialed.push(options);
    if (!this.#listening.has(options.port)) {
      return Promise.reject(new Error("connection refused"));
    }
    return Promise.resolve(this.open(options.port));
  }

  /**
   * Opens a connection and returns the client's end. It reaches the server even if that has just
   * stopped listening, like a connection that the system has already accepted.
   */
  open(port: number): MemoryTransport {
    const [client, server] = transportPair();
    this.accepted.push(server);
    this.#sinks.get(port)!.accept(server);
    return client;
  }

  listen(options: ListenOptions, sink: ListenerSink): Promise<Listener> {
    this.listened.push(options);
    const port = options.port === 0 ? this.#nextPort++ : options.port;
    if (this.#listening.has(port)) return Promise.reject(new Error("address in use"));
    this.#listening.add(port);
    this.#sinks.set(port, sink);
    return Promise.resolve({
      hostname: options.hostname,
      port,
      close: () => {
        this.#listening.delete(port);
        return Promise.resolve();
      },
    });
  }

  /** Whether there is a listener on the port. */
  isListening(port: number): boolean {
    return this.#listening.has(port);
  }

  /** Makes a listener fail to accept a connection. */
  failAccept(port: number, error: Error): void {
    this.#sinks.get(port)!.error(error);
  }

  startTls(transport: Transport, _options: TlsClientOptions): Promise<Transport> {
    return Promise.resolve(transport);
  }

  lookup(hostname: string): Promise<string> {
    return Promise.reject(new Error(`no address for ${hostname}`));
  }
}
