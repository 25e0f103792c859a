/**
 * The port between a connection and a runtime's sockets, and the ownership of memory.
 *
 * A transport pushes: chunks, room to write, the end of input and the end of the stream are calls
 * of its {@linkcode TransportSink}. It is independent of WebSocket.
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
   * Bytes that {@linkcode Transport.write} accepted and that have not left the process yet. It
   * falls while the peer reads, in steps of at most 64 KiB, and is 0 at `drain` and after `closed`.
   */
  readonly bufferedAmount: number;

  /**
   * `true` if a write is always still pending when {@linkcode Transport.write} returns (sockets
   * that write through promises). The caller then passes separate memory instead of shared memory.
   * Absent means `false`.
   */
  readonly writesLater?: boolean;

  /**
   * Parts of chunks below this size are cheaper to copy than to view, because of the runtime's
   * representation of small arrays. Absent means 0: views are always cheaper.
   */
  readonly copiesBelow?: number;

  /**
   * Whether the runtime rarely polls sockets while it reads others, so that busy connections have
   * to rest now and then.
   */
  readonly pollsRarely?: boolean;

  /**
   * Starts reading, and delivers to `sink` from now on. Nothing is delivered before the first call,
   * and nothing during it. A later call hands the stream over to another sink.
   */
  start(sink: TransportSink): void;

  /**
   * Writes the first `length` bytes of `bytes`, in one piece if the runtime can.
   *
   * Returns `true` when the transport has consumed or copied them: the memory is the caller's again
   * and the next write may follow. Returns `false` when it still needs them: it keeps `bytes`,
   * which the caller must not touch again, and accepts no further write before {@linkcode
   * TransportSink.drain}. A write of no bytes is consumed at once. After {@linkcode Transport.end}
   * or the stream's end a write is ignored.
   */
  write(bytes: Uint8Array, length: number): boolean;

  /**
   * Stops reading from the socket, so that the kernel's buffer fills and the peer has to wait.
   * Holds back bytes that it has already read, the peer's end, and a reset, unless a write fails
   * first. May be called before {@linkcode Transport.start}.
   */
  pause(): void;

  /** Resumes reading after {@linkcode Transport.pause}. */
  resume(): void;

  /** Ends the outbound direction once all output has left; reading continues. */
  end(): void;

  /**
   * Cuts the stream immediately, in both directions, and drops pending output; `closed` follows
   * with `error`. The peer sees a reset or an end, depending on the runtime. The first call counts.
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
   * Bytes have arrived. The chunk is given away: the sink may change it (payloads are unmasked in
   * place) and may keep views of it, so the transport must not write to this memory again, unless
   * the sink returns `true`, because it kept none. The chunk is a plain `Uint8Array`, never a
   * subclass, because views of it reach the user.
   */
  data(chunk: Uint8Array): boolean | void;

  /** All written bytes have left, after a write that returned `false`. */
  drain(): void;

  /** The peer has ended its direction. The local one stays open until {@linkcode Transport.end}. */
  end(): void;

  /**
   * The stream has ended, in both directions; nothing follows. Called exactly once, with the error
   * if there was one, never from inside a call of `destroy`, `write` or `start`.
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
 * The TLS options of a client: checks of the server, and its own certificate.
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
   * Lets several processes share the port (SO_REUSEPORT). A `TypeError` if it is not supported:
   * Node before 22.12, Deno's own sockets without `--unstable-net`.
   */
  reusePort?: boolean | undefined;
  /** How many connections may wait to be accepted, if the runtime supports it (not on Bun). */
  backlog?: number | undefined;
  /** Makes it a TLS listener. */
  tls?: TlsServerOptions | undefined;
  /** Sends small writes at once (TCP_NODELAY). */
  noDelay: boolean;
  /** The first size in bytes of a read buffer, if the transport owns it. */
  readBufferSize?: number | undefined;
  /** The kind of Deno's sockets to use; without effect elsewhere. Default: `"node:net"`. */
  denoSockets?: DenoSockets | undefined;
}

/**
 * The kinds of sockets for a server on Deno: those of its `node:net`, or those of `Deno.listen`.
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
  /** Present: speak TLS. */
  tls?: TlsClientOptions | undefined;
  /** Sends small writes at once (TCP_NODELAY). */
  noDelay: boolean;
  /** The first size in bytes of the read buffer, if the transport owns it. */
  readBufferSize?: number | undefined;
  /**
   * Cancels the attempt: the promise rejects at once with the signal's reason and the socket is
   * closed; with Bun once it is connected or rejected, with Deno in a TLS handshake once the server
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
  /** Stops accepting; connections that are open stay open. Resolves once the address is free. */
  close(): Promise<void>;
}

/** Receives the connections of a listener. Neither method may throw. */
export interface ListenerSink {
  /**
   * A connection was accepted; reading starts with its `start`. Its TLS handshake follows, so that
   * a time limit for the first bytes covers it too; after a failed one the connection is `closed`.
   */
  accept(transport: Transport): void;
  /** Accepting failed (for example, too many open files); the listener continues if it can. */
  error(error: Error): void;
}

/** The network of one runtime: dialing and listening. */
export interface Network {
  /** The maximum size of a unix socket's path in bytes; absent: no limit. */
  readonly maxUnixPath?: number | undefined;
  /** Opens a stream. Rejects with the runtime's own error. */
  dial(options: DialOptions): Promise<Transport>;
  /** Binds a socket. Rejects with the runtime's own error. */
  listen(options: ListenOptions, sink: ListenerSink): Promise<Listener>;
  /**
   * Speaks TLS as a client over an open stream, such as a proxy's tunnel. The stream belongs to the
   * result from then on. Rejects with the runtime's own error, and cuts the stream.
   */
  startTls(transport: Transport, options: TlsClientOptions): Promise<Transport>;
  /** Looks up an address of a host name. Rejects with the runtime's own error. */
  lookup(hostname: string): Promise<string>;
}
