// A connection over the global WebSocket that reconnects, with topics. It is loaded when it is asked for.

import { ConnectionError, TimeoutError } from "../errors.ts";
import type { ConnectOptions } from "../client/connect_options.ts";
import type { Connection } from "../connection/connection.ts";
import type { MessageQueueOwner } from "../connection/incoming.ts";
import { MAX_LINE, TOPICS_SUBPROTOCOL, writeLine } from "../pubsub/protocol.ts";
import { reconnectDefaults } from "../reconnect/options.ts";
import type { ReconnectingConnection } from "../reconnect/connection.ts";
import type { ReconnectingConnectOptions } from "../reconnect/connect.ts";
import { type ReadControl, Reconnector } from "../reconnect/reconnector.ts";
import { logError } from "../shared/log.ts";
import { openInPage, targetOf } from "./page_open.ts";
import { checkClose, type PageConnection } from "./page_connection.ts";
import {
  check,
  type Checks,
  isFunction,
  isNumber,
  isPositive,
  isSignal,
  type PageRules,
  pageRules,
} from "./page_options.ts";
import { PageQueue, sizeOf } from "./page_queue.ts";
import { PageState } from "./page_state.ts";

const isRange = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && value.every(isNumber) && value[0] <= value[1];

/** The checks of the option `reconnect`. */
const CHECKS: Checks = {
  minDelay: isPositive,
  maxDelay: isPositive,
  maxAttempts: (value) => value === Infinity || isPositive(value),
  minUptime: isNumber,
  restartDelay: isRange,
  overloadDelay: (value) => value === false || isRange(value),
  retry: isFunction,
  maxQueue: isNumber,
  topics: (value) => typeof value === "boolean",
  signal: isSignal,
};

/** The checks of the handlers that only a reconnecting connection has. */
const HANDLERS: Checks = {
  topicMessage: isFunction,
  reconnecting: isFunction,
  reconnected: isFunction,
};

/** The checks of what replaces pings. */
const HEARTBEAT: Checks = { pingInterval: isNumber, pongTimeout: isNumber };

/** Bytes and messages that wait for a reader, from which on reading stops. */
const MAX_UNREAD_BYTES = 65_536;
const MAX_UNREAD_MESSAGES = 256;

/** The queue of a connection, which stops reading while too much waits. */
function queueOf(owner: MessageQueueOwner): PageQueue {
  let isStopped = false;
  const queue = new PageQueue(() => {
    owner.readerChanged?.();
    if (isStopped) {
      if (queue.length > 0) return;
      isStopped = false;
      owner.resumeReading();
    } else if (queue.size >= MAX_UNREAD_BYTES || queue.length >= MAX_UNREAD_MESSAGES) {
      isStopped = true;
      owner.stopReading();
    }
  });
  return queue;
}

/** Opens a connection that reconnects. */
export async function reconnectInPage<T>(
  url: string | URL,
  options: ReconnectingConnectOptions<T>,
): Promise<ReconnectingConnection<T>> {
  const {
    reconnect: given,
    topicMessage,
    reconnecting,
    reconnected,
    pingInterval,
    pongTimeout,
    ...others
  } = options;
  await check({ reconnect: (value) => value === true || typeof value === "object" }, {
    reconnect: given ?? false,
  });
  const wanted = given === true ? {} : given;
  await check(CHECKS, wanted, "reconnect.");
  const reconnect = reconnectDefaults(wanted);
  const { topics } = reconnect;
  const own = { topicMessage, reconnecting, reconnected, pingInterval, pongTimeout };
  await check(topics ? { ...HANDLERS, ...HEARTBEAT } : HANDLERS, own);
  const rules = await pageRules(others as ConnectOptions);
  if (topics && others.subprotocols !== undefined) {
    throw new TypeError('Option "subprotocols" cannot be given together with "reconnect.topics"');
  }
  const target = targetOf(url);
  const state = new PageState();
  const dialer = new PageDialer(
    target,
    {
      ...rules,
      // The line in front is not the message.
      maxMessageSize: rules.maxMessageSize + (topics ? MAX_LINE : 0),
      subprotocols: topics ? [TOPICS_SUBPROTOCOL] : rules.subprotocols,
    },
    state,
    topics ? pingInterval ?? 20_000 : 0,
    pongTimeout ?? 10_000,
  );
  const reconnector = new Reconnector<T>(
    {
      dial: (connectOptions, created) => dialer.dial(connectOptions, created),
      createQueue: queueOf,
      checkClose,
      // A page may send few codes, so its connection translates that of the error.
      fail: (connection, error) => (connection as unknown as PageConnection<undefined>).fail(error),
    },
    target,
    { reconnect, handlers: options, connect: {} },
    options.data as T,
  );
  state.start({
    back: () => {
      dialer.check();
      reconnector.reconnectNow();
    },
    away: () => dialer.leave(),
  });
  reconnector.closed.then(() => state.stop());
  return reconnector.start(options.signal);
}

/** Opens one connection after another, and looks after the one that there is. */
class PageDialer {
  readonly #url: string;
  readonly #rules: PageRules;
  readonly #state: PageState;
  readonly #pingInterval: number;
  readonly #pongTimeout: number;
  #current: PageConnection<undefined> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #hasReceived = false;
  /** Bytes that arrived while the reader was behind; -1 while it is not. */
  #unread = -1;

  constructor(
    url: string,
    rules: PageRules,
    state: PageState,
    pingInterval: number,
    pongTimeout: number,
  ) {
    this.#url = url;
    this.#rules = rules;
    this.#state = state;
    this.#pingInterval = pingInterval;
    this.#pongTimeout = pongTimeout;
  }

  /** Opens a connection, once the page is shown and the network there. */
  async dial(
    options: ConnectOptions,
    created: (control: ReadControl) => void,
  ): Promise<Connection<undefined>> {
    const { message, close, signal, ...handlers } = options;
    await this.#state.ready(signal);
    this.#unread = -1;
    // A page cannot stop reading, so messages that arrive meanwhile are counted.
    created({
      stopReading: () => this.#unread = 0,
      resumeReading: () => this.#unread = -1,
    });
    const use = {
      rules: this.#rules,
      handlers: {
        ...handlers,
        open: (conn: Connection<undefined>): unknown => {
          this.#current = conn as unknown as PageConnection<undefined>;
          this.#wait(this.#pingInterval, () => this.check());
          return handlers.open?.(conn);
        },
        message: (...parts: Parameters<NonNullable<typeof message>>): unknown => {
          this.#hasReceived = true;
          if (this.#unread !== -1) this.#unread += sizeOf(parts[1]);
          return message?.(...parts);
        },
        close: (...parts: Parameters<NonNullable<typeof close>>): unknown => {
          clearTimeout(this.#timer);
          this.#current = undefined;
          return close?.(...parts);
        },
      },
      unread: () => this.#unread,
      onError: logError,
    };
    const opened = await openInPage<undefined>(this.#url, use, undefined, signal);
    return opened as unknown as Connection<undefined>;
  }

  /** Sends a heartbeat, and gives the connection up unless something comes after it in time. */
  check(): void {
    if (this.#current === undefined || this.#pingInterval === 0) return;
    this.#hasReceived = false;
    this.#current.send(writeLine({ ping: 0 }));
    this.#wait(this.#pongTimeout, () => {
      if (this.#hasReceived || this.#pongTimeout === 0) {
        this.#wait(Math.max(1, this.#pingInterval - this.#pongTimeout), () => this.check());
        return;
      }
      const message = `The server did not answer a heartbeat within ${this.#pongTimeout} ms`;
      this.#current?.gone(new TimeoutError("PONG_TIMEOUT", message));
    });
  }

  /** The page goes into the back/forward cache, where it can have no connection. */
  leave(): void {
    this.#current?.gone(
      new ConnectionError("CONNECTION_LOST", "The page went into the back/forward cache"),
    );
  }

  #wait(delay: number, then: () => void): void {
    clearTimeout(this.#timer);
    if (delay > 0) this.#timer = setTimeout(then, delay);
  }
}
