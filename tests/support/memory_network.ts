// A network without sockets: pairs of transports that hand each other copies of what they write, so
// that connections can be tested whole and without a kernel in between.

import type {
  DialOptions,
  Listener,
  ListenerSink,
  ListenOptions,
  Network,
  Transport,
  TransportSink,
} from "../../src/transport/transport.ts";

/** One end of a pair. */
export class MemoryTransport implements Transport {
  readonly remoteAddress = "memory";
  peer!: MemoryTransport;
  /** Every write that was made, one entry each. */
  readonly writes: Uint8Array[] = [];
  /** While `true`, writes are kept and refused, as by a peer that does not read. */
  blocked = false;
  #sink: TransportSink | undefined;
  #inbox: Array<Uint8Array | "end"> = [];
  #paused = false;
  #pumping = false;
  #kept: Uint8Array | undefined;
  #ended = false;
  #peerEnded = false;
  #over = false;

  get bufferedAmount(): number {
    return this.#kept?.length ?? 0;
  }

  get paused(): boolean {
    return this.#paused;
  }

  start(sink: TransportSink): void {
    this.#sink = sink;
    this.#pump();
  }

  write(bytes: Uint8Array, length: number): boolean {
    if (this.#ended || this.#over) return true;
    if (this.#kept !== undefined) throw new Error("write before drain");
    const copy = bytes.slice(0, length);
    this.writes.push(copy);
    if (this.blocked) {
      this.#kept = copy;
      return false;
    }
    this.peer.#receive(copy);
    return true;
  }

  /** The peer reads again. */
  unblock(): void {
    this.blocked = false;
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept === undefined) return;
    this.peer.#receive(kept);
    this.#sink?.drain();
    if (this.#ended) this.peer.#receive("end");
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#pump();
  }

  end(): void {
    if (this.#ended || this.#over) return;
    this.#ended = true;
    if (this.#kept === undefined) this.peer.#receive("end");
    this.#checkOver();
  }

  destroy(error?: Error): void {
    this.#finish(error);
    this.peer.#finish(new Error("reset by peer"));
  }

  #receive(item: Uint8Array | "end"): void {
    this.#inbox.push(item);
    this.#pump();
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      while (this.#inbox.length > 0 && !this.#paused && !this.#over && this.#sink !== undefined) {
        const item = this.#inbox.shift()!;
        if (item !== "end") this.#sink.data(item);
        else {
          this.#peerEnded = true;
          this.#sink.end();
          this.#checkOver();
        }
      }
    });
  }

  #checkOver(): void {
    if (this.#ended && this.#peerEnded) this.#finish();
  }

  #finish(error?: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#kept = undefined;
    queueMicrotask(() => this.#sink?.closed(error));
  }
}

/** Two connected transports. */
export function transportPair(): [MemoryTransport, MemoryTransport] {
  const pair: [MemoryTransport, MemoryTransport] = [new MemoryTransport(), new MemoryTransport()];
  pair[0].peer = pair[1];
  pair[1].peer = pair[0];
  return pair;
}

/** A network whose ports live in this object. */
export class MemoryNetwork implements Network {
  readonly #listeners = new Map<number, ListenerSink>();
  #nextPort = 1;

  dial(options: DialOptions): Promise<Transport> {
    const sink = this.#listeners.get(options.port);
    if (sink === undefined) return Promise.reject(new Error("connection refused"));
    const [client, server] = transportPair();
    sink.accept(server);
    return Promise.resolve(client);
  }

  listen(options: ListenOptions, sink: ListenerSink): Promise<Listener> {
    const port = options.port === 0 ? this.#nextPort++ : options.port;
    if (this.#listeners.has(port)) return Promise.reject(new Error("address in use"));
    this.#listeners.set(port, sink);
    return Promise.resolve({
      hostname: options.hostname,
      port,
      close: () => {
        this.#listeners.delete(port);
        return Promise.resolve();
      },
    });
  }
}
