/*
 * The port to Bun's sockets: `Bun.connect`, `Bun.listen`, and transports over their sockets. All
 * sockets share one handler object; a socket's `data` is its transport, or initially the dialer or
 * listener that creates it.
 */

import type {
  DialOptions,
  Listener,
  ListenerSink,
  ListenOptions,
  Network,
  TlsClientOptions,
  Transport,
  TransportSink,
} from "./transport.ts";
import { Buffer } from "node:buffer";
import process from "node:process";
import { maxUnixPathOn } from "../shared/check.ts";
import { type TextMethods, textMethods } from "../shared/text_methods.ts";
import { checkRuntime } from "./node_versions.ts";

/** One socket, accepted or connected. */
interface BunSocket<Data> {
  /** The value passed to the handlers: set per connection, or inherited from the listener. */
  data: Data;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  /** Returns the number of bytes accepted by the kernel, or -1 if the socket is closed. */
  write(bytes: Uint8Array, offset: number, length: number): number;
  /** Sends a FIN (TLS: a close_notify); reading continues. */
  shutdown(): void;
  /**
   * Closes immediately; the kernel still sends its buffered output, then a FIN. Calls the `close`
   * handler synchronously, except with TLS and a full buffer.
   */
  close(): void;
  /** Closes immediately with a reset. Calls the `close` handler synchronously. */
  terminate(): void;
  pause(): void;
  resume(): void;
  setNoDelay(noDelay: boolean): boolean;
  /** The result of a finished TLS handshake; `null` before. */
  getCipher(): object | null;
}

/** The callbacks of sockets; one object serves any number of sockets. */
interface BunSocketHandlers<Data> {
  /**
   * The argument type of `data`: `"uint8array"` is a plain `Uint8Array` with separate memory per
   * call.
   */
  binaryType: "uint8array";
  open(socket: BunSocket<Data>): void;
  handshake(socket: BunSocket<Data>, success: boolean, error: Error | null): void;
  data(socket: BunSocket<Data>, chunk: Uint8Array): void;
  drain(socket: BunSocket<Data>): void;
  end(socket: BunSocket<Data>): void;
  error(socket: BunSocket<Data>, error: Error): void;
  close(socket: BunSocket<Data>, error?: Error): void;
  /** Must be present, or a failed `Bun.connect` is reported as an unhandled rejection. */
  connectError(socket: BunSocket<Data>, error: Error): void;
}

/** TLS options of either side, as PEM texts. An empty object or an empty `ca` would disable TLS. */
interface BunTlsOptions {
  ca?: string[] | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  serverName?: string | undefined;
  rejectUnauthorized?: boolean | undefined;
}

/** The address to listen on or to connect to, and the handlers. */
interface BunSocketOptions<Data> {
  hostname?: string | undefined;
  port?: number | undefined;
  unix?: string | undefined;
  socket: BunSocketHandlers<Data>;
  data: Data;
  tls?: BunTlsOptions | undefined;
  allowHalfOpen: boolean;
  reusePort?: boolean | undefined;
}

/** A bound socket. */
interface BunListener {
  readonly hostname?: string;
  readonly port?: number;
  /** Stops accepting; open sockets remain open. */
  stop(): void;
}

/** The global `Bun`. */
interface BunApi {
  connect<Data>(options: BunSocketOptions<Data>): Promise<BunSocket<Data>>;
  listen<Data>(options: BunSocketOptions<Data>): BunListener;
}

/** The `Bun` of this process. Throws a `TypeError` if there is none. */
function bunApi(): BunApi {
  const bun = (globalThis as { Bun?: BunApi }).Bun;
  if (bun === undefined) throw new TypeError("this transport needs Bun: globalThis.Bun is missing");
  return bun;
}

/** A Bun socket whose `data` is the receiver of its events. */
type Socket = BunSocket<SocketOwner>;

/** Receives a socket's events, and ignores them by default. */
class SocketOwner {
  opened(_socket: Socket): void {}
  secured(_socket: Socket, _success: boolean, _error: Error | null): void {}
  received(_chunk: Uint8Array): void {}
  drained(): void {}
  peerEnded(): void {}
  failed(_error: Error): void {}
  closed(_error?: Error): void {}
}

/** The handlers of every socket. */
const handlers: BunSocketHandlers<SocketOwner> = {
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
 * JavaScriptCore stores the bytes of a small array inline and moves them for the first view, which
 * takes three times as long as a copy (bench/micro/view.ts). From this size, masking by words
 * creates that view anyway.
 */
const COPIES_BELOW = 256;

/**
 * The state of a transport in one number: separate fields would take 56 more bytes per connection.
 */
const Flag = {
  /** The user has paused it. */
  Paused: 1,
  /** Bun's socket is paused: by the user, or because `start` was not called. */
  Stopped: 2,
  /** The local side was ended. */
  Ended: 4,
  /** The peer has ended its side. */
  PeerEnded: 8,
  /** The sink was notified of that. */
  EndNotified: 16,
  /** It was cut. */
  Destroyed: 32,
  /** Bun's socket has closed. */
  Closed: 64,
  /** The sink was notified of that. */
  CloseNotified: 128,
} as const;

/** The part of a write not accepted by Bun: `bytes` from `offset` to `length`. */
interface PendingWrite {
  readonly bytes: Uint8Array;
  offset: number;
  readonly length: number;
}

const { utf8Slice, utf8Write } = Buffer.prototype as TextMethods;
Object.assign(textMethods, { utf8Slice, utf8Write });

/** A Bun socket as a {@linkcode Transport}. */
class BunTransport extends SocketOwner implements Transport {
  readonly #socket: Socket;
  #sink: TransportSink | undefined;
  /** The part of the last write not accepted by Bun. */
  #pending: PendingWrite | undefined;
  /** Chunks received while stopped: after a reset Bun still reads the rest. */
  #held: Uint8Array[] | undefined;
  #error: Error | undefined;
  /** The `Flag` bits. */
  #flags = 0;

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
    const pending = this.#pending;
    return pending === undefined ? 0 : pending.length - pending.offset;
  }

  get copiesBelow(): number {
    return COPIES_BELOW;
  }

  start(sink: TransportSink): void {
    this.#sink = sink;
    this.flow();
  }

  write(bytes: Uint8Array, length: number): boolean {
    if ((this.#flags & (Flag.Ended | Flag.CloseNotified)) !== 0) return true;
    if ((this.#flags & Flag.Closed) !== 0) {
      // The close event waits for `resume`, but writers must be notified now.
      this.#finishSoon();
      return true;
    }
    const taken = this.#socket.write(bytes, 0, length);
    if (taken === length) return true;
    if (taken < 0) {
      this.#writeFailed();
      return true;
    }
    this.#pending = { bytes, offset: taken, length };
    return false;
  }

  pause(): void {
    this.#flags |= Flag.Paused;
    this.flow();
  }

  resume(): void {
    this.#flags &= ~Flag.Paused;
    this.flow();
  }

  end(): void {
    if ((this.#flags & Flag.Ended) !== 0) return;
    this.#flags |= Flag.Ended;
    if (this.#pending === undefined && (this.#flags & Flag.Closed) === 0) this.#socket.shutdown();
  }

  destroy(error?: Error): void {
    if ((this.#flags & Flag.Destroyed) !== 0) return;
    this.#flags |= Flag.Destroyed;
    this.#held = undefined;
    this.#error ??= error;
    if ((this.#flags & Flag.Closed) !== 0) return this.#finishSoon();
    // Not `terminate`, whose reset would discard bytes not yet read by the peer.
    this.#socket.close();
    if ((this.#flags & Flag.Closed) !== 0) return;
    // With TLS, Bun waits for a peer that does not read, for up to 12 seconds.
    this.#socket.data = new SocketOwner();
    this.closed();
  }

  /** Starts or stops Bun's reading: it reads while there is a sink that is not paused. */
  flow(): void {
    const stop = (this.#flags & Flag.Paused) !== 0 || this.#sink === undefined;
    if (stop !== ((this.#flags & Flag.Stopped) !== 0) && (this.#flags & Flag.Closed) === 0) {
      if (stop) this.#socket.pause();
      else this.#socket.resume();
    }
    if (stop) this.#flags |= Flag.Stopped;
    else this.#flags &= ~Flag.Stopped;
    const late = this.#held !== undefined || (this.#flags & Flag.PeerEnded) !== 0 ||
      (this.#flags & Flag.Closed) !== 0;
    if (!stop && late) queueMicrotask(() => this.#deliver());
  }

  override secured(_: Socket, success: boolean, error: Error | null): void {
    // If cut during its handshake, the socket reports a failure.
    if (!success && (this.#flags & Flag.Destroyed) === 0) this.#error ??= error ?? undefined;
  }

  override received(chunk: Uint8Array): void {
    if ((this.#flags & Flag.Stopped) !== 0 || this.#held !== undefined) {
      (this.#held ??= []).push(chunk);
    } else this.#sink!.data(chunk);
  }

  override drained(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    const { bytes, offset, length } = pending;
    const taken = this.#socket.write(bytes, offset, length - offset);
    if (taken < 0) return this.#writeFailed();
    pending.offset += taken;
    if (pending.offset < length) return;
    this.#pending = undefined;
    if ((this.#flags & Flag.Ended) !== 0) this.#socket.shutdown();
    this.#sink?.drain();
  }

  override peerEnded(): void {
    this.#flags |= Flag.PeerEnded;
    this.#deliver();
  }

  override failed(error: Error): void {
    this.destroy(error);
  }

  override closed(error?: Error): void {
    this.#flags |= Flag.Closed;
    if ((this.#flags & Flag.Destroyed) === 0) this.#error ??= error;
    // Without a sink, or with held chunks, the end must wait; but a pending write has failed and
    // cannot wait.
    if (this.#held === undefined || this.#pending !== undefined) this.#finishSoon();
  }

  /** Delivers held chunks in order. */
  #deliver(): void {
    while (this.#held !== undefined && (this.#flags & Flag.Stopped) === 0) {
      const chunk = this.#held.shift()!;
      if (this.#held.length === 0) this.#held = undefined;
      this.#sink!.data(chunk);
    }
    if ((this.#flags & Flag.Stopped) !== 0 || (this.#flags & Flag.CloseNotified) !== 0) return;
    if ((this.#flags & Flag.PeerEnded) !== 0) this.#notifyEnd();
    if ((this.#flags & Flag.Closed) !== 0) this.#finish();
  }

  /** A write failed after a reset. Bun does not report the error, nor a close while paused. */
  #writeFailed(): void {
    const error = new Error("the peer has closed or reset the connection");
    this.destroy(Object.assign(error, { code: "ECONNRESET" }));
  }

  #notifyEnd(): void {
    if ((this.#flags & (Flag.EndNotified | Flag.Destroyed)) !== 0) return;
    this.#flags |= Flag.EndNotified;
    this.#sink!.end();
  }

  /**
   * Deferred: Bun may report the end during a call of this transport, when `closed` must not be
   * called.
   */
  #finishSoon(): void {
    queueMicrotask(() => this.#finish());
  }

  #finish(): void {
    if ((this.#flags & Flag.CloseNotified) !== 0 || this.#sink === undefined) return;
    this.#flags |= Flag.CloseNotified;
    this.#pending = this.#held = undefined;
    // After the local FIN Bun reports the peer's as a close without error.
    if (this.#error === undefined) this.#notifyEnd();
    this.#sink.closed(this.#error);
  }
}

/** The `data` of a listener: creates a transport for each accepted socket. */
class Accepting extends SocketOwner {
  readonly #sink: ListenerSink;
  readonly #noDelay: boolean;

  constructor(sink: ListenerSink, noDelay: boolean) {
    super();
    this.#sink = sink;
    this.#noDelay = noDelay;
  }

  override opened(socket: Socket): void {
    const transport = new BunTransport(socket);
    setNoDelay(socket, this.#noDelay);
    this.#sink.accept(transport);
    transport.flow();
  }
}

/** The `data` of a connecting socket, until the end of its TLS handshake. */
class Dialing extends SocketOwner {
  readonly #options: DialOptions;
  readonly #resolve: (transport: Transport) => void;
  readonly #reject: (error: unknown) => void;
  #socket: Socket | undefined;
  #over = false;

  constructor(
    options: DialOptions,
    resolve: (transport: Transport) => void,
    reject: (error: unknown) => void,
  ) {
    super();
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
    options.signal?.addEventListener("abort", this);
  }

  /** The signal aborts. `Bun.connect` cannot be canceled: its socket is cut as soon as it opens. */
  handleEvent(): void {
    this.failed(this.#options.signal!.reason);
  }

  override opened(socket: Socket): void {
    this.#socket = socket;
    if (this.#over) socket.terminate();
    else if (this.#options.tls === undefined) this.#succeed(socket);
  }

  override secured(socket: Socket, success: boolean, error: Error | null): void {
    // With `rejectUnauthorized: false`, Bun still reports a name mismatch as a failure; the
    // handshake itself failed only if there is no cipher.
    const accept = this.#options.tls?.rejectUnauthorized === false && socket.getCipher() !== null;
    if (success || accept) this.#succeed(socket);
    else this.failed(error);
  }

  override failed(error: unknown): void {
    if (!this.#settle()) return;
    this.#reject(error);
    this.#socket?.terminate();
  }

  override closed(error?: Error): void {
    this.failed(error ?? new Error("the peer closed the connection in the TLS handshake"));
  }

  #succeed(socket: Socket): void {
    if (!this.#settle()) return;
    const transport = new BunTransport(socket);
    setNoDelay(socket, this.#options.noDelay);
    transport.flow();
    this.#resolve(transport);
  }

  #settle(): boolean {
    if (this.#over) return false;
    this.#options.signal?.removeEventListener("abort", this);
    return this.#over = true;
  }
}

/** Bun enables TCP_NODELAY by default. */
function setNoDelay(socket: Socket, noDelay: boolean): void {
  if (!noDelay) socket.setNoDelay(false);
}

/** `Bun.connect` and `Bun.listen` as a {@linkcode Network}. */
export const bunNetwork: Network = {
  maxUnixPath: maxUnixPathOn(process.platform),
  dial,
  listen,
  startTls: async (transport, options) =>
    (await import("./node_tls.ts")).startTls(transport, options),
  lookup: async (hostname) => (await (await import("node:dns/promises")).lookup(hostname)).address,
};

async function dial(options: DialOptions): Promise<Transport> {
  checkRuntime();
  options.signal?.throwIfAborted();
  const tls = options.tls && await clientTls(options.tls, options.hostname);
  options.signal?.throwIfAborted();
  return await new Promise((resolve, reject) => {
    const dialing = new Dialing(options, resolve, reject);
    const { hostname, port, unix } = options;
    const address = unix !== undefined ? { unix } : { hostname, port };
    bunApi().connect({ ...address, tls, socket: handlers, data: dialing, allowHalfOpen: true })
      .catch((error) => dialing.failed(error));
  });
}

async function clientTls(options: TlsClientOptions, hostname: string): Promise<BunTlsOptions> {
  const { caCerts } = options;
  const { isIP } = await import("node:net");
  const { checkAuthorities, clientIdentity } = await import("./node_tls.ts");
  const identity = clientIdentity(options);
  // RFC 6066 3: an IP address is not a server name. Bun would send it unless the name is empty; it
  // always verifies the certificate against the host.
  const defaultName = isIP(hostname) === 0 ? hostname : "";
  let ca: string[] | undefined;
  if (caCerts !== undefined) {
    checkAuthorities(caCerts);
    // Bun trusts `ca` instead of the system's certificates.
    const { rootCertificates } = await import("node:tls");
    ca = [...rootCertificates, ...caCerts];
  }
  return {
    ca,
    cert: identity?.cert,
    key: identity?.key,
    serverName: options.serverName ?? defaultName,
    rejectUnauthorized: options.rejectUnauthorized ?? true,
  };
}

async function listen(options: ListenOptions, sink: ListenerSink): Promise<Listener> {
  checkRuntime();
  const { hostname, port, unix, reusePort } = options;
  const tls = options.tls && (await import("./node_tls.ts")).tlsIdentity(options.tls);
  const address = unix !== undefined ? { unix } : { hostname, port, reusePort };
  return new BunNetworkListener(
    bunApi().listen<SocketOwner>({
      ...address,
      tls,
      socket: handlers,
      data: new Accepting(sink, options.noDelay),
      allowHalfOpen: true,
    }),
    unix ?? hostname,
  );
}

class BunNetworkListener implements Listener {
  readonly hostname: string;
  readonly port: number;
  readonly #listener: BunListener;

  constructor(listener: BunListener, hostname: string) {
    this.#listener = listener;
    this.hostname = hostname;
    this.port = listener.port ?? 0;
  }

  close(): Promise<void> {
    this.#listener.stop();
    return Promise.resolve();
  }
}
