/*
 * The port to Deno's sockets: `Deno.connect`, listening by `node:net` or `Deno.listen`, and a
 * transport over a Deno connection, with one pending read unless paused, and at most one pending
 * write.
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
import { maxUnixPathOn } from "../shared/check.ts";
import type { NodeListener } from "./node.ts";
import { checkRuntime } from "./node_versions.ts";
import { ReadBuffer } from "./read_buffer.ts";

/** The part of `Deno.Conn` used here, so that no runtime type is exported. */
interface DenoConn {
  read(room: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
}

/** A Deno connection as a {@linkcode Transport}. */
class DenoTransport implements Transport {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #conn: DenoConn;
  readonly #buffer: ReadBuffer;
  #sink: TransportSink | undefined;
  #bufferedAmount = 0;
  #error: Error | undefined;
  /** Wakes the reading loop of a paused connection. */
  #wake: (() => void) | undefined;
  #reading = false;
  #paused = false;
  #ended = false;
  /** The FIN was sent. */
  #shut = false;
  #peerEnded = false;
  #over = false;
  #reported = false;

  /**
   * @param conn The open connection.
   * @param peer The peer's address and port.
   * @param readBufferSize The initial size in bytes of the read buffer.
   */
  constructor(
    conn: DenoConn,
    peer: Pick<Transport, "remoteAddress" | "remotePort">,
    readBufferSize?: number,
  ) {
    this.#conn = conn;
    this.remoteAddress = peer.remoteAddress;
    this.remotePort = peer.remotePort ?? 0;
    this.#buffer = new ReadBuffer(readBufferSize);
  }

  /** Deno writes through promises. */
  get writesLater(): boolean {
    return true;
  }

  get pollsRarely(): boolean {
    return true;
  }

  get bufferedAmount(): number {
    return this.#bufferedAmount;
  }

  start(sink: TransportSink): void {
    const first = this.#sink === undefined;
    this.#sink = sink;
    if (this.#over) queueMicrotask(() => this.#report());
    else if (first) void this.#read();
  }

  write(bytes: Uint8Array, length: number): boolean {
    if (this.#ended || this.#over || length === 0) return true;
    this.#bufferedAmount = length;
    void this.#write(length === bytes.length ? bytes : bytes.subarray(0, length));
    return false;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#wake?.();
  }

  end(): void {
    if (this.#ended || this.#over) return;
    this.#ended = true;
    if (this.#bufferedAmount === 0) void this.#shutdown();
  }

  destroy(error?: Error): void {
    if (this.#over) return;
    this.#close(error);
    queueMicrotask(() => this.#report());
  }

  /**
   * Hands the connection over to another owner, which closes it; the transport becomes inactive. It
   * must be paused, with nothing left to write.
   *
   * @param isWanted Whether this kind of connection is usable.
   * @returns The connection, or `undefined` if the transport keeps it.
   */
  release<T extends object>(isWanted: (conn: object) => conn is T): T | undefined {
    const conn: object = this.#conn;
    const atRest = !this.#reading && this.#bufferedAmount === 0 && !this.#ended && !this.#over;
    if (!atRest || !isWanted(conn)) return undefined;
    this.#over = this.#reported = true;
    this.resume();
    return conn;
  }

  async #read(): Promise<void> {
    const buffer = this.#buffer;
    try {
      for (;;) {
        while (this.#paused) await this.#resumed();
        if (this.#over) return;
        const room = buffer.room();
        this.#reading = true;
        const count = await this.#conn.read(room);
        this.#reading = false;
        // Paused during the read: its bytes must wait.
        while (this.#paused) await this.#resumed();
        if (this.#over) return;
        if (count === null) break;
        if (this.#sink!.data(buffer.filled(room, count)) !== true) buffer.give(count);
      }
      this.#peerEnded = true;
      this.#sink!.end();
      if (this.#shut) this.#finish();
    } catch (error) {
      this.#finish(error as Error);
    }
  }

  #resumed(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      let rest = bytes;
      for (;;) {
        const count = await this.#conn.write(rest);
        if (this.#over) return;
        this.#bufferedAmount -= count;
        if (this.#bufferedAmount === 0) break;
        rest = rest.subarray(count);
      }
    } catch (error) {
      this.#finish(error as Error);
      return;
    }
    if (this.#ended) void this.#shutdown();
    this.#sink?.drain();
  }

  async #shutdown(): Promise<void> {
    try {
      await this.#conn.closeWrite();
    } catch (error) {
      this.#finish(error as Error);
      return;
    }
    this.#shut = true;
    if (this.#peerEnded) this.#finish();
  }

  #finish(error?: Error): void {
    if (this.#over) return;
    this.#close(error);
    this.#report();
  }

  #close(error: Error | undefined): void {
    this.#over = true;
    this.#error = error;
    this.#bufferedAmount = 0;
    this.#paused = false;
    this.#wake?.();
    // Pending reads and writes now reject.
    this.#conn.close();
  }

  #report(): void {
    if (this.#reported || this.#sink === undefined) return;
    this.#reported = true;
    this.#sink.closed(this.#error);
  }
}

/**
 * The delay before accepting again after a failure, in milliseconds: a lack of file descriptors may
 * persist.
 */
const ACCEPT_RETRY_DELAY = 100;

/** `Deno.connect` and `Deno.listen` as a {@linkcode Network}. */
export const denoNetwork: Network = {
  get maxUnixPath() {
    return maxUnixPathOn(Deno.build.os);
  },
  dial,
  listen,
  startTls: (transport, options) => secure(transport, options),
  lookup: async (hostname) => (await (await import("node:dns/promises")).lookup(hostname)).address,
};

/** Not from `process`, whose first use loads a dozen of Deno's `node:` modules in 20 ms. */
function checkVersion(): void {
  checkRuntime({ deno: Deno.version.deno });
}

async function dial(options: DialOptions): Promise<Transport> {
  checkVersion();
  const { hostname, port, unix, tls, signal, noDelay, readBufferSize } = options;
  signal?.throwIfAborted();
  const conn: Deno.Conn = unix === undefined
    ? await Deno.connect({ hostname, port, signal })
    : await Deno.connect({ transport: "unix", path: unix });
  if (isTcp(conn)) conn.setNoDelay(noDelay);
  const transport = new DenoTransport(conn, peerOf(conn), readBufferSize);
  if (tls === undefined) return transport;
  const named = { ...tls, serverName: tls.serverName ?? hostname };
  return await secure(transport, named, signal, readBufferSize);
}

function isTcp(conn: object): conn is Deno.TcpConn {
  return "setNoDelay" in conn;
}

function peerOf({ remoteAddr }: Deno.Conn): { remoteAddress: string; remotePort: number } {
  return "hostname" in remoteAddr
    ? { remoteAddress: remoteAddr.hostname, remotePort: remoteAddr.port }
    : { remoteAddress: "", remotePort: 0 };
}

/**
 * TLS as a client. An aborted handshake rejects immediately, but its socket remains until the
 * server acts, because Deno finishes the handshake first. `node:tls` would release the socket, but
 * takes twice the CPU time per message (29 to 40 us instead of 13 to 22).
 *
 * `Deno.connectTls` cannot be canceled and accepts only the host's name. `node:tls` replaces
 * `Deno.startTls` where the latter is insufficient: it supports no client certificate, always
 * verifies the server's, and works over TCP only.
 */
async function secure(
  transport: Transport,
  options: TlsClientOptions,
  signal?: AbortSignal,
  readBufferSize?: number,
): Promise<Transport> {
  const { caCerts, cert, key, rejectUnauthorized, serverName } = options;
  const native = cert === undefined && key === undefined && rejectUnauthorized !== false;
  const tcp = native && transport instanceof DenoTransport ? transport.release(isTcp) : undefined;
  if (tcp === undefined) {
    return await abortable(signal, () => transport.destroy(), async () => {
      const { startTls } = await import("./node_tls.ts");
      return await startTls(transport, options);
    });
  }
  const hostname = serverName ?? transport.remoteAddress;
  let conn: Deno.Conn = tcp;
  await abortable(signal, () => conn[Symbol.dispose](), async () => {
    if (caCerts !== undefined) (await import("./node_tls.ts")).checkAuthorities(caCerts);
    const secured = conn = await Deno.startTls(tcp, { hostname, caCerts });
    await secured.handshake();
  });
  return new DenoTransport(conn, transport, readBufferSize);
}

/**
 * Does `work`; calls `cut` if it fails or the signal aborts, and then rejects with the signal's
 * reason.
 */
async function abortable<T>(
  signal: AbortSignal | undefined,
  cut: () => void,
  work: () => Promise<T>,
): Promise<T> {
  signal?.addEventListener("abort", cut);
  try {
    signal?.throwIfAborted();
    const result = await work();
    signal?.throwIfAborted();
    return result;
  } catch (error) {
    cut();
    throw signal?.aborted ? signal.reason : error;
  } finally {
    signal?.removeEventListener("abort", cut);
  }
}

async function listen(options: ListenOptions, sink: ListenerSink): Promise<Listener> {
  checkVersion();
  const { tls, ...plain } = options;
  if (tls === undefined) return await listenPlain(plain, sink);
  // Not `Deno.listenTls`, although it takes half the time per message: it has no TCP_NODELAY, and
  // keeps the socket of a silent client even after `close`.
  const secured = (await import("./node_tls.ts")).tlsServer(tls);
  return await listenPlain(plain, {
    accept: (transport) => sink.accept(secured(transport)),
    error: (error) => sink.error(error),
  });
}

/**
 * Default: `node:net`. With `Deno.listen`, a message costs three times as much with 10,000
 * connections as with 100, some connections starve for seconds, and idle ones hold a read buffer.
 * With `node:net`, a message costs 10% more with few connections and twice as much with many, but
 * all are served in turn (bench/SCALING.md).
 */
async function listenPlain(options: ListenOptions, sink: ListenerSink): Promise<Listener> {
  if (options.denoSockets === "Deno.listen") return listenByDeno(options, sink);
  await requirePermission(options);
  const { nodeNetwork } = await import("./node.ts");
  try {
    const listener = await nodeNetwork.listen(options, sink) as NodeListener;
    return new WatchedListener(listener, options, sink);
  } catch (cause) {
    throw ownReason(options) ?? cause;
  }
}

/** Milliseconds between checks of a listener. */
const WATCH_INTERVAL = 500;

/** The default of the option `backlog`: Node's. */
const DEFAULT_BACKLOG = 511;

/**
 * A listener of Deno's `node:net`. When file descriptors run out, it silently stops accepting, so
 * it is restarted at intervals.
 */
class WatchedListener implements Listener {
  readonly hostname: string;
  readonly port: number;
  readonly #listener: NodeListener;
  readonly #options: ListenOptions;
  readonly #sink: ListenerSink;
  readonly #timer: ReturnType<typeof setInterval>;
  #isExhausted = false;

  constructor(listener: NodeListener, options: ListenOptions, sink: ListenerSink) {
    this.hostname = listener.hostname;
    this.port = listener.port;
    this.#listener = listener;
    this.#options = options;
    this.#sink = sink;
    this.#timer = setInterval(() => this.#checkExhaustion(), WATCH_INTERVAL);
    Deno.unrefTimer(this.#timer as unknown as number);
  }

  close(): Promise<void> {
    clearInterval(this.#timer);
    return this.#listener.close();
  }

  #checkExhaustion(): void {
    const wasExhausted = this.#isExhausted;
    const reason = this.#probe();
    this.#isExhausted = reason !== undefined;
    if (reason === undefined) {
      this.#listener.resumeAccepting(this.#options.backlog ?? DEFAULT_BACKLOG);
    } else if (!wasExhausted) {
      this.#sink.error(reason);
    }
  }

  /** Returns the error if no file descriptor is left. */
  #probe(): Error | undefined {
    const place = { ...this.#options, port: this.port };
    // Without the permission Deno would prompt the user.
    if (
      !permissionsFor(place).every((one) => Deno.permissions.querySync(one).state === "granted")
    ) {
      return undefined;
    }
    // Fails because this listener uses the address, or earlier without a file descriptor.
    const reason = ownReason(place);
    if (!(reason instanceof Error)) return undefined;
    const isOfFiles = /\b(EMFILE|ENFILE)\b|\bos error 2[34]\b/;
    return isOfFiles.test(`${(reason as { code?: string }).code} ${reason.message}`)
      ? reason
      : undefined;
  }
}

/**
 * If a permission is missing, Deno's `node:net` throws an uncaught error, which ends the process.
 */
async function requirePermission(options: ListenOptions): Promise<void> {
  for (const permission of permissionsFor(options)) {
    const { state } = await Deno.permissions.request(permission);
    if (state === "granted") continue;
    throw new Deno.errors.NotCapable(
      `Deno has no permission: run it with --allow-${permission.name}`,
    );
  }
}

function permissionsFor({ hostname, port, unix }: ListenOptions): Deno.PermissionDescriptor[] {
  return unix === undefined
    ? [{ name: "net", host: `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}` }]
    : [{ name: "read", path: unix }, { name: "write", path: unix }];
}

/**
 * Finds the cause of a failed bind with Deno's own sockets: `node:net` just reports EINVAL for
 * some.
 */
function ownReason({ hostname, port, unix }: ListenOptions): unknown {
  try {
    const probe = unix === undefined
      ? Deno.listen({ hostname, port })
      : Deno.listen({ transport: "unix", path: unix });
    probe.close();
    return undefined;
  } catch (error) {
    return error;
  }
}

function listenByDeno(options: ListenOptions, sink: ListenerSink): Listener {
  const { hostname, port, unix, reusePort, backlog: tcpBacklog } = options;
  if (reusePort) requireReusePort();
  // `reusePort` is missing from the stable types.
  const tcp = { hostname, port, reusePort, tcpBacklog } as Deno.TcpListenOptions;
  const listener = unix === undefined
    ? Deno.listen(tcp)
    : Deno.listen({ transport: "unix", path: unix });
  return new DenoListener(listener, options, sink);
}

/** Without its flag, Deno ends the process instead of throwing. */
function requireReusePort(): void {
  if ("listenDatagram" in Deno) return;
  throw new TypeError('reusePort with denoSockets "Deno.listen" needs --unstable-net');
}

/** Whether a peer disconnected before it was accepted, which must not delay the next peer. */
function isOfPeer(error: unknown): boolean {
  const { ConnectionAborted, ConnectionReset, NotConnected } = Deno.errors;
  return [ConnectionAborted, ConnectionReset, NotConnected].some((kind) => error instanceof kind);
}

class DenoListener implements Listener {
  readonly hostname: string;
  readonly port: number;
  readonly #listener: Deno.Listener;
  readonly #accepting: Promise<void>;
  #closed = false;

  constructor(
    listener: Deno.Listener,
    { noDelay, readBufferSize }: ListenOptions,
    sink: ListenerSink,
  ) {
    const address = listener.addr as { hostname?: string; port?: number; path?: string };
    this.hostname = address.hostname ?? address.path!;
    this.port = address.port ?? 0;
    this.#listener = listener;
    this.#accepting = this.#accept(noDelay, readBufferSize, sink);
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#listener.close();
    }
    // The address is released when the pending accept is canceled.
    await this.#accepting;
  }

  async #accept(
    noDelay: boolean,
    readBufferSize: number | undefined,
    sink: ListenerSink,
  ): Promise<void> {
    while (!this.#closed) {
      try {
        const conn = await this.#listener.accept();
        if (isTcp(conn)) conn.setNoDelay(noDelay);
        sink.accept(new DenoTransport(conn, peerOf(conn), readBufferSize));
      } catch (error) {
        if (this.#closed) return;
        if (isOfPeer(error)) continue;
        sink.error(error as Error);
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_RETRY_DELAY));
      }
    }
  }
}
