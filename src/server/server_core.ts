// The core of a server: its connections, limits, statistics and shutdown. `StreamServer` or the
// runtime's server accepts connections.

import { TimeoutError, type WebSocketError } from "../errors.ts";
import { MemoryGovernor, type MemoryUse } from "../message/memory_governor.ts";
import { CloseCode } from "../wire/close.ts";
import type { DriverContext, DriverLayer } from "../connection/driver_context.ts";
import type { Connection } from "../connection/connection.ts";
import type { LimitReport } from "../connection/handlers.ts";
import type { ConnectionDriver } from "../connection/connection_driver.ts";
import { ConnectionCount } from "./connection_count.ts";
import { callReported, reportError } from "../shared/user_code.ts";
import type { ServeRules } from "./serve_options.ts";
import { Drain, type ShutdownOptions } from "./shutdown.ts";
import type { Refusal, UpgradeRequest } from "./upgrade_hook.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";
import { clientTopicsLayer } from "../pubsub/client_topics.ts";
import { Topics } from "../pubsub/topics.ts";
import type { Relay } from "../backplane/relay.ts";
import type { CompressionFactory } from "../connection/compression.ts";

/** An open connection, over a stream or a runtime's WebSocket. */
export interface ServedConnection<T> extends ConnectionDriver {
  /** Its public object. */
  readonly connection: Connection<T>;
  /**
   * Starts the closing handshake.
   *
   * @param timeout Its timeout in milliseconds. Default: the option `closeTimeout`.
   */
  close(code: number, reason: string, timeout?: number): void;
  /** Cuts the connection for a reason. */
  terminateWith(error: WebSocketError): void;
}

/**
 * The result of `stats()`.
 *
 * @category Server
 */
export interface ServerStats {
  /** Open connections. */
  readonly connections: number;
  /** Pending opening handshakes and plain HTTP requests. */
  readonly handshakes: number;
  /** Connections opened since the start. */
  readonly opened: number;
  /** Connections closed since the start. */
  readonly closed: number;
  /** Requests rejected since the start, for any reason. */
  readonly refused: number;
  /** The memory held for all connections of the process, limited by `memoryLimit`. */
  readonly memory: Readonly<MemoryUse>;
}

/**
 * The parts of a server needed by some options only. `serve` loads them on demand; `createUpgrader`
 * and `createSockets` are synchronous and cannot.
 */
export interface ServerParts {
  /** For the option `compression`. */
  readonly compressionFor?: CompressionFactory | undefined;
  /** For the option `backplane`. */
  readonly Relay?: typeof Relay | undefined;
}

/** The connections of one server, however accepted, and its shutdown. */
export class ServerCore<T> implements DriverContext<T>, TimerTarget {
  /** The checked options. */
  readonly rules: ServeRules<T>;
  readonly #parts: ServerParts;
  /** The topics of its connections. */
  readonly topics: Topics = new Topics((error) => this.reportError(error));
  /** Resolves when everything has ended. */
  readonly finished: Promise<void>;
  #connections: Map<Connection<T>, ServedConnection<T>> = new Map();
  /** The `release` functions of the `upgrade` hook, called when a connection has closed. */
  #releases: Map<Connection<T>, () => unknown> | undefined;
  /** Counts handshakes and connections. */
  readonly count: ConnectionCount;
  readonly #since = { opened: 0, refused: 0 };
  /** The layer for connections with client subscriptions. */
  readonly #clientTopics: DriverLayer<T> | undefined;
  #shuttingDown = false;
  #isDrained = false;
  #closeTimer: Timer | undefined;
  /**
   * The unsent output at the last check of connections that were closing before the shutdown; their
   * own timeouts may be longer.
   */
  #closing: Map<ServedConnection<T>, number> = new Map();
  #drain: Drain<ServedConnection<T>> | undefined;
  #closeTimeout = 0;
  #finish!: () => void;

  /**
   * @param rules The checked options.
   * @param parts The parts for these options.
   */
  constructor(rules: ServeRules<T>, parts: ServerParts) {
    this.rules = rules;
    this.#parts = parts;
    this.#clientTopics = rules.clientTopics && clientTopicsLayer(rules.clientTopics);
    this.count = new ConnectionCount(
      rules,
      () => this.#connections.size,
      (report) => this.#call(() => rules.options.onLimit?.(report)),
    );
    this.finished = new Promise((resolve) => this.#finish = resolve);
  }

  /** The options of the connections. */
  get connectionRules(): ServeRules<T>["connection"] {
    return this.rules.connection;
  }

  /** Creates the compression of a connection. */
  get compressionFor(): ServerParts["compressionFor"] {
    return this.#parts.compressionFor;
  }

  /** The user's handlers. */
  get handlers(): ServeRules<T>["options"] {
    return this.rules.options;
  }

  /** The number of open connections. */
  get connections(): number {
    return this.#connections.size;
  }

  /** The open connections. */
  clients(): IterableIterator<Connection<T>> {
    return this.#connections.keys();
  }

  /** The driver of an open connection. */
  driverOf(connection: Connection<T>): ServedConnection<T> | undefined {
    return this.#connections.get(connection);
  }

  /** Whether the server is shutting down and rejects requests. */
  get isShuttingDown(): boolean {
    return this.#shuttingDown;
  }

  /** The layer for connections with client subscriptions. */
  get topicsLayer(): DriverLayer<T> | undefined {
    return this.#clientTopics;
  }

  /**
   * A connection was opened.
   *
   * @param release Called when it has closed.
   */
  joined(connection: ServedConnection<T>, release: (() => unknown) | undefined): void {
    this.#connections.set(connection.connection, connection);
    if (release !== undefined) {
      (this.#releases ??= new Map()).set(connection.connection, release);
    }
    this.#since.opened++;
  }

  /** Starts the backplane, and listens to the signal in the options. */
  begin(): void {
    const { backplane, backplaneQueue, history } = this.rules.options;
    const { Relay } = this.#parts;
    if (backplane !== undefined) {
      this.topics.join((topics) => new Relay!(backplane, topics, backplaneQueue, history));
    }
    this.#followSignal();
  }

  /** A request was rejected. */
  refused(request: UpgradeRequest, refusal: Refusal): void {
    this.#since.refused++;
    this.#call(() => this.rules.options.onRefused?.(request, refusal));
  }

  /** Calls a user's `release` function. */
  release(release: () => unknown): void {
    this.#call(release);
  }

  /** Current numbers, and totals since the start. */
  stats(): ServerStats {
    const { opened, refused } = this.#since;
    const connections = this.#connections.size;
    const { handshakes } = this.count;
    const memory = MemoryGovernor.ofProcess.use();
    return { connections, handshakes, opened, closed: opened - connections, refused, memory };
  }

  /** A connection has ended; its `close` handler is called next. */
  connectionClosed(connection: Connection<T>): void {
    const driver = this.#connections.get(connection)!;
    this.#connections.delete(connection);
    this.#closing.delete(driver);
    this.count.removeAddress(connection.remoteAddress);
    this.topics.withdraw(driver);
    queueMicrotask(() => {
      this.topics.forget(driver);
      const release = this.#releases?.get(connection);
      if (release !== undefined) {
        this.#releases!.delete(connection);
        this.#call(release);
      }
      this.checkFinished();
    });
  }

  /** A limit of a connection was reached. */
  limitReached(report: LimitReport<Connection<T>>): void {
    callReported(
      () => this.rules.options.onLimit?.(report),
      (error) => this.reportError(error, report.connection),
    );
  }

  /** Passes an error to `onError`. */
  reportError(error: unknown, connection?: Connection<T>): void {
    reportError(this.rules.options.onError, error, connection);
  }

  /** Shuts the server down; see {@linkcode ConnectionGroup.shutdown}. */
  shutdown(
    { timeout, drainPeriod = 0, code = CloseCode.GoingAway, keepHttp = false }: ShutdownOptions =
      {},
  ): void {
    if (this.#shuttingDown) {
      if (drainPeriod === 0) this.#endDrain(timeout);
      return;
    }
    this.#shuttingDown = true;
    this.#closeTimeout = timeout ?? this.rules.connection.closeTimeout;
    this.stopAccepting(this.#closeTimeout, keepHttp);
    this.#drain = new Drain(
      [...this.#connections.values()],
      drainPeriod,
      (driver) => {
        if (driver.state !== "open") this.#closing.set(driver, driver.bufferedAmount);
        else driver.close(code, "", this.#closeTimeout);
      },
      () => {
        this.#isDrained = true;
        this.#startCloseTimer();
      },
    );
    this.#drain.timerFired();
    this.checkFinished();
  }

  /**
   * The server shuts down: stops accepting connections.
   *
   * @param _timeout The timeout of responses in progress, in milliseconds.
   * @param _keepHttp Whether plain HTTP is still answered.
   */
  protected stopAccepting(_timeout: number, _keepHttp: boolean): void {}

  /** Ends everything except connections. Returns whether it has ended. */
  protected endAccepting(_timeout: number): boolean {
    return true;
  }

  /** A later call ends the drain period. */
  #endDrain(timeout: number | undefined): void {
    // If all connections are already closing, their timeouts remain.
    if (this.#isDrained) return;
    this.#closeTimeout = timeout ?? this.#closeTimeout;
    for (const driver of this.#connections.values()) {
      if (driver.state !== "open") this.#closing.set(driver, driver.bufferedAmount);
    }
    this.#drain?.finish();
  }

  /** Monitors connections that were already closing. All others have their own timers. */
  #startCloseTimer(): void {
    if (this.#closing.size === 0) return;
    this.#closeTimer = timers.start(this.#closeTimeout, this, 0);
  }

  /** The shutdown timeout has expired. Connections whose output makes progress get more time. */
  timerFired(): void {
    const late = new TimeoutError(
      "CLOSE_TIMEOUT",
      "The connection was not closed within the shutdown timeout",
    );
    for (const [driver, unsent] of [...this.#closing]) {
      const { bufferedAmount } = driver;
      this.#closing.set(driver, bufferedAmount);
      if (bufferedAmount > 0 && bufferedAmount < unsent) continue;
      this.#closing.delete(driver);
      driver.terminateWith(late);
    }
    this.#startCloseTimer();
  }

  /** Shuts down when the signal in the options aborts. */
  #followSignal(): void {
    const { signal } = this.rules.options;
    if (signal === undefined) return;
    const abort = (): void => this.shutdown();
    signal.addEventListener("abort", abort, { once: true });
    this.finished.then(() => signal.removeEventListener("abort", abort));
    if (signal.aborted) this.shutdown();
  }

  /** Calls a user function, and reports its failure. */
  #call(hook: () => unknown): void {
    callReported(hook, (error) => this.reportError(error));
  }

  /** Finishes the shutdown if everything has ended. */
  protected checkFinished(): void {
    if (!this.#shuttingDown || this.#connections.size > 0) return;
    if (!this.endAccepting(this.#closeTimeout)) return;
    timers.cancel(this.#closeTimer);
    this.#drain?.stop();
    // Send published messages to the backplane first.
    void this.topics.close(this.#closeTimeout).then(this.#finish);
  }
}
