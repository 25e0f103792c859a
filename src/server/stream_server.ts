// A server over streams: opening handshakes on sockets accepted or handed over by another HTTP
// server, and the resulting connections.

import { Driver } from "../connection/driver.ts";
import type { ServerHandshake } from "../handshake/server.ts";
import { TOPICS_SUBPROTOCOL } from "../pubsub/protocol.ts";
import type { Listener, ListenerSink, Transport } from "../transport/transport.ts";
import { Handshake, type HandshakeOutcome, type HandshakeServer } from "./handshake.ts";
import { type Accepted, RequestInfo } from "./negotiation.ts";
import { ServerCore } from "./server_core.ts";
import type { ForwardedRequest } from "./upgrade_hook.ts";

/**
 * The maximum number of rejected clients still reading their response, besides counted handshakes.
 * In a flood, others are cut immediately.
 */
const MAX_LINGERING = 1024;

/** The handshakes and connections of one server over streams. */
export class StreamServer<T> extends ServerCore<T> implements ListenerSink, HandshakeServer<T> {
  #listener: Listener | undefined;
  #isListening = false;
  /** Whether plain HTTP is still answered during the shutdown. */
  #keepsHttp = false;
  /** Pending handshakes, and rejected clients still connected. */
  readonly #handshakes: Set<Handshake<T>> = new Set();
  /** An unused reader, for the next handshake. */
  spareReader: ServerHandshake | undefined;

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
    const handshake = new Handshake<T>(this, transport);
    this.#handshakes.add(handshake);
    handshake.start();
  }

  /** Accepting a socket failed. */
  error(error: Error): void {
    this.reportError(error);
  }

  /** Handles a request read by another HTTP server, and takes over its socket. */
  upgrade(call: ForwardedRequest<T>): void {
    const handshake = new Handshake(this, undefined, call);
    this.#handshakes.add(handshake);
    handshake.startWith(call);
  }

  /** A handshake has ended. */
  handshakeDone(
    handshake: Handshake<T>,
    outcome: HandshakeOutcome<T>,
    call: ForwardedRequest<T> | undefined,
  ): void {
    const isFirst = this.#handshakes.delete(handshake);
    if (outcome === undefined) {
      if (isFirst) call?.done?.(undefined);
      this.checkFinished();
    } else if (outcome === "passed") {
      call?.passed?.();
      call?.done?.(undefined);
    } else {
      const driver = this.#open(outcome);
      call?.done?.(driver.connection);
      driver.start(outcome);
    }
  }

  #open(accepted: Accepted<T>): Driver<T> {
    const { handshake, deflate } = accepted.negotiated;
    const driver = new Driver<T>(
      this,
      accepted.transport,
      handshake,
      accepted.data as T,
      accepted.handlers,
      deflate?.agreement,
      typeof handshake !== "string" && handshake.protocol === TOPICS_SUBPROTOCOL
        ? this.topicsLayer
        : undefined,
    );
    this.joined(driver, accepted.release);
    return driver;
  }

  /** Reads the result of a handshake without TLS, subprotocol and extensions. */
  readHandshake(head: string): RequestInfo {
    return new RequestInfo(head, false, "", "");
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
