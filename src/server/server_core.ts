// What a server stands on: the owner of its opening handshakes and of its connections, from the first
// accepted socket to the end of the last one.

import { TimeoutError, type WebSocketError } from "../errors.ts";
import type { RequestHead } from "../handshake/request_head.ts";
import { TOPICS_SUBPROTOCOL } from "../pubsub/topic_protocol.ts";
import type { Backplane } from "../pubsub/backplane.ts";
import type { Listener, ListenerSink, Transport } from "../transport/transport.ts";
import { CloseCode } from "../wire/close.ts";
import { Channel, type ChannelContext, type ChannelLayer } from "../connection/channel.ts";
import type { Connection } from "../connection/connection.ts";
import type { ConnectionControl } from "../connection/connection_link.ts";
import { Drain } from "./drain.ts";
import { type Accepted, Incoming, type IncomingOwner } from "./incoming.ts";
import { logError } from "../shared/log_error.ts";
import { isPromiseLike } from "../shared/promise_like.ts";
import { HistoryRelay } from "../topics/history_relay.ts";
import { Relay } from "../topics/relay.ts";
import type { ServeRules } from "./serve_options.ts";
import type { ShutdownOptions } from "./shutdown_options.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";
import { clientTopicsLayer } from "../topics/client_topics_layer.ts";
import { Topics } from "../topics/topics.ts";

/** What a timer of a shutdown is for. */
const HANDSHAKES = 0;
const CONNECTIONS = 1;

/** An open connection, as its server sees it: over a stream, or over a WebSocket of the runtime. */
export interface ServedConnection<T> extends ConnectionControl {
  /** What the user sees of it. */
  readonly connection: Connection<T>;
  /**
   * Starts the closing handshake.
   *
   * @param timeout Milliseconds for it. Default: the option `closeTimeout`.
   */
  close(code: number, reason: string, timeout?: number): void;
  /** Cuts the connection for a reason. */
  gone(error: WebSocketError): void;
}

/** The handshakes and connections of one server. */
export class ServerCore<T>
  implements ListenerSink, IncomingOwner<T>, ChannelContext<T>, TimerTarget {
  /** The checked options. */
  readonly rules: ServeRules<T>;
  /** What its connections listen to. */
  readonly topics: Topics = new Topics();
  /** Resolves when all is over. */
  readonly finished: Promise<void>;
  #listener: Listener | undefined;
  #handshakes: Set<Incoming<T>> = new Set();
  #connections: Map<Connection<T>, ServedConnection<T>> = new Map();
  /** Who waits for handshakes that began elsewhere. */
  #upgrades: Map<Incoming<T>, (connection: Connection<T> | undefined) => void> = new Map();
  /** What stands around connections whose clients listen to topics by themselves. */
  readonly #clientTopics: ChannelLayer<T> | undefined;
  #shuttingDown = false;
  #listening = false;
  /** By when handshakes, and connections that were told to close, have to be over. */
  #timers: Array<Timer | undefined> = [];
  #drain: Drain<ServedConnection<T>> | undefined;
  #closeTimeout = 0;
  #relay: Relay | HistoryRelay | undefined;
  #finish!: () => void;

  /** @param rules The checked options. */
  constructor(rules: ServeRules<T>) {
    this.rules = rules;
    this.#clientTopics = rules.clientTopics && clientTopicsLayer(rules.clientTopics);
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
    return this.#connections.keys();
  }

  /** The inside of a connection that is open. */
  channelOf(connection: Connection<T>): ServedConnection<T> | undefined {
    return this.#connections.get(connection);
  }

  /** Whether the server shuts down: nothing is accepted any more. */
  get isShuttingDown(): boolean {
    return this.#shuttingDown;
  }

  /** What stands around connections whose clients subscribe to topics themselves. */
  get topicsLayer(): ChannelLayer<T> | undefined {
    return this.#clientTopics;
  }

  /** A connection was opened by other means than {@linkcode ServerCore.accept}. */
  joined(connection: ServedConnection<T>): void {
    this.#connections.set(connection.connection, connection);
  }

  /** The socket is bound. */
  listening(listener: Listener): void {
    this.#listener = listener;
    this.#listening = true;
    this.begin();
  }

  /** Connections may come: the signal among the options counts, and so does the backplane. */
  begin(): void {
    const { backplane } = this.rules.options;
    if (backplane !== undefined) {
      this.#relay = this.#relayTo(backplane);
      this.#relay.start();
    }
    this.#heedSignal();
  }

  /** A socket was accepted. */
  accept(transport: Transport): void {
    if (this.#shuttingDown) {
      transport.destroy();
      return;
    }
    const incoming = new Incoming(this, transport, this.rules.options.tls !== undefined);
    this.#handshakes.add(incoming);
    incoming.start();
  }

  /**
   * Takes over a socket whose request another HTTP server has read.
   *
   * @returns The connection, or `undefined` when it came to none.
   */
  upgrade(
    transport: Transport,
    secure: boolean,
    readHead: () => RequestHead,
  ): Promise<Connection<T> | undefined> {
    const incoming = new Incoming(this, transport, secure);
    this.#handshakes.add(incoming);
    return new Promise((resolve) => {
      this.#upgrades.set(incoming, resolve);
      if (!this.#shuttingDown) {
        incoming.startWith(readHead);
        return;
      }
      incoming.start();
      incoming.cancel();
    });
  }

  /** Accepting failed. */
  error(error: Error): void {
    this.reportError(error);
  }

  /** A handshake is done. */
  accepted(incoming: Incoming<T>, accepted: Accepted<T>): void {
    accepted.request.fields.compact();
    const handshake = {
      url: accepted.url,
      status: 101,
      headers: accepted.request.fields,
      protocol: accepted.subprotocol,
      extensions: accepted.deflate?.extensions ?? "",
    };
    const channel = new Channel<T>(
      this,
      accepted.transport,
      handshake,
      accepted.data as T,
      accepted.handlers,
      accepted.deflate?.agreement,
      accepted.subprotocol === TOPICS_SUBPROTOCOL ? this.#clientTopics : undefined,
    );
    this.#connections.set(channel.connection, channel);
    this.#handshakeOver(incoming, channel.connection);
    channel.start(accepted);
  }

  /** A handshake came to nothing. */
  ended(incoming: Incoming<T>): void {
    this.#handshakeOver(incoming, undefined);
    this.#checkFinished();
  }

  /** A connection is over, and its `close` handler comes next. */
  connectionClosed(connection: Connection<T>): void {
    const channel = this.#connections.get(connection)!;
    this.#connections.delete(connection);
    this.topics.withdraw(channel);
    queueMicrotask(() => {
      this.topics.forget(channel);
      this.#checkFinished();
    });
  }

  /** An error that has no connection to go to. */
  reportError(error: unknown): void {
    const { onError } = this.rules.options;
    try {
      if (onError === undefined) logError(error);
      else {
        const result: unknown = onError(error);
        if (isPromiseLike(result)) result.then(undefined, logError);
      }
    } catch (failure) {
      logError(failure);
    }
  }

  /** Ends it all; see {@linkcode ConnectionGroup.shutdown}. */
  shutdown({ timeout, drainPeriod = 0, code = CloseCode.GoingAway }: ShutdownOptions = {}): void {
    if (this.#shuttingDown) {
      if (drainPeriod === 0) this.#hurry(timeout);
      return;
    }
    this.#shuttingDown = true;
    this.#closeTimeout = timeout ?? this.rules.connection.closeTimeout;
    this.#timers[HANDSHAKES] = timers.start(this.#closeTimeout, this, HANDSHAKES);
    this.#stopListening().catch((error: unknown) => this.reportError(error)).finally(() => {
      this.#listening = false;
      this.#checkFinished();
    });
    for (const handshake of this.#handshakes) handshake.cancel();
    this.#drain = new Drain(
      [...this.#connections.values()],
      drainPeriod,
      (channel) => channel.close(code, "", this.#closeTimeout),
      () => this.#timers[CONNECTIONS] = timers.start(this.#closeTimeout, this, CONNECTIONS),
    );
    this.#drain.timerFired();
  }

  /** Somebody has no more time for a shutdown that is spread. */
  #hurry(timeout: number | undefined): void {
    // Those that are closing already keep the time that they were given.
    if (this.#timers[CONNECTIONS] !== undefined) return;
    this.#closeTimeout = timeout ?? this.#closeTimeout;
    this.#drain?.finish();
  }

  /** The time of a shutdown is over. */
  timerFired(kind: number): void {
    if (kind === HANDSHAKES) {
      for (const handshake of this.#handshakes) handshake.cut();
      return;
    }
    const late = new TimeoutError("CLOSE_TIMEOUT", "The server's shutdown waited no longer");
    for (const channel of this.#connections.values()) channel.gone(late);
  }

  /** Shuts down when the signal among the options aborts. */
  #heedSignal(): void {
    const { signal } = this.rules.options;
    if (signal === undefined) return;
    const abort = (): void => this.shutdown();
    signal.addEventListener("abort", abort, { once: true });
    this.finished.then(() => signal.removeEventListener("abort", abort));
    if (signal.aborted) this.shutdown();
  }

  /** Joins the topics to the engine. */
  #relayTo(backplane: Backplane): Relay | HistoryRelay {
    const { topics } = this;
    const { backplaneQueue, resume } = this.rules.options;
    const reportError = (error: unknown): void => this.reportError(error);
    if (resume !== undefined) {
      const relay = new HistoryRelay(backplane, backplane.history!, resume, backplaneQueue, {
        deliverNumbered: (message, topic) => topics.deliverNumbered(message, topic),
        deliverTo: (receiver, message) => topics.deliverTo(receiver, message),
        missed: (name, topic) => topics.missed(name, topic),
        reportError,
      });
      topics.resume(relay);
      return relay;
    }
    const relay = new Relay(backplane, backplaneQueue, {
      names: () => topics.names(),
      deliver: (topic, message, options) => topics.deliver(topic, message, options),
      reportError,
    });
    topics.join(relay);
    return relay;
  }

  async #stopListening(): Promise<void> {
    await this.#listener?.close();
  }

  #handshakeOver(incoming: Incoming<T>, connection: Connection<T> | undefined): void {
    this.#handshakes.delete(incoming);
    const resolve = this.#upgrades.get(incoming);
    this.#upgrades.delete(incoming);
    resolve?.(connection);
  }

  #checkFinished(): void {
    if (
      !this.#shuttingDown || this.#listening || this.#connections.size > 0 ||
      this.#handshakes.size > 0
    ) return;
    for (const timer of this.#timers) timers.cancel(timer);
    this.#drain?.stop();
    this.#relay?.close();
    this.#finish();
  }
}
