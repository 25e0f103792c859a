/* The port over Deno's sockets: the way out by `Deno.connect`, the way in by `node:net` or `Deno.listen`. */

import { DenoTransport } from "./deno_transport.ts";
import { checkRuntime } from "./node_versions.ts";
import type {
  DialOptions,
  Listener,
  ListenerSink,
  ListenOptions,
  Network,
  TlsClientOptions,
  Transport,
} from "./transport.ts";

/** How long accepting rests after a failure, in milliseconds: out of file descriptors stays so for a while. */
const ACCEPT_RETRY_DELAY = 100;

/** `Deno.connect` and `Deno.listen` as a {@linkcode Network}. */
export const denoNetwork: Network = {
  dial,
  listen,
  startTls: (transport, options) => secure(transport, options),
  lookup: async (hostname) => (await (await import("node:dns/promises")).lookup(hostname)).address,
};

async function dial(options: DialOptions): Promise<Transport> {
  checkRuntime();
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
 * TLS as a client. Not by `Deno.connectTls`, which cannot be called off and takes no other name than
 * the host's; and where `Deno.startTls` does not do, by `node:tls`: it knows no certificate of our
 * own, always checks the server's, and speaks over nothing but TCP.
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
      const { startTls } = await import("./node_tls_stream.ts");
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

/** Does `work`, and calls `cut` when it fails or the signal fires, whose reason then counts. */
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
  checkRuntime();
  const { tls, ...plain } = options;
  if (tls === undefined) return await listenPlain(plain, sink);
  // Not `Deno.listenTls`: it has no TCP_NODELAY, and keeps the socket of a client that connects and
  // says nothing, even after a `close`. (It takes half the time per message.)
  const secured = (await import("./node_tls_stream.ts")).tlsServer(tls);
  return await listenPlain(plain, {
    accept: (transport) => sink.accept(secured(transport)),
    error: (error) => sink.error(error),
  });
}

/**
 * By `node:net`, unless asked otherwise. With 10,000 connections a message on a socket of
 * `Deno.listen` costs three times what it costs with 100, and some connections starve for seconds; an
 * idle one holds the buffer of its read. On `node:net` it costs a tenth more with few connections and
 * twice that with many, and they are served in turn (bench/SCALING.md).
 */
async function listenPlain(options: ListenOptions, sink: ListenerSink): Promise<Listener> {
  if (options.denoSockets === "Deno.listen") return listenByDeno(options, sink);
  await requirePermission(options);
  const { nodeNetwork } = await import("./node.ts");
  try {
    return await nodeNetwork.listen(options, sink);
  } catch (cause) {
    throw ownReason(options) ?? cause;
  }
}

/**
 * Deno's `node:net` throws outside of every promise where a permission is missing, which ends the
 * process.
 */
async function requirePermission({ hostname, port, unix }: ListenOptions): Promise<void> {
  const needed: Deno.PermissionDescriptor[] = unix === undefined
    ? [{ name: "net", host: `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}` }]
    : [{ name: "read", path: unix }, { name: "write", path: unix }];
  for (const permission of needed) {
    const { state } = await Deno.permissions.request(permission);
    if (state === "granted") continue;
    throw new Deno.errors.NotCapable(
      `Deno has no permission: run it with --allow-${permission.name}`,
    );
  }
}

/** Why an address cannot be bound, in the words of Deno's own sockets: `node:net` says EINVAL for some. */
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
  // `reusePort` is missing from the types that are stable.
  const tcp = { hostname, port, reusePort, tcpBacklog } as Deno.TcpListenOptions;
  const listener = unix === undefined
    ? Deno.listen(tcp)
    : Deno.listen({ transport: "unix", path: unix });
  return new DenoListener(listener, options, sink);
}

/** Without its flag Deno does not throw but ends the process. */
function requireReusePort(): void {
  if ("listenDatagram" in Deno) return;
  throw new TypeError('reusePort with denoSockets "Deno.listen" needs --unstable-net');
}

/** Whether a peer was gone before it was accepted: its own affair, and the next one is not to wait. */
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
    // The address is free once the accept that is under way has been called off.
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
