// A connection over the global WebSocket, of a page or a Worker: what a user holds and what drives it in
// one object, because a bundle counts every byte.

import { ConnectionError, MessageTooBigError, TimeoutError, WebSocketError } from "../errors.ts";
import type { Connection, HandshakeInfo } from "../connection/connection.ts";
import type { Message, WrittenCallback } from "../connection/connection_driver.ts";
import type { Handlers } from "../connection/handlers.ts";
import type { PreparedMessage } from "../message/prepared_message.ts";
import type { CloseInfo } from "../session/close_info.ts";
import { logError } from "../shared/log.ts";
import { readableFrom, writableTo } from "../connection/message_streams.ts";
import type { MessageOpcode } from "../wire/opcode.ts";
import type { PageRules } from "./page_options.ts";
import { PageQueue } from "./page_queue.ts";
import type { WebSocketEvent, WebSocketLike } from "./web_socket.ts";

// The opcodes (RFC 6455 section 5.2). Their own module would become a separate chunk of a bundle.
const TEXT: MessageOpcode = 1;
const BINARY: MessageOpcode = 2;

/** Milliseconds between two looks at the buffered output: the end of a wait is not reported. */
const POLL_INTERVAL = 16;

/**
 * Milliseconds for events to arrive after a timer is due: the page itself may have been busy, and then what
 * the server has sent in time is not read yet.
 */
export const AFTER_STALL = 50;

/** Added to a close code that only a user agent may send, to map it into the application range. */
const CODE_OFFSET = 3000;

/** Bytes that the reason of a close may have (RFC 6455 section 5.5). */
const MAX_REASON = 123;

const NOT_OPEN = "Cannot send: the connection is not open";

const NO_TOPICS = "has topics with reconnect.topics only";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** How a {@linkcode PageConnection} is used. */
export interface PageUse<T> {
  /** The checked options. */
  readonly rules: PageRules;
  /** The user's handlers. */
  readonly handlers: Handlers<T>;
  /** Bytes that wait for a reader outside, which keeps the messages itself. */
  readonly unread?: () => number;
  /** Receives errors of handlers. */
  readonly onError: (error: unknown, connection: Connection<T>) => unknown;
}

/** An open connection over the global WebSocket. */
export class PageConnection<T> {
  readonly #socket: WebSocketLike;
  readonly #use: PageUse<T>;
  /** Messages that wait for a reader. */
  readonly #queue = new PageQueue();
  #state: "open" | "closing" | "closed" = "open";
  #error: WebSocketError | undefined;
  #sent: number | undefined;
  #failure: string | undefined;
  #tellClosed!: (info: CloseInfo) => void;
  #closeTimer: ReturnType<typeof setTimeout> | undefined;
  #pollTimer: ReturnType<typeof setTimeout> | undefined;
  #waiters: Array<() => void> = [];
  #wantsDrain = false;
  /** Callbacks for the time when all that was sent has left. */
  #written: WrittenCallback[] = [];
  #readable: ReadableStream<Message> | undefined;
  #writable: WritableStream<Message> | undefined;
  readonly url: string;
  readonly protocol: string;
  readonly extensions: string;
  readonly handshake: HandshakeInfo;
  readonly closed: Promise<CloseInfo>;
  readonly remoteAddress = "";
  readonly remotePort = 0;
  readonly topics: string[] = [];
  data: T;

  constructor(socket: WebSocketLike, url: string, use: PageUse<T>, data: T) {
    this.#socket = socket;
    this.#use = use;
    this.data = data;
    const { protocol = "", extensions = "" } = socket;
    this.url = url;
    this.protocol = protocol;
    this.extensions = extensions;
    this.handshake = { url, status: 101, headers: new Headers(), protocol, extensions };
    this.closed = new Promise((resolve) => this.#tellClosed = resolve);
    socket.addEventListener("message", (event) => this.#receive(event.data));
    socket.addEventListener("error", ({ message }) => this.#failure = message);
    socket.addEventListener("close", (event) => {
      // Workers leave the answer to the peer's Close frame to their users.
      if (socket.readyState < 3) socket.close();
      this.#finish(event);
    });
  }

  get readyState(): "open" | "closing" | "closed" {
    return this.#state;
  }

  get bufferedAmount(): number {
    return this.#state === "closed" ? 0 : this.#socket.bufferedAmount ?? 0;
  }

  /** The handshake is done. */
  opened(): void {
    this.#call("open");
  }

  send(
    data: string | ArrayBuffer | ArrayBufferView,
    options?: { written?: WrittenCallback | undefined },
  ): boolean {
    const written = options?.written;
    if (typeof data !== "string" && !(data instanceof ArrayBuffer) && !ArrayBuffer.isView(data)) {
      throw new TypeError("Cannot send: it must be a string or bytes");
    }
    if (written !== undefined) {
      this.#written.push(written);
      this.#poll();
    }
    if (this.#state !== "open") return false;
    if (ArrayBuffer.isView(data) && !(data.buffer instanceof ArrayBuffer)) {
      // A WebSocket takes no shared memory.
      data = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
    }
    try {
      this.#socket.send(data as Uint8Array<ArrayBuffer>);
    } catch (cause) {
      this.gone(lost(cause));
      return false;
    }
    const waiting = this.bufferedAmount;
    const { highWaterMark, maxBufferedAmount } = this.#use.rules;
    if (waiting <= highWaterMark) return true;
    this.#wantsDrain = true;
    this.#poll();
    // One message alone is never the reason to give up a peer.
    const size = typeof data === "string" ? 3 * data.length : data.byteLength;
    if (waiting > maxBufferedAmount && waiting > size) {
      this.gone(
        new WebSocketError(
          "SLOW_CONSUMER",
          `${waiting} unsent bytes exceed maxBufferedAmount (${maxBufferedAmount})`,
          { closeCode: 1008 },
        ),
      );
    }
    return false;
  }

  sendUtf8(utf8: Uint8Array): boolean {
    return this.send(decoder.decode(utf8));
  }

  sendDelayed(data: string | ArrayBuffer | ArrayBufferView): boolean {
    return this.send(data);
  }

  sendPrepared(message: PreparedMessage): boolean {
    return this.send(message.opcode === TEXT ? message.text : message.payload);
  }

  /** Sends the chunks as one message, once all of them have come: fragments cannot be sent. */
  async sendStream(source: AsyncIterable<Message>, opcode?: MessageOpcode): Promise<boolean> {
    return (await import("./page_rare.ts")).sendWhole(this, source, opcode);
  }

  ping(): never {
    return unable("ping", "sends no pings");
  }

  pong(): never {
    return unable("pong", "sends no pongs");
  }

  subscribe(): never {
    return unable("subscribe", NO_TOPICS);
  }

  unsubscribe(): never {
    return unable("unsubscribe", NO_TOPICS);
  }

  publish(): never {
    return unable("publish", NO_TOPICS);
  }

  sendFragment(): never {
    return unable("send", "sends whole messages only");
  }

  close(code = 1000, reason = ""): void {
    checkClose(code, reason);
    if (this.#state !== "open") return;
    this.#queue.clear();
    this.#startClosing(code, reason);
  }

  terminate(): void {
    this.gone(new WebSocketError("TERMINATED", "The connection was cut by terminate()"));
  }

  /** Gives the connection up for a reason, at once: the stream below it cannot be cut. */
  gone(error: WebSocketError): void {
    if (this.#state === "closed") return;
    this.#error ??= error;
    this.#sent ??= 1006;
    const isOpen = this.#state === "open";
    this.#state = "closing";
    if (isOpen) this.#socket.close(1006 + CODE_OFFSET);
    queueMicrotask(() => this.#finish({ code: 1006 }));
  }

  cork(fn: () => unknown): void {
    if (typeof fn !== "function") throw new TypeError("Cannot cork: it takes a function");
    this.#watch(fn());
  }

  drained(): Promise<void> {
    if (this.bufferedAmount <= this.#use.rules.highWaterMark) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.#wantsDrain = true;
      this.#poll();
    });
  }

  pause(): never {
    return unable("pause", "delivers messages as they arrive");
  }

  resume(): void {}

  ref(): void {}

  unref(): void {}

  [Symbol.asyncIterator](): AsyncIterableIterator<Message, undefined> {
    if (this.#use.handlers.message !== undefined) {
      throw new TypeError("Cannot iterate a connection that has a message handler");
    }
    return this.#queue.open() as AsyncIterableIterator<Message, undefined>;
  }

  get readable(): ReadableStream<Message> {
    return this.#readable ??= readableFrom(this[Symbol.asyncIterator](), () => this.close());
  }

  get writable(): WritableStream<Message> {
    return this.#writable ??= writableTo<Message>({
      write: (message) => {
        if (!this.send(message) && this.#state !== "open") {
          throw new WebSocketError("NOT_OPEN", NOT_OPEN);
        }
        return this.drained();
      },
      close: () => this[Symbol.asyncDispose](),
      fail: (error) => this.fail(error),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
  }

  #receive(data: unknown): void {
    if (this.#state !== "open") return;
    const { rules, handlers } = this.#use;
    const { maxMessageSize, maxBufferedAmount } = rules;
    const isText = typeof data === "string";
    const bytes = isText && !rules.asBytes && data.length * 3 <= maxMessageSize
      ? undefined
      : isText
      ? encoder.encode(data)
      : new Uint8Array(data as ArrayBuffer);
    const size = bytes?.length ?? (data as string).length;
    if (size > maxMessageSize) {
      return this.fail(
        new MessageTooBigError(
          `message of ${size} bytes exceeds maxMessageSize (${maxMessageSize})`,
        ),
      );
    }
    const message =
      (isText ? rules.asBytes ? bytes : data : rules.asBuffer ? data : bytes) as Message;
    if (handlers.message === undefined) this.#queue.push(message);
    else this.#call("message", message, isText ? TEXT : BINARY);
    const unread = this.#use.unread?.() ?? this.#queue.size;
    // One message alone is never the reason.
    if (unread <= maxBufferedAmount || unread === size) return;
    this.fail(
      new WebSocketError(
        "MEMORY_LIMIT",
        `${unread} unread bytes exceed maxBufferedAmount (${maxBufferedAmount})`,
        { closeCode: 1013 },
      ),
    );
  }

  /** Calls a handler; one that fails, or whose promise does, fails the connection. */
  #call(name: "open" | "message" | "drain" | "close", ...rest: unknown[]): void {
    const handlers = this.#use.handlers as Record<string, Callback | undefined>;
    if (handlers[name] === undefined) return;
    const failed = (cause: unknown): void => {
      this.#report(cause);
      const message = `The ${name} handler failed`;
      this.fail(new WebSocketError("HANDLER_FAILED", message, { cause, closeCode: 1011 }));
    };
    try {
      const result = handlers[name](this, ...rest);
      (result as Promise<unknown> | undefined)?.then?.(undefined, failed);
    } catch (cause) {
      failed(cause);
    }
  }

  #report(error: unknown): void {
    try {
      this.#use.onError(error, this as unknown as Connection<T>);
    } catch (failure) {
      logError(failure);
    }
  }

  /** Fails the connection. */
  fail(error: WebSocketError): void {
    if (this.#state === "closed") return;
    this.#error ??= error;
    if (this.#state !== "open") return;
    const { read } = encoder.encodeInto(error.message, new Uint8Array(MAX_REASON));
    this.#startClosing((error.closeCode ?? 1011) + CODE_OFFSET, error.message.slice(0, read));
  }

  #startClosing(code: number, reason: string): void {
    this.#state = "closing";
    this.#sent = code;
    const { closeTimeout } = this.#use.rules;
    this.#closeTimer = setTimeout(() => {
      this.#closeTimer = setTimeout(() => {
        const message = `No answer to the close within ${closeTimeout} ms`;
        this.gone(new TimeoutError("CLOSE_TIMEOUT", message));
      }, AFTER_STALL);
    }, closeTimeout);
    this.#socket.close(code, reason);
  }

  #finish({ code = 1006, reason = "" }: WebSocketEvent): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearTimeout(this.#closeTimer);
    clearTimeout(this.#pollTimer);
    // Deno reports 0 for a connection that has failed.
    const hasReceived = code !== 0 && code !== 1006;
    const error = this.#error ?? (hasReceived ? undefined : lost(this.#failure));
    const own = error?.closeCode;
    const received = hasReceived ? code : undefined;
    const info: CloseInfo = {
      code: own ?? received ?? 1006,
      reason: own === undefined ? reason : error!.message,
      clean: error === undefined,
      initiator: this.#sent === undefined ? "remote" : "local",
      sent: this.#sent ?? received,
      received,
      ...(error === undefined ? {} : { error }),
    };
    this.#callWritten(error ?? new WebSocketError("NOT_OPEN", NOT_OPEN));
    this.#call("close", info);
    this.#queue.end(info);
    this.#wake();
    this.#tellClosed(info);
  }

  #poll(): void {
    this.#pollTimer ??= setTimeout(() => {
      this.#pollTimer = undefined;
      if (this.#state !== "open") this.#callWritten(new WebSocketError("NOT_OPEN", NOT_OPEN));
      if (this.#state === "closed") return;
      const waiting = this.bufferedAmount;
      if (waiting === 0) this.#callWritten();
      const isBelow = waiting <= this.#use.rules.highWaterMark;
      if (!isBelow || this.#written.length > 0) this.#poll();
      if (!isBelow || !this.#wantsDrain) return;
      this.#wantsDrain = false;
      this.#wake();
      if (this.#state === "open") this.#call("drain");
    }, POLL_INTERVAL);
  }

  #callWritten(error?: Error): void {
    for (const written of this.#written.splice(0)) {
      try {
        this.#watch(error === undefined ? written() : written(error));
      } catch (cause) {
        this.#report(cause);
      }
    }
  }

  /** Reports the rejection of a promise of user code. */
  #watch(result: unknown): void {
    (result as Promise<unknown> | undefined)?.then?.(undefined, (cause) => this.#report(cause));
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}

type Callback = (...rest: unknown[]) => unknown;

/** @throws {TypeError | RangeError} Unless a page can close with this code and reason. */
export function checkClose(code: number, reason: string): void {
  const isTyped = Number.isInteger(code) && typeof reason === "string";
  const isCode = code === 1000 || code >= 3000 && code <= 4999;
  if (isTyped && isCode && encoder.encode(reason).length <= MAX_REASON) return;
  const got = JSON.stringify([code, reason]).slice(0, MAX_REASON);
  const message =
    `Cannot close: the code must be 1000 or 3000-4999, the reason at most ${MAX_REASON} bytes, got ${got}`;
  throw isTyped ? new RangeError(message) : new TypeError(message);
}

function unable(what: string, why: string): never {
  throw new TypeError(`Cannot ${what}: the global WebSocket ${why}`);
}

function lost(cause: unknown): ConnectionError {
  const why = cause instanceof Error ? cause.message : cause;
  return new ConnectionError(
    "CONNECTION_LOST",
    `The connection was lost${why ? `: ${why}` : ""}`,
    { cause },
  );
}
