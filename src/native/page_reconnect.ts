// A reconnecting connection over the global WebSocket, with topics; loaded on demand.

import { ConnectionError, TimeoutError } from "../errors.ts";
import type { ConnectOptions } from "../client/connect_options.ts";
import type { Connection } from "../connection/connection.ts";
import type { MessageQueueOwner } from "../connection/incoming.ts";
import { MAX_LINE, TOPICS_SUBPROTOCOL, writeLine } from "../pubsub/protocol.ts";
import { MAX_DELAY, reconnectDefaults, type ReconnectRules } from "../reconnect/options.ts";
import type { ReconnectingConnection } from "../reconnect/connection.ts";
import type { ReconnectingConnectOptions, ReconnectingUrl } from "../reconnect/connect.ts";
import { type Dial, type ReaderQueue, Reconnector } from "../reconnect/reconnector.ts";
import { checkClose, openInPage, type PageConnection } from "./page_connection.ts";
import { check, type PageRules, pageRules } from "./page_options.ts";
import type { Checks } from "./page_rare.ts";
import { pageQueue } from "./page_queue.ts";
import { watchPage } from "./page_state.ts";

const isRange = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && value.every(Number.isInteger) &&
  value[0] >= 0 && value[0] <= value[1] && value[1] <= MAX_DELAY;

/** The checks of the option `reconnect`. */
const CHECKS: Checks = {
  minDelay: "positive",
  maxDelay: "positive",
  maxAttempts: (value) => value === Infinity || isRange([1, value]),
  minUptime: "number",
  restartDelay: isRange,
  overloadDelay: (value) => value === false || isRange(value),
  retry: "function",
  maxQueue: "number",
  topics: (value) => typeof value === "boolean",
  signal: "signal",
};

/** The checks of options specific to reconnecting connections. */
const OWN: Checks = {
  reconnect: (value) => value === true || typeof value === "object",
  topicMessage: "function",
  reconnecting: "function",
  reconnected: "function",
};

/** The checks with topics, where heartbeats replace pings. */
const WITH_TOPICS: Checks = { ...OWN, pingInterval: "number", pongTimeout: "number" };

/** The numbers of queued bytes and messages at which reading stops. */
const MAX_UNREAD_BYTES = 65_536;
const MAX_UNREAD_MESSAGES = 256;

/** Creates the queue of a connection, which stops reading while it is full. */
function queueOf(owner: MessageQueueOwner): ReaderQueue {
  let isStopped = false;
  const queue = pageQueue(() => {
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

/** A failure of the user's function, for example of a token request, fails the attempt. */
function urlFailed(cause: unknown): never {
  const message = `Cannot connect: the function "url" has failed: ${cause}`;
  throw new ConnectionError("CONNECT_FAILED", message, { cause });
}

/** The checked rules: those of the reconnection, and those of each connection. */
async function rulesOf<T>(
  options: ReconnectingConnectOptions<T>,
): Promise<readonly [reconnect: ReconnectRules, rules: PageRules]> {
  const wanted = typeof options.reconnect === "object" ? options.reconnect : {};
  await check(CHECKS, wanted, "reconnect.");
  const reconnect = reconnectDefaults(wanted);
  const { topics } = reconnect;
  const given = await pageRules(options as unknown as ConnectOptions, topics ? WITH_TOPICS : OWN);
  if (!topics) return [reconnect, given];
  if (options.subprotocols !== undefined) {
    throw new TypeError('Option "subprotocols" cannot be given together with "reconnect.topics"');
  }
  return [reconnect, {
    pingInterval: 20_000,
    pongTimeout: 10_000,
    ...given,
    // The preceding line is not part of the message.
    maxMessageSize: given.maxMessageSize + MAX_LINE,
    subprotocols: [TOPICS_SUBPROTOCOL],
  }];
}

/** Opens a connection that reconnects. */
export async function reconnectInPage<T>(
  url: ReconnectingUrl,
  options: ReconnectingConnectOptions<T>,
): Promise<ReconnectingConnection<T>> {
  const [reconnect, rules] = await rulesOf(options);
  // Without topics there are no heartbeats.
  const { pingInterval: interval = 0, pongTimeout = 0 } = rules;
  let current: PageConnection<undefined> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let hasReceived = false;
  /** Bytes received while the reader is behind; -1 if it is not. */
  let unread = -1;

  const wait = (delay: number, then: () => void): void => {
    clearTimeout(timer);
    if (delay > 0) timer = setTimeout(then, delay);
  };

  /** Sends a heartbeat, and drops the connection unless input arrives in time. */
  const sendHeartbeat = (): void => {
    if (current === undefined || interval === 0) return;
    hasReceived = false;
    current.send(writeLine({ ping: 0 }));
    wait(pongTimeout, () => {
      if (hasReceived) return wait(Math.max(1, interval - pongTimeout), sendHeartbeat);
      const message = `No answer to a heartbeat within ${pongTimeout} ms`;
      current?.gone(new TimeoutError("PONG_TIMEOUT", message));
    });
    if (pongTimeout === 0) wait(interval, sendHeartbeat);
  };

  /** Opens a connection once the page is shown and online. */
  const dial: Dial = async ({ message, close, ...handlers }, created) => {
    await state.ready(handlers.signal);
    unread = -1;
    // A page cannot stop reading, so messages received meanwhile are counted.
    created({ stopReading: () => unread = 0, resumeReading: () => unread = -1 });
    const use = {
      rules,
      handlers: {
        ...handlers,
        open: (conn: Connection<undefined>): unknown => {
          current = conn as unknown as PageConnection<undefined>;
          wait(interval, sendHeartbeat);
          return handlers.open!(conn);
        },
        message: (...parts: Parameters<NonNullable<typeof message>>): unknown => {
          hasReceived = true;
          if (unread !== -1) {
            unread += (parts[1] as { length?: number }).length ??
              (parts[1] as unknown as ArrayBuffer).byteLength;
          }
          return message!(...parts);
        },
        close: (...parts: Parameters<NonNullable<typeof close>>): unknown => {
          clearTimeout(timer);
          current = undefined;
          return close!(...parts);
        },
      },
      unread: () => unread,
    };
    const target = typeof url === "function"
      ? await Promise.resolve().then(url).catch(urlFailed)
      : url;
    const opened = await openInPage<undefined>(target, use);
    return opened as unknown as Connection<undefined>;
  };

  const reconnector = new Reconnector<T>(
    {
      dial,
      createQueue: queueOf,
      checkClose,
      // A page may send few close codes, so its connection maps the error's code.
      fail: (connection, error) => (connection as unknown as PageConnection<undefined>).fail(error),
    },
    typeof url === "function" ? "" : String(url).replace(/\/\/[^/]*@/, "//"),
    { reconnect, handlers: options, connect: {} },
    options.data as T,
  );
  const state = watchPage(
    () => {
      sendHeartbeat();
      reconnector.reconnectNow();
    },
    // A page in the back/forward cache cannot have a connection.
    () =>
      current?.gone(
        new ConnectionError("CONNECTION_LOST", "The page is in the back/forward cache"),
      ),
  );
  reconnector.closed.then(state.stop);
  return reconnector.start(options.signal);
}
