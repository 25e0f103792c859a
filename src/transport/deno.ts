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
  startTls: async (transport, options) =>
    (await import("./node_start_tls.ts")).startTls(transport, options),
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
  const conn = await Deno.connect({ hostname, port, signal });
  conn.setNoDelay(noDelay);
  const address = conn.remoteAddr.hostname;
  if (tls === undefined) return new DenoTransport(conn, address, readBufferSize);
  return new DenoTransport(await secure(conn, hostname, tls, signal), address, readBufferSize);
}

/** `Deno.startTls` knows no certificate of our own and always checks the server's. */
function needsNodeTls(options: TlsClientOptions): boolean {
  return options.cert !== undefined || options.key !== undefined ||
    options.rejectUnauthorized === false;
}

/** Not `Deno.connectTls`: that cannot be called off, and takes no other name than the host's. */
async function secure(
  conn: Deno.TcpConn,
  hostname: string,
  { caCerts, serverName }: TlsClientOptions,
  signal: AbortSignal | undefined,
): Promise<Deno.TlsConn> {
  const secured = await Deno.startTls(conn, { hostname: serverName ?? hostname, caCerts });
  const abort = (): void => secured.close();
  signal?.addEventListener("abort", abort);
  try {
    signal?.throwIfAborted();
    await secured.handshake();
    signal?.throwIfAborted();
    return secured;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    secured.close();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

async function listen(options: ListenOptions, sink: ListenerSink): Promise<Listener> {
  const { hostname, port, path, tls, reusePort, backlog: tcpBacklog } = options;
  if (reusePort) requireReusePort();
  if (tls !== undefined) return await (await import("./node.ts")).nodeNetwork.listen(options, sink);
  // `reusePort` is missing from the types that are stable.
  const tcp = { hostname, port, reusePort, tcpBacklog } as Deno.TcpListenOptions;
  const listener = path !== undefined ? Deno.listen({ transport: "unix", path }) : Deno.listen(tcp);
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
        if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay(noDelay);
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
