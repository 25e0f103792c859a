/* The part of Bun's socket API that the transport uses, declared here so that no other types are needed. */

/** One socket, accepted or connected. */
export interface BunSocket<Data> {
  /** What the socket carries for its handlers: set per connection, or inherited from the listener. */
  data: Data;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  /** Returns how many bytes the kernel took, or -1 when the socket is closed. */
  write(bytes: Uint8Array, offset: number, length: number): number;
  /** Sends a FIN (TLS: a close_notify); what the peer sends is still read. */
  shutdown(): void;
  /**
   * Closes at once; the kernel still sends what it has taken, and a FIN behind it. Calls the `close`
   * handler before it returns.
   */
  close(): void;
  /** Closes at once, with a reset. Calls the `close` handler before it returns. */
  terminate(): void;
  pause(): void;
  resume(): void;
  setNoDelay(noDelay: boolean): boolean;
  /** What a finished TLS handshake has agreed on; `null` before. */
  getCipher(): object | null;
}

/** The callbacks of sockets; one object serves any number of them. */
export interface BunSocketHandlers<Data> {
  /** What `data` gets: `"uint8array"` is a plain one with memory of its own for each call. */
  binaryType: "uint8array";
  open(socket: BunSocket<Data>): void;
  handshake(socket: BunSocket<Data>, success: boolean, error: Error | null): void;
  data(socket: BunSocket<Data>, chunk: Uint8Array): void;
  drain(socket: BunSocket<Data>): void;
  end(socket: BunSocket<Data>): void;
  error(socket: BunSocket<Data>, error: Error): void;
  close(socket: BunSocket<Data>, error?: Error): void;
  /** Its presence keeps a failed `Bun.connect` from being reported as an unhandled rejection. */
  connectError(socket: BunSocket<Data>, error: Error): void;
}

/** TLS options of either side, PEM texts. An empty object or an empty `ca` would mean no TLS. */
export interface BunTlsOptions {
  ca?: string[] | undefined;
  cert?: string | undefined;
  key?: string | undefined;
  serverName?: string | undefined;
  rejectUnauthorized?: boolean;
}

/** Where to listen or to connect to, and who is called. */
export interface BunSocketOptions<Data> {
  hostname?: string;
  port?: number;
  unix?: string;
  socket: BunSocketHandlers<Data>;
  data: Data;
  tls?: BunTlsOptions | undefined;
  allowHalfOpen: boolean;
  reusePort?: boolean | undefined;
}

/** A bound socket. */
export interface BunListener {
  readonly hostname?: string;
  readonly port?: number;
  /** Stops accepting; open sockets stay. */
  stop(): void;
}

/** The global `Bun`. */
export interface BunApi {
  connect<Data>(options: BunSocketOptions<Data>): Promise<BunSocket<Data>>;
  listen<Data>(options: BunSocketOptions<Data>): BunListener;
}

/** The `Bun` of this process. Throws a `TypeError` where there is none. */
export function bunApi(): BunApi {
  const bun = (globalThis as { Bun?: BunApi }).Bun;
  if (bun === undefined) throw new TypeError("this transport needs Bun: globalThis.Bun is missing");
  return bun;
}
