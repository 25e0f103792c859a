// A connection over the global WebSocket of a page or Worker. The public object and its driver are
// one function to keep bundles small: bundlers shorten variables but not fields.

import {
  ConnectionError,
  type ErrorCode,
  MessageTooBigError,
  TimeoutError,
  WebSocketError,
} from "../errors.ts";
import type { Connection } from "../connection/connection.ts";
import type { Message } from "../connection/connection_driver.ts";
import type { WrittenCallback } from "../connection/arguments.ts";
import type { Handler, Handlers } from "../connection/handlers.ts";
import type { PreparedMessage } from "../message/prepared_message.ts";
import type { CloseInfo } from "../session/end.ts";
import { callReported, reportError } from "../shared/user_code.ts";
import { readableFrom, writableTo } from "../connection/message_streams.ts";
import type { MessageOpcode } from "../wire/opcode.ts";
import { type PageRules, rare } from "./page_options.ts";
import { pageQueue } from "./page_queue.ts";
import type { PageGlobals, StreamTarget } from "./page_rare.ts";
import type { WebSocketEvent, WebSocketLike } from "./web_socket.ts";

// The opcodes (RFC 6455 section 5.2). Their own module would become a separate chunk of a bundle.
const TEXT: MessageOpcode = 1;
const BINARY: MessageOpcode = 2;

/** Milliseconds between polls of the buffered output: there is no drain event. */
const POLL_INTERVAL = 16;

/**
 * Milliseconds for pending events to be processed after a timer is due: if the page was busy, input
 * that arrived in time has not been read yet.
 */
const AFTER_STALL = 50;

/** Calls a function with an error after a timeout, unless the returned function is called first. */
export function after(
  rules: PageRules,
  name: "handshakeTimeout" | "closeTimeout",
  code: ErrorCode,
  call: (error: TimeoutError) => void,
): () => void {
  const late = (): void => call(new TimeoutError(code, `${name} of ${rules[name]} ms exceeded`));
  let timer = setTimeout(() => {
    timer = setTimeout(late, AFTER_STALL);
  }, rules[name]);
  return () => clearTimeout(timer);
}

/** Added to close codes that only user agents may send, to map them into the application range. */
const CODE_OFFSET = 3000;

/** The maximum bytes of a close reason (RFC 6455 section 5.5). */
const MAX_REASON = 123;

/** The methods of a connection that the global WebSocket cannot support. */
const UNABLE = ["ping", "pong", "subscribe", "unsubscribe", "publish", "sendFragment", "pause"];

const encoder = new TextEncoder();

/** The handlers of a {@linkcode PageConnection}, and other options. */
export interface PageHandlers<T> extends Handlers<T> {
  /** See `Connection.data`. */
  readonly data?: T;
  /** Cancels the opening of the connection. */
  readonly signal?: AbortSignal | undefined;
  /** Receives errors of handlers. Default: `console.error`. */
  onError?: Handler<[error: unknown, connection?: Connection<T>]> | undefined;
}

/** The configuration of a {@linkcode PageConnection}. */
export interface PageUse<T> {
  /** The checked options. */
  readonly rules: PageRules;
  /** The user's handlers. */
  readonly handlers: PageHandlers<T>;
  /** The bytes in an outer queue that holds unread messages. */
  readonly unread?: () => number;
}

/** An open connection over the global WebSocket. */
export interface PageConnection<T> extends StreamTarget {
  /** See `Connection.protocol`. */
  readonly protocol: string;
  /** See `Connection.data`. */
  data: T;
  /** Starts the closing handshake. */
  close(code?: number, reason?: string): void;
  /** Fails the connection. */
  fail(error: WebSocketError): void;
  /** Abandons the connection for a reason: the underlying stream cannot be cut. */
  gone(error: WebSocketError): void;
  /** The handshake is done. */
  opened(): void;
}

/** Creates a connection from an open socket. */
export function pageConnection<T>(
  socket: WebSocketLike,
  url: string,
  { rules, handlers, unread }: PageUse<T>,
): PageConnection<T> {
  const { protocol = "", extensions = "" } = socket;
  /** Messages waiting for a reader. */
  const queue = pageQueue();
  let state: "open" | "closing" | "closed" = "open";
  let ownError: WebSocketError | undefined;
  let sentCode: number | undefined;
  let failure: string | undefined;
  let tellClosed!: (info: CloseInfo) => void;
  let stopCloseTimer: (() => void) | undefined;
  let pollTimer: ReturnType<typeof setTimeout> | undefined;
  const waiters: Array<() => void> = [];
  let wantsDrain = false;
  /** Called when everything has been sent. */
  const callbacks: WrittenCallback[] = [];
  let readable: ReadableStream<Message> | undefined;
  let writable: WritableStream<Message> | undefined;
  const closed = new Promise<CloseInfo>((resolve) => tellClosed = resolve);

  const buffered = (): number => state === "closed" ? 0 : socket.bufferedAmount ?? 0;

  const report = (error: unknown): void =>
    reportError(handlers.onError?.bind(handlers), error, connection as unknown as Connection<T>);

  /** Calls a handler; if it throws or rejects, fails the connection. */
  const call = (name: "open" | "message" | "drain" | "close", ...rest: unknown[]): void =>
    callReported(
      () => (handlers as Record<string, Callback | undefined>)[name]?.(connection, ...rest),
      (cause) => {
        report(cause);
        const message = `The ${name} handler failed`;
        fail(new WebSocketError("HANDLER_FAILED", message, { cause, closeCode: 1011 }));
      },
    );

  const startClosing = (code: number, reason: string): void => {
    state = "closing";
    sentCode = code;
    stopCloseTimer = after(rules, "closeTimeout", "CLOSE_TIMEOUT", gone);
    socket.close(code, reason);
  };

  const fail = (error: WebSocketError): void => {
    ownError ??= error;
    if (state !== "open") return;
    const { read } = encoder.encodeInto(error.message, new Uint8Array(MAX_REASON));
    startClosing((error.closeCode ?? 1011) + CODE_OFFSET, error.message.slice(0, read));
  };

  const gone = (error: WebSocketError): void => {
    ownError ??= error;
    sentCode ??= 1006;
    if (state === "open") socket.close(1006 + CODE_OFFSET);
    if (state !== "closed") state = "closing";
    queueMicrotask(() => finish({ code: 1006 }));
  };

  const finish = ({ code = 1006, reason = "" }: Omit<WebSocketEvent, "type">): void => {
    if (state === "closed") return;
    state = "closed";
    stopCloseTimer?.();
    clearTimeout(pollTimer);
    // Deno reports 0 for a connection that has failed.
    const received = code && code !== 1006 ? code : undefined;
    const error = ownError ?? (received ? undefined : lost(failure));
    const own = error?.closeCode;
    const info: CloseInfo = {
      code: own ?? received ?? 1006,
      reason: own ? error!.message : reason,
      clean: !error,
      initiator: sentCode ? "local" : "remote",
      sent: sentCode ?? received,
      received,
      ...(error && { error }),
    };
    callWritten(error ?? notOpen());
    call("close", info);
    queue.end(info);
    wake();
    tellClosed(info);
  };

  const receive = (data: unknown): void => {
    if (state !== "open") return;
    const isText = typeof data === "string";
    const asBytes = isText ? rules.text === "bytes" : rules.binaryType !== "arraybuffer";
    const bytes = !isText
      ? new Uint8Array(data as ArrayBuffer)
      : asBytes || data.length * 3 > rules.maxMessageSize
      ? encoder.encode(data)
      : data;
    const size = bytes.length;
    if (size > rules.maxMessageSize) {
      return fail(new MessageTooBigError(exceeded("message", size, rules, "maxMessageSize")));
    }
    const message = (asBytes ? bytes : data) as Message;
    if (handlers.message === undefined) queue.push(message);
    else call("message", message, isText ? TEXT : BINARY);
    const waiting = unread?.() ?? queue.size;
    // A single message never exceeds the limit.
    if (waiting <= rules.maxBufferedAmount || waiting === size) return;
    const text = exceeded("unread data", waiting, rules, "maxBufferedAmount");
    fail(new WebSocketError("MEMORY_LIMIT", text, { closeCode: 1013 }));
  };

  const poll = (): void => {
    pollTimer ??= setTimeout(() => {
      pollTimer = undefined;
      if (state !== "open") callWritten(notOpen());
      const waiting = buffered();
      if (waiting === 0) callWritten();
      if (waiting > rules.highWaterMark || callbacks[0]) poll();
      if (waiting > rules.highWaterMark || !wantsDrain) return;
      wantsDrain = false;
      wake();
      if (state === "open") call("drain");
    }, POLL_INTERVAL);
  };

  const callWritten = (error?: Error): void => {
    for (const written of callbacks.splice(0)) {
      callReported(() => error ? written(error) : written(), report);
    }
  };

  const wake = (): void => {
    for (const resolve of waiters.splice(0)) resolve();
  };

  const send = (
    data: string | ArrayBuffer | ArrayBufferView,
    options?: { written?: WrittenCallback | undefined },
  ): boolean => {
    const written = options?.written;
    if (typeof data !== "string" && !(data instanceof ArrayBuffer) && !ArrayBuffer.isView(data)) {
      throw new TypeError("Cannot send: it must be a string or bytes");
    }
    if (written !== undefined) {
      callbacks.push(written);
      poll();
    }
    if (state !== "open") return false;
    if (ArrayBuffer.isView(data) && !(data.buffer instanceof ArrayBuffer)) {
      // WebSockets do not accept shared memory.
      data = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
    }
    try {
      socket.send(data as Uint8Array<ArrayBuffer>);
    } catch (cause) {
      gone(lost(String(cause), cause));
      return false;
    }
    const waiting = buffered();
    if (waiting <= rules.highWaterMark) return true;
    wantsDrain = true;
    poll();
    // A single message never exceeds the limit.
    const size = typeof data === "string" ? 3 * data.length : data.byteLength;
    if (waiting > rules.maxBufferedAmount && waiting > size) {
      const message = exceeded("unsent data", waiting, rules, "maxBufferedAmount");
      gone(new WebSocketError("SLOW_CONSUMER", message, { closeCode: 1008 }));
    }
    return false;
  };

  const close = (code = 1000, reason = ""): void => {
    checkClose(code, reason);
    if (state !== "open") return;
    queue.clear();
    startClosing(code, reason);
  };

  const drained = (): Promise<void> =>
    new Promise((resolve) => {
      if (buffered() <= rules.highWaterMark) return resolve();
      waiters.push(resolve);
      wantsDrain = true;
      poll();
    });

  const iterate = (): AsyncIterableIterator<Message, undefined> => {
    if (handlers.message !== undefined) {
      throw new TypeError("Cannot iterate a connection that has a message handler");
    }
    return queue.open() as AsyncIterableIterator<Message, undefined>;
  };

  const dispose = async (): Promise<void> => {
    close();
    await closed;
  };

  const about = { url, protocol, extensions };
  const connection = {
    ...about,
    handshake: { ...about, status: 101, headers: new Headers() },
    closed,
    remoteAddress: "",
    remotePort: 0,
    topics: [] as string[],
    data: handlers.data as T,
    get readyState(): "open" | "closing" | "closed" {
      return state;
    },
    get bufferedAmount(): number {
      return buffered();
    },
    get readable(): ReadableStream<Message> {
      return readable ??= readableFrom(iterate(), close);
    },
    get writable(): WritableStream<Message> {
      return writable ??= writableTo<Message>({
        write: (message) => {
          if (!send(message) && state !== "open") throw notOpen();
          return drained();
        },
        close: dispose,
        fail,
      });
    },
    opened: (): void => call("open"),
    fail,
    gone,
    send,
    sendUtf8: (utf8: Uint8Array): boolean =>
      send(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(utf8)),
    sendDelayed: send,
    sendPrepared: (message: PreparedMessage): boolean =>
      send(message.opcode === TEXT ? message.text : message.payload),
    /** Collects the chunks and sends them as one message: fragments cannot be sent. */
    sendStream: async (source: AsyncIterable<Message>, opcode?: MessageOpcode): Promise<boolean> =>
      (await rare()).sendWhole(connection, source, opcode),
    resume: nothing,
    ref: nothing,
    unref: nothing,
    close,
    terminate: (): void =>
      gone(new WebSocketError("TERMINATED", "The connection was cut by terminate()")),
    cork(fn: () => unknown): void {
      if (typeof fn !== "function") throw new TypeError("Cannot cork: it takes a function");
      const result = fn();
      callReported(() => result, report);
    },
    drained,
    [Symbol.asyncIterator]: iterate,
    [Symbol.asyncDispose]: dispose,
  };

  for (const name of UNABLE) {
    (connection as Record<string, unknown>)[name] = () => {
      throw new TypeError(
        `Cannot ${name} here; topics need reconnect.topics`,
      );
    };
  }
  socket.addEventListener("message", (event) => receive(event.data));
  socket.addEventListener("error", ({ message }) => failure = message);
  socket.addEventListener("close", (event) => {
    // Workers do not answer the peer's Close frame themselves.
    if (socket.readyState < 3) socket.close();
    finish(event);
  });
  return connection;
}

function nothing(): void {}

type Callback = (...rest: unknown[]) => unknown;

/** @throws {TypeError | RangeError} Unless a page can send this code and reason. */
export function checkClose(code: number, reason: string): void {
  const isTyped = Number.isInteger(code) && typeof reason === "string";
  const isCode = code === 1000 || code >= 3000 && code <= 4999;
  if (isTyped && isCode && encoder.encode(reason).length <= MAX_REASON) return;
  const got = JSON.stringify([code, reason]).slice(0, MAX_REASON);
  const message =
    `Cannot close: the code must be 1000 or 3000-4999, the reason at most ${MAX_REASON} bytes, got ${got}`;
  throw isTyped ? new RangeError(message) : new TypeError(message);
}

function notOpen(): WebSocketError {
  return new WebSocketError("NOT_OPEN", "Cannot send: the connection is not open");
}

function exceeded(
  what: string,
  size: number,
  rules: PageRules,
  name: "maxMessageSize" | "maxBufferedAmount",
): string {
  return `${what} of ${size} bytes exceeds ${name} (${rules[name]})`;
}

function lost(why: string | undefined, cause: unknown = why): ConnectionError {
  const message = `The connection was lost${why ? `: ${why}` : ""}`;
  return new ConnectionError("CONNECTION_LOST", message, { cause });
}

/**
 * Opens one connection.
 *
 * @param url The URL; a relative URL is resolved against the page's.
 */
export async function openInPage<T>(
  url: string | URL,
  use: PageUse<T>,
): Promise<PageConnection<T>> {
  const { WebSocket: Socket, location } = globalThis as PageGlobals;
  let href = "";
  try {
    const target = new URL(url, location?.href);
    target.hash = "";
    href = target.href.replace(/^http/, "ws");
  } catch {
    // The error below has the reason.
  }
  if (Socket === undefined || !/^wss?:/.test(href)) throw (await rare()).unconnectable(url);
  // Errors omit the user and password.
  const shown = href.replace(/\/\/[^/]*@/, "//");
  return new Promise((resolve, reject) => {
    const { handshakeTimeout, subprotocols } = use.rules;
    const { signal } = use.handlers;
    signal?.throwIfAborted();
    const socket = new Socket(href, [...subprotocols]);
    socket.binaryType = "arraybuffer";
    let why = "";
    const stopTimer = handshakeTimeout
      ? after(use.rules, "handshakeTimeout", "HANDSHAKE_TIMEOUT", (error) => fail(error))
      : undefined;
    const abort = (): void => fail(signal?.reason);
    const settle = (): void => {
      stopTimer?.();
      signal?.removeEventListener("abort", abort);
    };
    // Has no effect after the connection has opened.
    const fail = (error: unknown): void => {
      settle();
      reject(error);
      socket.close();
    };
    signal?.addEventListener("abort", abort, { once: true });
    socket.addEventListener("error", ({ message }) => why = message ? `: ${message}` : "");
    socket.addEventListener(
      "close",
      () => fail(new ConnectionError("CONNECT_FAILED", `Cannot connect to ${shown}${why}`)),
    );
    socket.addEventListener("open", () => {
      settle();
      // The opening was canceled.
      if (socket.readyState !== 1) return;
      const opened = pageConnection(socket, shown, use);
      resolve(opened);
      opened.opened();
    });
  });
}
