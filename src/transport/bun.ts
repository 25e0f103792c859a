/* The port over `Bun.connect` and `Bun.listen`: the way out and the way in. */

import { bunApi, type BunListener, type BunTlsOptions } from "./bun_api.ts";
import { BunTransport, handlers, type Socket, SocketOwner } from "./bun_transport.ts";
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

/** The `data` of a listener: makes a transport of each socket it accepts. */
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

/** The `data` of a socket that is being connected, up to the end of its TLS handshake. */
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

  /** The signal fires. `Bun.connect` cannot be called off: its socket is cut as soon as it opens. */
  handleEvent(): void {
    this.failed(this.#options.signal!.reason);
  }

  override opened(socket: Socket): void {
    this.#socket = socket;
    if (this.#over) socket.terminate();
    else if (this.#options.tls === undefined) this.#succeed(socket);
  }

  override secured(socket: Socket, success: boolean, error: Error | null): void {
    // Told not to reject, Bun still calls a certificate for another name a failure; the handshake
    // itself has failed where no cipher was agreed on.
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

/** Bun's sockets have TCP_NODELAY set from the beginning. */
function setNoDelay(socket: Socket, noDelay: boolean): void {
  if (!noDelay) socket.setNoDelay(false);
}

/** `Bun.connect` and `Bun.listen` as a {@linkcode Network}. */
export const bunNetwork: Network = {
  dial,
  listen,
  startTls: async (transport, options) =>
    (await import("./node_tls_stream.ts")).startTls(transport, options),
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
  // RFC 6066 3: an IP address is no server name. Bun would send it, but for the empty name, and
  // checks the certificate against the host all the same.
  const noName = options.serverName === undefined && isIP(hostname) !== 0;
  let ca: string[] | undefined;
  if (caCerts !== undefined) {
    checkAuthorities(caCerts);
    // Bun trusts `ca` instead of the system's certificates, not beside them.
    const { rootCertificates } = await import("node:tls");
    ca = [...rootCertificates, ...caCerts];
  }
  return {
    ca,
    cert: identity?.cert,
    key: identity?.key,
    serverName: noName ? "" : options.serverName ?? hostname,
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
