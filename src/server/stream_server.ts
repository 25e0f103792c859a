// A server of streams: the opening handshakes on sockets that it accepts or that another HTTP
// server hands over, and the resulting connections.

import type { Connection } from "../connection/connection.ts";
import { Driver } from "../connection/driver.ts";
import type { RequestHead } from "../handshake/server.ts";
import { TOPICS_SUBPROTOCOL } from "../pubsub/protocol.ts";
import type { Listener, ListenerSink, Transport } from "../transport/transport.ts";
import { Handshake, type HandshakeOutcome } from "./handshake.ts";
import { ServerCore } from "./server_core.ts";
import type { Accepted, UpgradeCallOptions, UpgradeSocket } from "./upgrade_hook.ts";

/**
 * The maximum number of rejected clients that may still read their response, besides the counted
 * handshakes. In a flood, further ones are cut at once.
 */
const MAX_LINGERING = 1024;

/** The caller of an upgrade. */
export interface UpgradeCaller<T> {
  /** The handshake has ended. */
  done(connection: Connection<T> | undefined): void;
  /** The request is left to other listeners; {@linkcode UpgradeCaller.done} follows. */
  passed(): void;
}

/** The handshakes and connections of one server of streams. */
export class StreamServer<T> extends ServerCore<T> implements ListenerSink {
  #listener: Listener | undefined;
  #isListening = false;
  /** Whether plain HTTP is still answered during the shutdown. */
  #keepsHttp = false;
  /** Pending handshakes, and rejected clients that have not disconnected yet. */
  readonly #handshakes: Set<Handshake<T>> = new Set();
  /** The callers of {@linkcode StreamServer.upgrade}. */
  readonly #callers: Map<Handshake<T>, UpgradeCaller<T>> = new Map();
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

  /**
   * Handles a request that another HTTP server has read, and takes over its socket.
   *
   * @param socket Its socket.
   * @param readHead Gives the head of the request.
   * @param raw The request object of that server.
   * @param gift Values of the caller for the connection.
   * @param caller Called when the handshake has ended.
   * @param isUnwanted Whether the request is only rejected, with 404.
   */
  upgrade(
    socket: UpgradeSocket,
    readHead: () => RequestHead,
    raw: unknown,
    gift: UpgradeCallOptions<T>,
    caller: UpgradeCaller<T>,
    isUnwanted: boolean,
  ): void {
    const handshake = new Handshake(this, this.#done, { socket }, gift, raw);
    this.#handshakes.add(handshake);
    this.#callers.set(handshake, caller);
    handshake.startWith(readHead, isUnwanted);
  }

  #handshakeDone(handshake: Handshake<T>, outcome: HandshakeOutcome<T>): void {
    this.#handshakes.delete(handshake);
    const caller = this.#callers.get(handshake);
    this.#callers.delete(handshake);
    if (outcome === "passed") {
      caller?.passed();
      caller?.done(undefined);
    } else if (outcome === undefined) {
      caller?.done(undefined);
      this.checkFinished();
    } else {
      const driver = this.#open(outcome);
      caller?.done(driver.connection);
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
    // The last connection has closed: plain HTTP, kept for health checks during the drain, ends
    // too.
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
