/*
 * TLS with `node:tls` on all three runtimes: validates and converts the port's options, and runs
 * either side of TLS over any transport.
 */

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import * as net from "node:net";
import { Duplex } from "node:stream";
import * as tls from "node:tls";
import { show } from "../shared/check.ts";
import { type NodeSocket, NodeTransport } from "./node_transport.ts";
import type { TlsClientOptions, TlsServerOptions, Transport } from "./transport.ts";

/** A certificate chain and its unencrypted private key, as PEM texts. */
export interface TlsIdentity {
  /** The certificate chain. */
  readonly cert: string;
  /** The private key. */
  readonly key: string;
}

const CERTIFICATE_LINE = "-----BEGIN CERTIFICATE-----";

/**
 * Validates a certificate and a private key, and decrypts the key for all runtimes. Otherwise
 * errors would appear late, some only in the first handshake, and not name the option.
 *
 * @throws {TypeError} When the key or certificate is unreadable, or they do not match.
 */
export function tlsIdentity({ cert, key, passphrase }: TlsServerOptions): TlsIdentity {
  const certificate = readCertificate("tls.cert", cert);
  const privateKey = readPrivateKey(key, passphrase);
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new TypeError('Option "tls.key": the private key does not belong to "tls.cert"');
  }
  // Deno's sockets do not support passphrases.
  if (passphrase === undefined) return { cert, key };
  return { cert, key: privateKey.export({ type: "pkcs8", format: "pem" }) as string };
}

/** @throws {TypeError} Unless all are certificates. */
export function checkAuthorities(caCerts: readonly string[]): void {
  for (let i = 0; i < caCerts.length; i++) readCertificate(`tls.caCerts[${i}]`, caCerts[i]);
}

function readCertificate(name: string, pem: string): X509Certificate {
  if (!pem.includes(CERTIFICATE_LINE)) {
    throw notPem(name, `a certificate in PEM form, which begins with ${CERTIFICATE_LINE}`, pem);
  }
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw unreadable(name, "certificate", cause);
  }
}

function readPrivateKey(key: string, passphrase: string | undefined): KeyObject {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key)) {
    throw notPem("tls.key", "a private key in PEM form (-----BEGIN PRIVATE KEY-----)", key);
  }
  try {
    return createPrivateKey({ key, format: "pem", passphrase });
  } catch (cause) {
    const encrypted = /ENCRYPTED/.test(key);
    if (encrypted && passphrase === undefined) {
      throw new TypeError('Option "tls.key" is encrypted: give "tls.passphrase"', { cause });
    }
    throw unreadable(
      "tls.key",
      encrypted ? 'private key with this "tls.passphrase"' : "private key",
      cause,
    );
  }
}

function notPem(name: string, wanted: string, given: string): TypeError {
  return new TypeError(`Option "${name}" must be ${wanted}, got ${describe(given)}`);
}

/** Describes a text for an error without revealing a possible secret. */
function describe(given: string): string {
  if (given.includes("PRIVATE KEY-----")) return "a private key";
  if (given.includes(CERTIFICATE_LINE)) return "a certificate";
  const isFileName = /^[^\n]{1,200}\.(pem|crt|cer|key)$/i.test(given);
  if (isFileName) return `${show(given)}: pass the content of the file, not its name`;
  return `a text of ${given.length} characters`;
}

function unreadable(name: string, what: string, cause: unknown): TypeError {
  const why = cause instanceof Error ? cause.message : show(cause);
  return new TypeError(`Option "${name}" cannot be read as a ${what}: ${why}`, { cause });
}

/**
 * The options of `tls.connect` besides the address; typed as `object`, so that no runtime type is
 * exported.
 *
 * @param hostname The name to request and verify, unless the options have another.
 */
function tlsOptions(options: TlsClientOptions, hostname?: string): object {
  // Node sends no server name if only a host is given.
  const serverName = options.serverName ?? hostname;
  const result: tls.ConnectionOptions = {
    rejectUnauthorized: options.rejectUnauthorized ?? true,
    secureContext: clientContext(options),
  };
  if (serverName !== undefined) {
    // RFC 6066 3: an IP address is not a server name, but the certificate is still verified against
    // it.
    if (net.isIP(serverName) === 0) result.servername = serverName;
    else result.checkServerIdentity = (_, peer) => tls.checkServerIdentity(serverName, peer);
  }
  return result;
}

let lastClient: { options: TlsClientOptions; context: tls.SecureContext } | undefined;

/** Caches the last context: Node takes some 40 ms to read the system's certificates. */
function clientContext(options: TlsClientOptions): tls.SecureContext {
  const { caCerts, cert, key, passphrase } = options;
  if (lastClient !== undefined) {
    const last = lastClient.options;
    const same = last.cert === cert && last.key === key && last.passphrase === passphrase &&
      last.caCerts?.length === caCerts?.length &&
      (caCerts ?? []).every((pem, index) => pem === last.caCerts![index]);
    if (same) return lastClient.context;
  }
  if (caCerts !== undefined) checkAuthorities(caCerts);
  const identity = clientIdentity(options);
  const ca = caCerts === undefined ? undefined : [...tls.rootCertificates, ...caCerts];
  const context = tls.createSecureContext({ ca, ...identity });
  lastClient = { options: { caCerts: caCerts?.slice(), cert, key, passphrase }, context };
  return context;
}

/** The client's validated certificate and key, if any. */
export function clientIdentity(
  { cert, key, passphrase }: TlsClientOptions,
): TlsIdentity | undefined {
  return cert === undefined || key === undefined
    ? undefined
    : tlsIdentity({ cert, key, passphrase });
}

/** Adapts a transport to a stream for `node:tls`. */
class TransportStream extends Duplex {
  readonly #transport: Transport;
  /** Notifies the stream that its last write was sent. */
  #written: (() => void) | undefined;
  #held = false;

  constructor(transport: Transport) {
    super({ allowHalfOpen: true });
    this.#transport = transport;
    transport.start({
      data: (chunk) => {
        if (!this.push(chunk)) transport.pause();
      },
      drain: () => this.#drained(),
      end: () => this.push(null),
      closed: (error) => this.destroy(error),
    });
  }

  /** Stops reading from the transport regardless of TLS, or resumes. */
  hold(held: boolean): void {
    this.#held = held;
    if (held) this.#transport.pause();
    else this.#transport.resume();
  }

  override _read(): void {
    if (!this.#held) this.#transport.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, written: () => void): void {
    if (this.#transport.write(chunk, chunk.length)) written();
    else this.#written = written;
  }

  override _final(ended: () => void): void {
    this.#transport.end();
    ended();
  }

  override _destroy(error: Error | null, destroyed: (error: Error | null) => void): void {
    this.#transport.destroy();
    destroyed(error);
  }

  #drained(): void {
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }
}

/**
 * On Deno a paused `TLSSocket` keeps reading indefinitely, so the underlying stream is stopped too.
 */
class TlsTransport extends NodeTransport {
  readonly #stream: TransportStream;

  constructor(socket: tls.TLSSocket, stream: TransportStream, transport: Transport) {
    super(socket, transport);
    this.#stream = stream;
  }

  override pause(): void {
    super.pause();
    this.#stream.hold(true);
  }

  override resume(): void {
    this.#stream.hold(false);
    super.resume();
  }

  override end(): void {
    // During the peer's end event, Deno would close the stream without a close_notify.
    queueMicrotask(() => super.end());
  }
}

/**
 * Creates a connecting `TLSSocket`.
 *
 * @param address The argument of `net.connect`; typed as `object`, so that no runtime type is
 *   exported.
 */
export function connectTls(address: object, options: TlsClientOptions, hostname: string): object {
  return tls.connect({ ...address, ...tlsOptions(options, hostname) });
}

/**
 * Returns a function that starts TLS as a server on a socket of `node:net`.
 *
 * @param stream Options of the created streams.
 * @throws {TypeError} When the certificate or the key cannot be read, or do not match.
 */
export function socketSecurer(
  options: TlsServerOptions,
  stream: { highWaterMark: number },
): (socket: object) => NodeSocket {
  const secureContext = tls.createSecureContext(tlsIdentity(options));
  return (socket) =>
    new tls.TLSSocket(socket as net.Socket, { isServer: true, secureContext, ...stream });
}

/** {@linkcode Network.startTls} for all runtimes. */
export function startTls(transport: Transport, options: TlsClientOptions): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const stream = new TransportStream(transport);
    const socket = tls.connect({ socket: stream, ...tlsOptions(options) });
    const fail = (error?: Error): void => {
      transport.destroy();
      reject(error ?? new Error("the peer closed the connection in the TLS handshake"));
    };
    const close = (): void => fail();
    socket.once("error", fail);
    socket.once("close", close);
    socket.once("secureConnect", () => {
      socket.removeListener("error", fail);
      socket.removeListener("close", close);
      resolve(new TlsTransport(socket, stream, transport));
    });
  });
}

/**
 * Returns a function that starts TLS as a server over a transport of any kind. The handshake begins
 * when the result is started.
 *
 * @throws {TypeError} When the certificate or the key cannot be read, or do not match.
 */
export function tlsServer(options: TlsServerOptions): (transport: Transport) => Transport {
  const secureContext = tls.createSecureContext(tlsIdentity(options));
  return (transport) => {
    const stream = new TransportStream(transport);
    const socket = new tls.TLSSocket(stream, { isServer: true, secureContext });
    return new TlsTransport(socket, stream, transport);
  };
}
