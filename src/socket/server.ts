// A running server: who is connected, and how it ends.

import { PreparedMessage } from "../message/prepared_message.ts";
import type { Listener, ListenerSink, Transport } from "../transport/transport.ts";
import { Channel, type ChannelContext } from "./channel.ts";
import { checkInteger, checkNames } from "./check.ts";
import type { Connection } from "./connection.ts";
import { MAX_INT32 } from "./connection_options.ts";
import { type Accepted, Incoming, type IncomingOwner } from "./incoming.ts";
import { prepareMessage } from "./prepare.ts";
import type { ServeRules } from "./serve_options.ts";
import { type Timer, timers, type TimerTarget } from "./timer_wheel.ts";

/** How a server is shut down. */
export interface ShutdownOptions {
  /**
   * Milliseconds that connections have for the closing handshake before they are cut. Default: the
   * option `closeTimeout` of `serve`.
   */
  timeout?: number;
}

/** Whom a broadcast leaves out. */
export interface BroadcastOptions<T = unknown> {
  /** The connection that does not get it, such as the one it came from. */
  except?: Connection<T>;
}

/**
 * A running WebSocket server.
 *
 * @example
 * ```ts
 * import { serve } from "@quickws/quickws";
 *
 * await using server = await serve({ port: 0, message: (conn, data) => conn.send(data) });
 * console.log(`listening on ${server.url}`);
 * ```
 */
export class Server<T = undefined> {
  readonly #core: ServerCore<T>;
  /** The address it is bound to; empty on a unix socket. */
  readonly hostname: string;
  /** The port it is bound to; 0 on a unix socket. */
  readonly port: number;
  /** Where clients connect to: `ws://127.0.0.1:8080/`, or the path of the unix socket. */
  readonly url: string;

  /** @internal Servers come from `serve`. */
  constructor(core: ServerCore<T>, listener: Listener) {
    this.#core = core;
    this.hostname = listener.hostname;
    this.port = listener.port;
    const { rules } = core;
    this.url = rules.options.path ??
      `${rules.scheme}://${urlHost(listener.hostname)}:${this.port}/`;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#core.connections;
  }

  /** Resolves, and never rejects, when the server has shut down and its last connection is gone. */
  get finished(): Promise<void> {
    return this.#core.finished;
  }

  /** Iterates over the connections that are open. */
  clients(): IterableIterator<Connection<T>> {
    return this.#core.clients();
  }

  /**
   * Sends a message to all open connections, encoded once.
   *
   * @param data A string is sent as text, bytes as binary; or what `prepareMessage` made of them.
   * @param options Whom to leave out.
   * @returns To how many connections it was sent.
   * @throws {TypeError} When the data is of another type, or an option unknown.
   */
  broadcast(
    data: string | Uint8Array | ArrayBuffer | PreparedMessage,
    options: BroadcastOptions<T> = {},
  ): number {
    checkNames("The options of broadcast", options, ["except"]);
    const message = data instanceof PreparedMessage ? data : prepareMessage(data);
    let count = 0;
    for (const connection of this.#core.clients()) {
      if (connection === options.except || connection.readyState !== "open") continue;
      connection.sendPrepared(message);
      count++;
    }
    return count;
  }

  /**
   * Stops accepting, closes all connections with 1001 (RFC 6455 section 7.4.1), waits for them, and
   * cuts those that take too long. Resolves when all is over; a second call waits for the same end.
   *
   * @throws {TypeError | RangeError} When the timeout is not a number of milliseconds.
   */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    checkNames("The options of shutdown", options, ["timeout"]);
    checkInteger("timeout", options.timeout, 0, MAX_INT32, "milliseconds");
    this.#core.shutdown(options.timeout);
    return this.#core.finished;
  }

  /** {@linkcode Server.shutdown} with the default timeout. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }
}

/** What a {@linkcode Server} stands on: the owner of its handshakes and connections. */
export class ServerCore<T>
  implements ListenerSink, IncomingOwner<T>, ChannelContext<T>, TimerTarget {
  /** The checked options. */
  readonly rules: ServeRules<T>;
  /** Resolves when all is over. */
  readonly finished: Promise<void>;
  #listener: Listener | undefined;
  #handshakes: Set<Incoming<T>> = new Set();
  #connections: Set<Connection<T>> = new Set();
  #shuttingDown = false;
  #listening = true;
  #timer: Timer | undefined;
  #finish!: () => void;

  /** @param rules The checked options. */
  constructor(rules: ServeRules<T>) {
    this.rules = rules;
    this.finished = new Promise((resolve) => this.#finish = resolve);
  }

  /** The options of the connections. */
  get connectionRules(): ServeRules<T>["connection"] {
    return this.rules.connection;
  }

  /** The user's handlers. */
  get handlers(): ServeRules<T>["options"] {
    return this.rules.options;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#connections.size;
  }

  /** The open connections. */
  clients(): IterableIterator<Connection<T>> {
    return this.#connections.values();
  }

  /** The socket is bound. */
  listening(listener: Listener): void {
    this.#listener = listener;
    const { signal } = this.rules.options;
    if (signal === undefined) return;
    const abort = (): void => this.shutdown();
    signal.addEventListener("abort", abort, { once: true });
    this.finished.then(() => signal.removeEventListener("abort", abort));
    if (signal.aborted) this.shutdown();
  }

  /** A socket was accepted. */
  accept(transport: Transport): void {
    if (this.#shuttingDown) {
      transport.destroy();
      return;
    }
    const incoming = new Incoming(this, transport);
    this.#handshakes.add(incoming);
    incoming.start();
  }

  /** Accepting failed. */
  error(error: Error): void {
    this.reportError(error);
  }

  /** A handshake is done. */
  accepted(incoming: Incoming<T>, accepted: Accepted<T>): void {
    this.#handshakes.delete(incoming);
    const handshake = {
      url: accepted.url,
      status: 101,
      headers: accepted.request.fields,
      protocol: accepted.subprotocol,
      extensions: "",
    };
    const channel = new Channel<T>(
      this,
      accepted.transport,
      handshake,
      accepted.data as T,
      accepted.handlers,
    );
    this.#connections.add(channel.connection);
    channel.start(accepted);
  }

  /** A handshake came to nothing. */
  ended(incoming: Incoming<T>): void {
    this.#handshakes.delete(incoming);
    this.#checkFinished();
  }

  /** A connection is over. */
  connectionClosed(connection: Connection<T>): void {
    this.#connections.delete(connection);
    this.#checkFinished();
  }

  /** An error that has no connection to go to. */
  reportError(error: unknown): void {
    const { onError } = this.rules.options;
    try {
      if (onError !== undefined) onError(error);
      else logError(error);
    } catch (failure) {
      logError(failure);
    }
  }

  /** Ends it all; see {@linkcode Server.shutdown}. */
  shutdown(timeout: number = this.rules.connection.closeTimeout): void {
    if (this.#shuttingDown) return;
    this.#shuttingDown = true;
    this.#timer = timers.start(timeout, this, 0);
    for (const handshake of this.#handshakes) handshake.cancel();
    for (const connection of this.#connections) connection.close(1001);
    this.#listener?.close().catch((error: unknown) => this.reportError(error)).finally(() => {
      this.#listening = false;
      this.#checkFinished();
    });
  }

  /** The time of a shutdown is over. */
  timerFired(): void {
    for (const connection of this.#connections) connection.terminate();
  }

  #checkFinished(): void {
    if (this.#listening || this.#connections.size > 0 || this.#handshakes.size > 0) return;
    timers.cancel(this.#timer);
    this.#finish();
  }
}

/** The default of `onError`. */
export function logError(error: unknown): void {
  // The web's reportError ends the process on Deno and Bun and is unknown to Node 20.
  // deno-lint-ignore no-console
  console.error(error);
}

/** An address as it stands in a URL, where IPv6 goes into brackets and "any" means this machine. */
function urlHost(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  if (hostname === "::") return "[::1]";
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}
