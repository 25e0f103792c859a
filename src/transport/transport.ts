/**
 * The port between a connection and a runtime's sockets, and the ownership of memory.
 *
 * A transport is push-based: chunks, room to write, the end of input and the end of the stream are
 * calls to its {@linkcode TransportSink}. It is independent of WebSocket.
 *
 * @module
 */

/**
 * One byte stream to a peer: a TCP, TLS or unix socket, or anything that behaves like one.
 *
 * @category Types
 */
export interface Transport {
  /** The peer's address as text, without the port; empty if it has none (unix sockets). */
  readonly remoteAddress: string;

  /** The server name that a TLS client requested (SNI), if the runtime reports it. */
  readonly serverName?: string | undefined;

  /** The peer's port; absent or 0 if it has none (unix sockets). */
  readonly remotePort?: number;

  /**
   * Bytes accepted by {@linkcode Transport.write} that have not left the process. It falls while
   * the peer reads, in steps of at most 65 KiB, and is 0 at `drain` and after `closed`.
   */
  readonly bufferedAmount: number;

  /**
   * `true` if writes are always pending when {@linkcode Transport.write} returns (sockets with
   * promises). The caller then passes separate instead of shared memory. Absent: `false`.
   */
  readonly writesLater?: boolean;

  /**
   * Below this size, copying a part of a chunk is cheaper than creating a view, because of the
   * runtime's representation of small arrays. Absent: 0.
   */
  readonly copiesBelow?: number;

  /**
   * Whether the runtime rarely polls sockets while it reads others, so that busy connections must
   * pause occasionally.
   */
  readonly pollsRarely?: boolean;

  /**
   * Starts reading and delivers to `sink`. Nothing is delivered before or during the first call. A
   * later call hands the stream over to another sink.
   */
  start(sink: TransportSink): void;

  /**
   * Writes the first `length` bytes of `bytes`, in one piece if the runtime can.
   *
   * Returns `true` if the transport has consumed or copied them: the caller may reuse the memory
   * and write again. Returns `false` if it still needs them: the caller must not touch `bytes`
   * again, nor write before {@linkcode TransportSink.drain}. An empty write is consumed
   * immediately. Writes after {@linkcode Transport.end} or the stream's end are ignored.
   */
  write(bytes: Uint8Array, length: number): boolean;

  /**
   * Stops reading from the socket, which applies backpressure to the peer. Holds back bytes already
   * read, the peer's end, and a reset, unless a write fails first. May be called before {@linkcode
   * Transport.start}.
   */
  pause(): void;

  /** Resumes reading after {@linkcode Transport.pause}. */
  resume(): void;

  /** Ends the local side after all output was sent; reading continues. */
  end(): void;

  /**
   * Cuts the stream immediately and drops pending output; `closed` follows with `error`. The peer
   * sees a reset or an end, depending on the runtime. Only the first call has an effect.
   */
  destroy(error?: Error): void;
}

/**
 * The handlers of a transport's events. None of these may throw.
 *
 * @category Types
 */
export interface TransportSink {
  /**
   * Bytes arrived. The sink owns the chunk: it may change it (payloads are unmasked in place) and
   * keep views of it. The transport must not write to this memory again, unless the sink returns
   * `true` (it kept no views). The chunk must be a plain `Uint8Array`, not a subclass, because
   * views of it reach the user.
   */
  data(chunk: Uint8Array): boolean | void;

  /** All written bytes were sent, after a write that returned `false`. */
  drain(): void;

  /** The peer has ended its side. The local side stays open until {@linkcode Transport.end}. */
  end(): void;

  /**
   * The stream has ended in both directions. Called exactly once, last, with the error if any, and
   * never synchronously by `destroy`, `write` or `start`.
   */
  closed(error?: Error): void;
}

/**
 * The certificate and key of a TLS server, both PEM texts.
 *
 * @category Server
 */
export interface TlsServerOptions {
  /** The certificate chain. */
  cert: string;
  /** The private key. */
  key: string;
  /** The passphrase of `key`, if that is encrypted. */
  passphrase?: string | undefined;
}

/**
 * The TLS options of a client.
 *
 * @category Client
 */
export interface TlsClientOptions {
  /** PEM certificates to trust in addition to the system's. Default: none. */
  caCerts?: string[] | undefined;
  /** The client's certificate chain (PEM), for servers that request one. */
  cert?: string | undefined;
  /** The private key of `cert` (PEM). */
  key?: string | undefined;
  /** The passphrase of `key`, if that is encrypted. */
  passphrase?: string | undefined;
  /** The required name in the certificate. Default: the host name of the URL. */
  serverName?: string | undefined;
  /** `false` accepts any certificate. Default: `true`. */
  rejectUnauthorized?: boolean | undefined;
}

/** The address and options of a listener. */
export interface ListenOptions {
  /** The address to bind. */
  hostname: string;
  /** The port to bind; 0 lets the system choose. */
  port: number;
  /** The path of a unix socket to bind instead. */
  unix?: string | undefined;
  /**
   * Lets several processes share the port (SO_REUSEPORT). Throws a `TypeError` if unsupported: Node
   * before 22.12, Deno's own sockets without `--unstable-net`.
   */
  reusePort?: boolean | undefined;
  /** The length of the accept queue, if the runtime supports it (not Bun). */
  backlog?: number | undefined;
  /** Enables TLS. */
  tls?: TlsServerOptions | undefined;
  /** Sends small writes at once (TCP_NODELAY). */
  noDelay: boolean;
  /** The initial size in bytes of a read buffer, if the transport owns it. */
  readBufferSize?: number | undefined;
  /** The kind of Deno's sockets; ignored elsewhere. Default: `"node:net"`. */
  denoSockets?: DenoSockets | undefined;
}

/**
 * The kinds of server sockets on Deno: `node:net` or `Deno.listen`.
 *
 * @category Server
 */
export type DenoSockets = "node:net" | "Deno.listen";

/**
 * The address and options of a connection.
 *
 * @category Client
 */
export interface DialOptions {
  /** A host name or an IP address; an IPv6 address without brackets. */
  hostname: string;
  /** The port. */
  port: number;
  /** The path of a unix socket to connect to instead. */
  unix?: string | undefined;
  /** Enables TLS. */
  tls?: TlsClientOptions | undefined;
  /** Sends small writes at once (TCP_NODELAY). */
  noDelay: boolean;
  /** The initial size in bytes of the read buffer, if the transport owns it. */
  readBufferSize?: number | undefined;
  /**
   * Cancels the attempt: the promise rejects immediately with the signal's reason and the socket is
   * closed; on Bun when it is connected or rejected, on Deno during a TLS handshake when the server
   * acts.
   */
  signal?: AbortSignal | undefined;
}

/** A bound socket. */
export interface Listener {
  /** The address it is bound to. */
  readonly hostname: string;
  /** The port it is bound to; 0 for a unix socket. */
  readonly port: number;
  /** Stops accepting; open connections remain open. Resolves when the address is free. */
  close(): Promise<void>;
}

/** Receives the connections of a listener. Neither method may throw. */
export interface ListenerSink {
  /**
   * A connection was accepted; `start` starts reading. A TLS handshake follows, so that a time
   * limit for the first bytes includes it; if it fails, the connection is `closed`.
   */
  accept(transport: Transport): void;
  /**
   * Accepting failed (for example because of too many open files); the listener continues if
   * possible.
   */
  error(error: Error): void;
}

/** The network of one runtime: dialing and listening. */
export interface Network {
  /** The maximum size of a unix socket path in bytes. Absent: no limit. */
  readonly maxUnixPath?: number | undefined;
  /** Opens a stream. Rejects with the runtime's own error. */
  dial(options: DialOptions): Promise<Transport>;
  /** Binds a socket. Rejects with the runtime's own error. */
  listen(options: ListenOptions, sink: ListenerSink): Promise<Listener>;
  /**
   * Starts TLS as a client over an open stream, such as a proxy's tunnel, and takes ownership of
   * the stream. Rejects with the runtime's own error after cutting the stream.
   */
  startTls(transport: Transport, options: TlsClientOptions): Promise<Transport>;
  /** Resolves a host name to an address. Rejects with the runtime's own error. */
  lookup(hostname: string): Promise<string>;
}
