// A server over streams: opening handshakes on sockets accepted or handed over by another HTTP
// server, and the resulting connections.

import type { Connection } from "../connection/connection.ts";
import { Driver } from "../connection/driver.ts";
import type { RequestHead } from "../handshake/server.ts";
import { TOPICS_SUBPROTOCOL } from "../pubsub/protocol.ts";
import type { Listener, ListenerSink, Transport } from "../transport/transport.ts";
import { Handshake, type HandshakeOutcome } from "./handshake.ts";
import { ServerCore } from "./server_core.ts";
import type { Accepted, UpgradeCallOptions, UpgradeSocket } from "./upgrade_hook.ts";

/**
 * The maximum number of rejected clients still reading their response, besides counted handshakes.
 * In a flood, others are cut immediately.
 */
const MAX_LINGERING = 1024;

/** A request read by another HTTP server. */
export interface ForwardedRequest<T> {
  /** Its socket. */
  readonly socket: UpgradeSocket;
  /** Returns its head. */
  readHead(): RequestHead;
  /** The request object of that server. */
  readonly raw: unknown;
  /** The caller's values for the connection. */
  readonly gift?: UpgradeCallOptions<T>;
  /** Whether to reject it with 404. */
  readonly isUnwanted?: boolean;
  /** The handshake has ended. */
  done?(connection: Connection<T> | undefined): void;
  /** The request is left to other listeners; {@linkcode ForwardedRequest.done} follows. */
  passed?(): void;
}

/** The handshakes and connections of one server over streams. */
export class StreamServer<T> extends ServerCore<T> implements ListenerSink {
  #listener: Listener | undefined;
  #isListening = false;
  /** Whether plain HTTP is still answered during the shutdown. */
  #keepsHttp = false;
  /** Pending handshakes, and rejected clients still connected. */
  readonly #handshakes: Set<Handshake<T>> = new Set();
  /** The requests passed to {@linkcode StreamServer.upgrade}. */
  readonly #forwarded: Map<Handshake<T>, ForwardedRequest<T>> = new Map();
  readonly #done = (handshake: Handshake<T>, outcome: HandshakeOutcome<T>): void =>
    this.#handshakeDone(handshake, outcome);

  /** The socket is bound. */
  listening(listener: Listener): void {
    this.#listener = listener;
    this.#isListening = true;
    this.begin();
  }

  /** A socket was accepted. */
  accept(transport: Transport): void {
    const tooMany = this.#handshakes.size >= this.count.handshakes + MAX_LINGERING;
    if (tooMany || (this.isShuttingDown && !this.#keepsHttp)) {
      transport.destroy();
      return;
    }
    const secure = this.rules.options.tls !== undefined;
    const handshake = new Handshake(this, this.#done, { transport, secure });
    this.#handshakes.add(handshake);
    handshake.start();
  }

  /** Accepting a socket failed. */
  error(error: Error): void {
    this.reportError(error);
  }

  /** Handles a request read by another HTTP server, and takes over its socket. */
  upgrade(request: ForwardedRequest<T>): void {
    const { socket, gift = {}, raw, isUnwanted = false } = request;
    const handshake = new Handshake(this, this.#done, { socket }, gift, raw);
    this.#handshakes.add(handshake);
    this.#forwarded.set(handshake, request);
    handshake.startWith(() => request.readHead(), isUnwanted);
  }

  #handshakeDone(handshake: Handshake<T>, outcome: HandshakeOutcome<T>): void {
    this.#handshakes.delete(handshake);
    const request = this.#forwarded.get(handshake);
    this.#forwarded.delete(handshake);
    if (outcome === "passed") {
      request?.passed?.();
      request?.done?.(undefined);
    } else if (outcome === undefined) {
      request?.done?.(undefined);
      this.checkFinished();
    } else {
      const driver = this.#open(outcome);
      request?.done?.(driver.connection);
      driver.start(outcome);
    }
  }

  #open(accepted: Accepted<T>): Driver<T> {
    const { request: { fields }, url, subprotocol, deflate } = accepted;
    fields.compact();
    const extensions = deflate?.extensions ?? "";
    const driver = new Driver<T>(
      this,
      accepted.transport,
      { url, status: 101, headers: fields, protocol: subprotocol, extensions },
      accepted.data as T,
      accepted.handlers,
      deflate?.agreement,
      subprotocol === TOPICS_SUBPROTOCOL ? this.topicsLayer : undefined,
    );
    this.joined(driver, accepted.release);
    return driver;
  }

  // The end.

  protected override stopAccepting(timeout: number, keepHttp: boolean): void {
    this.#keepsHttp = keepHttp && this.#isListening && this.rules.options.fetch !== undefined;
    if (!this.#keepsHttp) this.#stopListening();
    for (const handshake of this.#handshakes) handshake.shutDown(timeout, this.#keepsHttp);
  }

  protected override endAccepting(timeout: number): boolean {
    // The last connection has closed: ends plain HTTP, kept for health checks during the drain.
    if (this.#keepsHttp) this.stopAccepting(timeout, false);
    return !this.#isListening && this.#handshakes.size === 0;
  }

  #stopListening(): void {
    const closing = this.#listener?.close() ?? Promise.resolve();
    this.#listener = undefined;
    closing.catch((error: unknown) => this.reportError(error)).finally(() => {
      this.#isListening = false;
      this.checkFinished();
    });
  }
}
