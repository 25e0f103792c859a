// Connects to a server through a proxy: connects to the proxy, requests a tunnel, and starts TLS
// with the server inside it for secure URLs.

import { ConnectionError } from "../errors.ts";
import { parseIpAddress } from "../handshake/ip_address.ts";
import {
  authorityOf,
  type ProxyCredentials,
  type ProxyDialogue,
  type ProxyTarget,
} from "../proxy/dialogue.ts";
import { basicCredentials, HttpConnect } from "../proxy/http_connect.ts";
import { passwordRequest, Socks5 } from "../proxy/socks5.ts";
import { show, wrongType } from "../shared/check.ts";
import { explainConnect } from "../shared/explain.ts";
import { untilAborted } from "../shared/user_code.ts";
import type {
  DialOptions,
  Network,
  TlsClientOptions,
  Transport,
  TransportSink,
} from "../transport/transport.ts";
import { percentDecoded, redacted, withoutBrackets } from "./url.ts";

/** A stream to a server, and the bytes already received on it. */
export interface Dialled {
  /** The stream; it may be paused if it leads through a proxy. */
  readonly transport: Transport;
  /** The server's first bytes, usually none. */
  readonly rest: Uint8Array;
}

/**
 * Opens a stream to `address` through a proxy. Its signal applies to all steps, and a failure
 * leaves no stream open.
 *
 * @param tls The user's TLS options: an HTTPS proxy is checked against the same authorities, also
 * for an address without TLS.
 * @throws {ConnectionError} `PROXY_FAILED` when the proxy cannot be reached, does not speak its
 * protocol or disconnects, `PROXY_REFUSED` when it rejects; otherwise the error of the network.
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
      // In TLS the client speaks first (RFC 8446 section 2). These bytes are from the proxy and
      // must never be taken for the server's bytes inside TLS.
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

/** The target in the proxy's request: with `socks5:` the name is resolved locally. */
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
  // Only the target may see the client certificate and the server name: the proxy gets neither
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
 * Negotiates with a proxy over `transport`.
 *
 * @returns The bytes of the target that arrived after the dialogue. The transport is paused and
 * needs another sink.
 * @throws {ConnectionError} When the proxy rejects, does not speak the protocol, or disconnects;
 * the transport is cut.
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
    // Pause immediately, even while the last write is in progress: later bytes belong to another
    // sink.
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
    // Once the tunnel is established the transport has another owner.
    if (this.#over) return;
    this.#over = true;
    this.#transport.destroy();
    this.#failed(error);
  }
}

// The option `proxy`: the proxy for a URL, and the parts of its URL. Error messages never contain a
// user or password.

/**
 * The URL of a proxy, or a function that returns it for each URL; `undefined` is a direct
 * connection. The user and password are part of the proxy's URL, percent-encoded.
 *
 * @example
 * ```ts
 * import { connect, type ProxyOption } from "@quickws/quickws";
 *
 * const proxy: ProxyOption = (url) =>
 *   url.hostname === "localhost" ? undefined : "http://user:p%40ss@proxy.example:3128";
 * export const open = () => connect("wss://a.example/", { proxy });
 * ```
 *
 * @category Client
 */
export type ProxyOption = string | URL | ((url: URL) => string | URL | undefined);

/** The protocol of a proxy for each URL scheme, and the default ports. */
const DEFAULT_PORTS = { http: 80, https: 443, socks5: 1080, socks5h: 1080 } as const;

/** The parts of a proxy's URL. */
export interface ProxyServer {
  /** The protocol. */
  readonly scheme: keyof typeof DEFAULT_PORTS;
  /** Its host name or IP address; an IPv6 address without brackets. */
  readonly hostname: string;
  /** Its port. */
  readonly port: number;
  /** The user and password, if the URL has them. */
  readonly credentials: ProxyCredentials | undefined;
}

/**
 * The proxy to use for a URL, if any.
 *
 * @throws {TypeError | RangeError} When it is not the URL of a proxy, or its user or password
 * cannot be sent; also any error of the user's function.
 */
export function findProxy(option: ProxyOption | undefined, url: string): ProxyServer | undefined {
  const found: unknown = typeof option === "function" ? option(new URL(url)) : option;
  if (found === undefined) return undefined;
  if (typeof found !== "string" && !(found instanceof URL)) {
    throw wrongType("proxy", "a URL or a function that returns one", found);
  }
  return parseProxy(String(found));
}

function parseProxy(text: string): ProxyServer {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const scheme = url?.protocol.slice(0, -1) ?? "";
  // `URL` does not know the SOCKS schemes and therefore does not normalize the host.
  const host = `http://${url?.host}`;
  if (url === undefined || !isScheme(scheme) || !URL.canParse(host)) {
    throw new TypeError(
      'Option "proxy" must be a URL with a host that begins with http://, https://, socks5:// or ' +
        `socks5h://, got ${show(redacted(text))}`,
    );
  }
  const server = {
    scheme,
    hostname: withoutBrackets(new URL(host).hostname),
    port: url.port === "" ? DEFAULT_PORTS[scheme] : Number(url.port),
    credentials: credentialsOf(url, scheme),
  };
  authorityOf(server);
  return server;
}

function isScheme(scheme: string): scheme is ProxyServer["scheme"] {
  return Object.hasOwn(DEFAULT_PORTS, scheme);
}

function credentialsOf(
  { username, password }: URL,
  scheme: ProxyServer["scheme"],
): ProxyCredentials | undefined {
  if (username === "" && password === "") return undefined;
  const what = 'user and password of option "proxy"';
  const credentials = {
    username: percentDecoded(what, username),
    password: percentDecoded(what, password),
  };
  // Validated before anything is opened.
  if (scheme === "http" || scheme === "https") basicCredentials(credentials);
  else passwordRequest(credentials);
  return credentials;
}
