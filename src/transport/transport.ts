/**
 * The port between a connection and a runtime's sockets, and the ownership of memory.
 *
 * A transport pushes: chunks, room to write, end of input and the end of everything are calls on
 * its {@linkcode TransportSink}. It knows nothing of WebSocket.
 *
 * @module
 */

/**
 * One byte stream to a peer: a TCP, TLS or unix socket, or anything that behaves like one.
 *
 * @category Types
 */
export interface Transport {
  /** The peer's address as text, without the port; empty where there is none (unix sockets). */
  readonly remoteAddress: string;

  /** The server name that a TLS client requested (SNI), if the runtime reports it. */
  readonly serverName?: string | undefined;

  /** The peer's port; absent or 0 where there is none (unix sockets). */
  readonly remotePort?: number;

  /**
   * Bytes that {@linkcode Transport.write} took and that have not left the process yet. It falls
   * while the peer reads, in steps of at most 64 KiB, and is 0 at `drain` and after `closed`.
   */
  readonly bufferedAmount: number;

  /**
   * `true` where a write is always still pending when {@linkcode Transport.write} returns (sockets
   * that write through promises). The caller then gives separate memory instead of lending memory
   * it shares. Absent means `false`.
   */
  readonly writesLater?: boolean;

  /**
   * Parts of chunks with fewer bytes than this are cheaper to copy than to view, because of how the
   * runtime keeps small arrays. Absent means 0: views are always cheaper.
   */
  readonly copiesBelow?: number;

  /**
   * Whether the runtime rarely looks for sockets with input while it reads others, so that connections that
   * read all the time have to rest now and then.
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
   * and the next write may follow. Returns `false` when it still needs them: it keeps `bytes`, which
   * the caller must not touch again, and must get no further write before {@linkcode
   * TransportSink.drain}. A write of no bytes is consumed at once. After {@linkcode Transport.end} or
   * the stream's end a write is ignored.
   */
  write(bytes: Uint8Array, length: number): boolean;

  /**
   * Stops reading from the socket, so that the kernel's buffer fills and the peer has to wait. What
   * the transport has read already it holds back, and so it does with the peer's end and, unless a
   * write meets it first, with a reset. May be called before {@linkcode Transport.start}.
   */
  pause(): void;

  /** Resumes reading after {@linkcode Transport.pause}. */
  resume(): void;

  /** Ends the outbound direction once all output has left; reading continues. */
  end(): void;

  /**
   * Cuts the stream immediately, in both directions, and drops pending output; `closed` follows with
   * `error`. The peer sees a reset or an end, whichever the runtime makes of it. The first call
   * counts.
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
   * the sink returns `true` to say that it kept none. The chunk is a plain `Uint8Array`, never a
   * subclass, because views of it reach the user.
   */
  data(chunk: Uint8Array): boolean | void;

  /** All that was written has left, after a write that returned `false`. */
  drain(): void;

  /** The peer has ended its direction. Our own stays open until {@linkcode Transport.end}. */
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
  /** The passphrase of `key`, where that is encrypted. */
  passphrase?: string | undefined;
}

/**
 * The TLS options of a client: checks of the server, and its own certificate.
 *
 * @category Client
 */
export interface TlsClientOptions {
  /** PEM certificates to trust beside the system's. Default: none. */
  caCerts?: string[] | undefined;
  /** Our own certificate chain (PEM), for servers that ask for one. */
  cert?: string | undefined;
  /** The private key of `cert` (PEM). */
  key?: string | undefined;
  /** The passphrase of `key`, where that is encrypted. */
  passphrase?: string | undefined;
  /** The name the certificate must be for. Default: the host name of the URL. */
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
   * Lets several processes share the port (SO_REUSEPORT). A `TypeError` where it cannot be had: Node
   * before 22.12, Deno's own sockets without `--unstable-net`.
   */
  reusePort?: boolean | undefined;
  /** How many connections may wait to be accepted, where the runtime lets us choose (not on Bun). */
  backlog?: number | undefined;
  /** Makes it a TLS listener. */
  tls?: TlsServerOptions | undefined;
  /** Sends small writes at once (TCP_NODELAY). */
  noDelay: boolean;
  /** The first size in bytes of a read buffer, where the transport owns it. */
  readBufferSize?: number | undefined;
  /** Which of Deno's two kinds of sockets to use; without effect elsewhere. Default: `"node:net"`. */
  denoSockets?: DenoSockets | undefined;
}

/**
 * The kinds of sockets that a server on Deno can stand on: those of its `node:net`, or those of
 * `Deno.listen`.
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
  /** The first size in bytes of the read buffer, where the transport owns it. */
  readBufferSize?: number | undefined;
  /**
   * Gives up: the promise rejects at once with the signal's reason and the socket is closed; with
   * Bun as soon as it is connected or refused, with Deno in a TLS handshake once the server acts.
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
   * A connection was accepted; reading starts with its `start`. A TLS handshake is still to come, so
   * that a time limit for the first bytes covers it too; one that fails is `closed`.
   */
  accept(transport: Transport): void;
  /** Accepting failed (say, too many open files); the listener continues if it can. */
  error(error: Error): void;
}

/** The network of one runtime: dialing and listening. */
export interface Network {
  /** Bytes that the path of a unix socket may have; absent: any. */
  readonly maxUnixPath?: number | undefined;
  /** Opens a stream. Rejects with the runtime's own error. */
  dial(options: DialOptions): Promise<Transport>;
  /** Binds a socket. Rejects with the runtime's own error. */
  listen(options: ListenOptions, sink: ListenerSink): Promise<Listener>;
  /**
   * Speaks TLS as a client over a stream that is open already, such as a proxy's tunnel. The stream
   * belongs to the result from then on. Rejects with the runtime's own error, and cuts the stream.
   */
  startTls(transport: Transport, options: TlsClientOptions): Promise<Transport>;
  /** Looks up an address of a host name. Rejects with the runtime's own error. */
  lookup(hostname: string): Promise<string>;
}
