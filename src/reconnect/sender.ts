// The send side of a reconnecting connection. It sends on the current connection, or queues
// messages for the next one up to a byte limit.

import { WebSocketError } from "../errors.ts";
import type { Connection } from "../connection/connection.ts";
import type { MessageData } from "../connection/connection_driver.ts";
import { bytesWithLine, textWithLine } from "../pubsub/protocol.ts";
import type { FragmentOptions, SendOptions, StreamOptions } from "../connection/arguments.ts";
import type { PreparedMessage } from "../message/prepared_message.ts";
import { toBytes } from "../shared/bytes.ts";
import { show } from "../shared/check.ts";
import { callReported, reportRejection } from "../shared/user_code.ts";
import type { MessageOpcode, Opcode } from "../wire/opcode.ts";

/**
 * A source of chunks for `sendStream`.
 *
 * @category Types
 */
export type StreamSource = ReadableStream<MessageData> | AsyncIterable<MessageData>;

/** A queued item. */
interface Waiting {
  /** Its counted size in bytes. */
  readonly size: number;
  /** Sends it; returns whether more may be sent. */
  send(connection: Connection<undefined>): boolean;
  /** Called if it will not be sent. */
  drop(): void;
}

/**
 * The opcode of a text message (RFC 6455 section 5.2). Importing all opcodes would make pages
 * larger.
 */
const TEXT: MessageOpcode = 1;

/** The bytes counted per message in addition to its size, to bound empty messages too. */
export const MESSAGE_COST = 32;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Sends or queues messages. */
export class ReconnectingSender {
  readonly #maxQueue: number;
  readonly #hasLines: boolean;
  readonly #report: (error: unknown) => void;
  readonly #overflow: (size: number) => void;
  #queue: Waiting[] = [];
  #queuedBytes = 0;
  #current: Connection<undefined> | undefined;
  #hasEnded = false;
  /** Whether a message was dropped since the queue was last flushed. */
  #hasOverflowed = false;
  /** Wakes the waiters for a connection or for the close. */
  #waiters: Array<() => void> = [];
  /** The connection of the user's fragmented message; `undefined` inside if there was none. */
  #fragmentsOn: { readonly connection: Connection<undefined> | undefined } | undefined;

  /**
   * @param maxQueue The maximum queued bytes.
   * @param hasLines Whether messages start with a line, as with topics.
   * @param report Receives the errors of the user's callbacks.
   * @param overflow Called for the first dropped message until the queue is flushed, with the size
   * of the queue including that message in bytes.
   */
  constructor(
    maxQueue: number,
    hasLines: boolean,
    report: (error: unknown) => void,
    overflow: (size: number) => void = () => {},
  ) {
    this.#maxQueue = maxQueue;
    this.#hasLines = hasLines;
    this.#report = report;
    this.#overflow = overflow;
  }

  /** The open connection, if any. */
  get open(): Connection<undefined> | undefined {
    // A closing connection remains current until its end is reported.
    return this.#current?.readyState === "open" ? this.#current : undefined;
  }

  /** Queued and buffered bytes. */
  get bufferedAmount(): number {
    return this.#queuedBytes + (this.#current?.bufferedAmount ?? 0);
  }

  /** The number of queued messages. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Connected: new messages are sent directly, ahead of queued ones. */
  opened(connection: Connection<undefined>): void {
    this.#current = connection;
  }

  /** Sends the queued items. */
  flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    let sent = 0;
    for (let open = this.open; open !== undefined && sent < queue.length; open = this.open) {
      const next = queue[sent++]!;
      this.#queuedBytes -= next.size;
      next.send(open);
    }
    const rest = queue.slice(sent);
    // The source of a stream may have closed the connection.
    if (this.#hasEnded) { for (const waiting of rest) waiting.drop(); }
    else this.#queue = rest.concat(this.#queue);
    if (this.#queue.length === 0) this.#hasOverflowed = false;
    this.#wake();
  }

  /** The connection is lost. */
  closed(): void {
    this.#current = undefined;
  }

  /** Ended permanently: drops queued items. */
  end(): void {
    this.#hasEnded = true;
    this.#queuedBytes = 0;
    for (const waiting of this.#queue.splice(0)) waiting.drop();
    this.#wake();
  }

  /** Sends a message; returns `false` if it is dropped, or no more should be sent. */
  send(data: MessageData, options?: SendOptions): boolean {
    const message = typeof data === "string" ? data : toBytes(data);
    const { open } = this;
    if (open !== undefined) return open.send(this.#withLine(message), options);
    const size = typeof message === "string" ? this.#sizeOf(message) : message.length;
    // Not `slice`, which returns a view of the same memory for a Buffer.
    const copy = typeof message === "string" || size > this.#maxQueue
      ? message
      : new Uint8Array(message);
    const kept = options && { ...options };
    return this.#wait(size, (next) => next.send(this.#withLine(copy), kept), kept);
  }

  /** Sends a text message given as bytes. */
  sendUtf8(utf8: Uint8Array, options?: SendOptions): boolean {
    const { open } = this;
    if (open === undefined) return this.send(decoder.decode(utf8), options);
    return open.sendUtf8(this.#hasLines ? bytesWithLine(utf8) : utf8, options);
  }

  /** Sends a message that may be delayed. */
  sendDelayed(data: MessageData): boolean {
    const { open } = this;
    if (open === undefined) return this.send(data);
    return open.sendDelayed(this.#withLine(typeof data === "string" ? data : toBytes(data)));
  }

  /** Sends a prepared message. */
  sendPrepared(message: PreparedMessage): boolean {
    const { open } = this;
    if (open !== undefined) return this.#sendPrepared(open, message);
    return this.#wait(message.payload.length, (next) => this.#sendPrepared(next, message));
  }

  /** Sends a source as one message. */
  sendStream(
    source: StreamSource,
    opcode?: MessageOpcode,
    options?: StreamOptions,
  ): Promise<boolean> {
    const { open } = this;
    if (open !== undefined) return this.#sendStream(open, source, opcode, options);
    return new Promise((resolve, reject) => {
      const start = (next: Connection<undefined>): boolean => {
        this.#sendStream(next, source, opcode, options).then(resolve, reject);
        return true;
      };
      const drop = (): void => {
        cancel(source);
        resolve(false);
      };
      if (!this.#push({ size: MESSAGE_COST, send: start, drop })) drop();
    });
  }

  /**
   * Sends a fragment of the user's message, all on one connection; fragments are dropped without a
   * connection or after it was lost.
   */
  sendFragment(opcode: Opcode, data: MessageData, options?: FragmentOptions): boolean {
    const isFirst = this.#fragmentsOn === undefined;
    const { connection } = this.#fragmentsOn ??= { connection: this.open };
    const isLast = options?.fin === true;
    if (connection === undefined || connection !== this.open) {
      if (isLast) this.#fragmentsOn = undefined;
      return false;
    }
    try {
      const message = typeof data === "string" ? data : toBytes(data);
      const fragment = isFirst ? this.#withLine(message) : message;
      const more = connection.sendFragment(opcode, fragment, options);
      if (isLast) this.#fragmentsOn = undefined;
      return more;
    } catch (error) {
      if (isFirst) this.#fragmentsOn = undefined;
      throw error;
    }
  }

  /** Calls `fn`; its messages leave in one write. */
  cork(fn: () => void): void {
    const { open } = this;
    if (open !== undefined) return open.cork(fn);
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot cork: it takes a function, got ${show(fn)}`);
    }
    const result: unknown = fn();
    reportRejection(result, this.#report);
  }

  /** Resolves when there is a connection with little buffered output, or when ended permanently. */
  async drained(): Promise<void> {
    while (!this.#hasEnded) {
      const { open } = this;
      if (open === undefined) {
        await this.connected();
      } else {
        await open.drained();
        if (open === this.open) return;
      }
    }
  }

  /** Resolves when connected, or when ended permanently. */
  connected(): Promise<void> {
    if (this.#hasEnded || this.open !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #withLine<M extends string | Uint8Array>(message: M): string | Uint8Array {
    if (!this.#hasLines) return message;
    return typeof message === "string" ? textWithLine(message) : bytesWithLine(message);
  }

  #sendPrepared(open: Connection<undefined>, message: PreparedMessage): boolean {
    if (!this.#hasLines) return open.sendPrepared(message);
    const bytes = bytesWithLine(message.payload);
    return message.opcode === TEXT ? open.sendUtf8(bytes) : open.send(bytes);
  }

  #sendStream(
    open: Connection<undefined>,
    source: StreamSource,
    opcode: MessageOpcode | undefined,
    options: StreamOptions | undefined,
  ): Promise<boolean> {
    const chunks = this.#hasLines ? this.#linedChunks(source, opcode) : source;
    return open.sendStream(chunks, opcode, options);
  }

  async *#linedChunks(
    source: StreamSource,
    opcode: MessageOpcode | undefined,
  ): AsyncGenerator<MessageData, void> {
    let isFirst = true;
    for await (const chunk of source) {
      yield isFirst ? this.#withLine(typeof chunk === "string" ? chunk : toBytes(chunk)) : chunk;
      isFirst = false;
    }
    if (isFirst) yield this.#withLine(opcode === TEXT ? "" : new Uint8Array(0));
  }

  /** The size of a text in bytes, counted up to the limit. */
  #sizeOf(text: string): number {
    // Each UTF-16 unit has at least one byte of UTF-8.
    return text.length > this.#maxQueue ? text.length : encoder.encode(text).length;
  }

  #wait(
    bytes: number,
    send: (connection: Connection<undefined>) => boolean,
    options?: SendOptions,
  ): boolean {
    const drop = (): void => this.#dropped(options);
    if (this.#push({ size: bytes + MESSAGE_COST, send, drop })) return true;
    drop();
    return false;
  }

  #push(waiting: Waiting): boolean {
    if (this.#hasEnded) return false;
    const size = this.#queuedBytes + waiting.size;
    if (size > this.#maxQueue) {
      const isFirst = !this.#hasOverflowed;
      this.#hasOverflowed = true;
      if (isFirst) this.#overflow(size);
      return false;
    }
    this.#queue.push(waiting);
    this.#queuedBytes = size;
    return true;
  }

  #dropped(options: SendOptions | undefined): void {
    if (options?.written === undefined) return;
    const error = new WebSocketError("NOT_OPEN", "Cannot send: no connection was opened in time");
    queueMicrotask(() => callReported(() => options.written?.(error), this.#report));
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}

/** Cancels a source and ignores its reaction. */
function cancel(source: StreamSource): void {
  try {
    const canceling = source instanceof ReadableStream
      ? source.cancel()
      : source[Symbol.asyncIterator]().return?.();
    Promise.resolve(canceling).catch(() => {});
  } catch {
    // Also if the source throws instead of rejecting.
  }
}
