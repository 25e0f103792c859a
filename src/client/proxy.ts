// Reaches a server through a proxy: connects to the proxy, asks it for a tunnel, and speaks TLS with
// the server through it where the URL says so.

import { ConnectionError } from "../errors.ts";
import { authorityOf, type ProxyDialogue, type ProxyTarget } from "../proxy/dialogue.ts";
import { HttpConnect } from "../proxy/http_connect.ts";
import { parseIpAddress } from "../handshake/ip_address.ts";
import { Socks5 } from "../proxy/socks5.ts";
import type {
  DialOptions,
  Network,
  TlsClientOptions,
  Transport,
  TransportSink,
} from "../transport/transport.ts";
import { findProxy, type ProxyServer } from "./proxy_url.ts";
import { explainConnect } from "../shared/explain.ts";
import { untilAborted } from "../shared/until_aborted.ts";

export { findProxy };

/** A stream to a server, and the bytes that have already arrived on it. */
export interface Dialled {
  /** The stream; if it leads through a proxy it may be paused. */
  readonly transport: Transport;
  /** The first bytes of the server, usually none. */
  readonly rest: Uint8Array;
}

/**
 * Opens a stream to `address` through a proxy. Its signal counts for all of it, and whatever fails
 * leaves no stream behind.
 *
 * @param tls The user's TLS options: an HTTPS proxy is checked against the same authorities, also
 * for an address without TLS.
 * @throws {ConnectionError} `PROXY_FAILED` when the proxy cannot be reached, does not speak its
 * protocol or is lost, `PROXY_REFUSED` when it refuses; otherwise what the network throws.
 */
export async function dialThroughProxy(
  network: Network,
  proxy: ProxyServer,
  address: DialOptions,
  tls: TlsClientOptions = {},
): Promise<Dialled> {
  const { signal } = address;
  const target = await untilAborted(targetFor(network, proxy, address), signal);
  const dialogue = dialogueFor(proxy, target);
  const transport = await dialProxy(network, proxy, address, tls);
  const abort = (): void => transport.destroy();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    const rest = await openTunnel(transport, dialogue);
    if (address.tls === undefined) return { transport, rest };
    if (rest.length > 0) {
      // A TLS server speaks second (RFC 8446 section 2). These bytes are the proxy's own, and must
      // never be mistaken for the server's bytes inside TLS.
      throw new ConnectionError(
        "PROXY_FAILED",
        `The proxy sent ${rest.length} bytes before the TLS handshake with the target began`,
      );
    }
    const serverName = address.tls.serverName ?? address.hostname;
    const securing = network.startTls(transport, { ...address.tls, serverName });
    return { transport: await untilAborted(securing, signal), rest };
  } catch (error) {
    transport.destroy();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** Where the proxy is told to connect to: with `socks5:` the name is looked up here, not there. */
async function targetFor(
  network: Network,
  { scheme }: ProxyServer,
  { hostname, port }: DialOptions,
): Promise<ProxyTarget> {
  if (scheme !== "socks5" || parseIpAddress(hostname) !== undefined) return { hostname, port };
  return { hostname: await network.lookup(hostname), port };
}

function dialogueFor({ scheme, credentials }: ProxyServer, target: ProxyTarget): ProxyDialogue {
  return scheme === "http" || scheme === "https"
    ? new HttpConnect(target, credentials)
    : new Socks5(target, credentials);
}

async function dialProxy(
  network: Network,
  proxy: ProxyServer,
  { noDelay, readBufferSize, signal }: DialOptions,
  { caCerts, rejectUnauthorized }: TlsClientOptions,
): Promise<Transport> {
  const { scheme, hostname, port } = proxy;
  // Who we are and whom we mean to reach is the target's business alone: the proxy gets neither
  // `cert` nor `serverName`.
  const tls = scheme === "https" ? { caCerts, rejectUnauthorized } : undefined;
  try {
    const dialing = network.dial({ hostname, port, tls, noDelay, readBufferSize, signal });
    return await untilAborted(dialing, signal, (late) => late.destroy());
  } catch (cause) {
    throw new ConnectionError(
      "PROXY_FAILED",
      `Cannot connect to the proxy ${scheme}://${authorityOf(proxy)}: ${
        explainConnect(cause, tls !== undefined)
      }`,
      { cause },
    );
  }
}

/**
 * Holds a dialogue with a proxy over `transport`.
 *
 * @returns The bytes of the target that came behind the dialogue. The transport is paused and needs
 * another sink.
 * @throws {ConnectionError} When the proxy refuses, does not speak the protocol, or is lost; the
 * transport is cut.
 */
export function openTunnel(transport: Transport, dialogue: ProxyDialogue): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    new Tunnel(transport, dialogue, resolve, reject).start();
  });
}

class Tunnel implements TransportSink {
  readonly #transport: Transport;
  readonly #dialogue: ProxyDialogue;
  readonly #done: (rest: Uint8Array) => void;
  readonly #failed: (error: unknown) => void;
  /** Buffered output, while an earlier write is in progress. */
  readonly #output: Uint8Array[] = [];
  #writing = false;
  #over = false;

  constructor(
    transport: Transport,
    dialogue: ProxyDialogue,
    done: (rest: Uint8Array) => void,
    failed: (error: unknown) => void,
  ) {
    this.#transport = transport;
    this.#dialogue = dialogue;
    this.#done = done;
    this.#failed = failed;
  }

  start(): void {
    this.#write(this.#dialogue.begin());
    this.#transport.start(this);
  }

  data(chunk: Uint8Array): void {
    if (this.#over) return;
    try {
      this.#write(this.#dialogue.receive(chunk));
    } catch (error) {
      this.#fail(error);
      return;
    }
    // Pause at once, even while the last write is in progress: later bytes belong to another sink.
    if (this.#dialogue.done) this.#transport.pause();
    this.#finishIfDone();
  }

  drain(): void {
    this.#writing = false;
    while (!this.#writing && this.#output.length > 0) this.#write(this.#output.shift()!);
    this.#finishIfDone();
  }

  end(): void {
    this.#lost();
  }

  closed(cause?: Error): void {
    this.#lost(cause);
  }

  #write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#writing) this.#output.push(bytes);
    else this.#writing = !this.#transport.write(bytes, bytes.length);
  }

  #finishIfDone(): void {
    if (this.#over || this.#writing || !this.#dialogue.done) return;
    this.#over = true;
    this.#done(this.#dialogue.rest);
  }

  #lost(cause?: Error): void {
    const why = cause === undefined ? "" : `: ${cause.message}`;
    this.#fail(
      new ConnectionError(
        "PROXY_FAILED",
        `The proxy disconnected before the tunnel was established${why}`,
        {
          cause,
        },
      ),
    );
  }

  #fail(error: unknown): void {
    // Once the tunnel stands the transport is somebody else's.
    if (this.#over) return;
    this.#over = true;
    this.#transport.destroy();
    this.#failed(error);
  }
}
