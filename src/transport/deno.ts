/* The port over `Deno.connect` and `Deno.listen` with their TLS twins: the way out and the way in. */

import { DenoTransport } from "./deno_transport.ts";
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
  startTls,
  lookup: async (hostname) => (await (await import("node:dns/promises")).lookup(hostname)).address,
};

async function dial(options: DialOptions): Promise<Transport> {
  const { hostname, port, path, tls, signal, noDelay, readBufferSize } = options;
  signal?.throwIfAborted();
  if (path !== undefined && tls === undefined) {
    const conn = await Deno.connect({ transport: "unix", path });
    return new DenoTransport(conn, "", readBufferSize);
  }
  if (tls !== undefined && (path !== undefined || needsNodeTls(tls))) {
    return await (await import("./node.ts")).nodeNetwork.dial(options);
  }
  const tcp = await Deno.connect({ hostname, port, signal });
  tcp.setNoDelay(noDelay);
  const conn = tls === undefined ? tcp : await secure(tcp, hostname, tls, signal);
  return new DenoTransport(conn, tcp.remoteAddr.hostname, readBufferSize);
}

async function startTls(transport: Transport, options: TlsClientOptions): Promise<Transport> {
  const conn = needsNodeTls(options) || !(transport instanceof DenoTransport)
    ? undefined
    : transport.release(isTcp);
  if (conn === undefined) {
    return await (await import("./node_start_tls.ts")).startTls(transport, options);
  }
  const { remoteAddress } = transport;
  return new DenoTransport(await secure(conn, remoteAddress, options), remoteAddress);
}

function isTcp(conn: object): conn is Deno.TcpConn {
  return "setNoDelay" in conn;
}

/** `Deno.startTls` knows no certificate of our own and always checks the server's. */
function needsNodeTls(options: TlsClientOptions): boolean {
  return options.cert !== undefined || options.key !== undefined ||
    options.rejectUnauthorized === false;
}

/** Not `Deno.connectTls`: that cannot be called off, and takes no other name than the host's. */
async function secure(
  tcp: Deno.TcpConn,
  hostname: string,
  { caCerts, serverName }: TlsClientOptions,
  signal?: AbortSignal,
): Promise<Deno.TlsConn> {
  const conn = await Deno.startTls(tcp, { hostname: serverName ?? hostname, caCerts });
  const abort = (): void => conn.close();
  signal?.addEventListener("abort", abort);
  try {
    signal?.throwIfAborted();
    await conn.handshake();
    signal?.throwIfAborted();
    return conn;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    conn.close();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

// deno-lint-ignore require-await -- what Deno throws is the rejection
async function listen(options: ListenOptions, sink: ListenerSink): Promise<Listener> {
  const { hostname, port, path, tls, reusePort, backlog: tcpBacklog } = options;
  if (reusePort) requireReusePort();
  // `reusePort` is missing from the types that are stable.
  const tcp = { hostname, port, reusePort, tcpBacklog } as Deno.TcpListenOptions;
  let listener: Deno.Listener;
  if (path === undefined) {
    listener = tls === undefined ? Deno.listen(tcp) : Deno.listenTls({ ...tcp, ...tls });
  } else if (tls === undefined) {
    listener = Deno.listen({ transport: "unix", path });
  } else {
    throw new TypeError("Deno does not speak TLS on a unix socket: give `path` or `tls`, not both");
  }
  return new DenoListener(listener, options, sink);
}

/** Without its flag Deno does not throw but ends the process. */
function requireReusePort(): void {
  if ("listenDatagram" in Deno) return;
  throw new TypeError("reusePort needs Deno to be run with --unstable-net");
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
        // Deno cannot set it on the connections of a TLS listener.
        if (isTcp(conn)) conn.setNoDelay(noDelay);
        const address = (conn.remoteAddr as Deno.NetAddr).hostname ?? "";
        sink.accept(new DenoTransport(conn, address, readBufferSize));
      } catch (error) {
        if (this.#closed) return;
        sink.error(error as Error);
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_RETRY_DELAY));
      }
    }
  }
}
