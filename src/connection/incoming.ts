// Queues messages for a reader (iteration or web stream) on connections without a `message`
// handler.

import { WebSocketError } from "../errors.ts";
import type { CloseInfo } from "../session/end.ts";
import { isDetached } from "../shared/bytes.ts";
import { readableFrom, writableTo } from "./message_streams.ts";
import { Queue } from "../shared/queue.ts";
import { CloseCode } from "../wire/close.ts";
import { bufferDetached } from "../wire/frame_reader.ts";
import type { AnyMessage, ConnectionDriver, MessageData } from "./connection_driver.ts";

/** Queued bytes above which the connection stops reading from the socket. */
const MAX_QUEUED_BYTES = 65_536;
/** Queued messages above which it stops. */
const MAX_QUEUED_MESSAGES = 256;

/** The producer of a {@linkcode MessageQueue}. */
export interface MessageQueueOwner {
  /** The queue is full: stop delivering messages. */
  stopReading(): void;
  /** The queue has room again. */
  resumeReading(): void;
  /** A queued message cannot be delivered: ends the connection. */
  fail(error: WebSocketError): void;
  /** The queue is empty. */
  emptied?(): void;
  /** A reader was opened or closed, or messages are waiting without a reader. */
  readerChanged?(): void;
}

interface PendingRead {
  resolve(result: IteratorResult<AnyMessage, undefined>): void;
  reject(error: Error): void;
}

const DONE: IteratorReturnResult<undefined> = { value: undefined, done: true };

/** The size of a message toward queue limits: bytes, or UTF-16 units of text. */
export function sizeOf(message: AnyMessage): number {
  return message instanceof ArrayBuffer ? message.byteLength : message.length;
}

/** A bounded queue between the connection and one reader at a time. */
export class MessageQueue {
  readonly #owner: MessageQueueOwner;
  readonly #messages: Queue<AnyMessage> = new Queue();
  #size = 0;
  #stopped = false;
  #reader: MessageReader | undefined;
  #reads: PendingRead[] = [];
  #end: CloseInfo | undefined;

  /** @param owner The producer. */
  constructor(owner: MessageQueueOwner) {
    this.#owner = owner;
  }

  /** Whether there is a reader. */
  get hasReader(): boolean {
    return this.#reader !== undefined;
  }

  /** Whether it is full, and its owner was asked to stop reading. */
  get isFull(): boolean {
    return this.#stopped;
  }

  /** The number of queued messages. */
  get length(): number {
    return this.#messages.length;
  }

  /** The size of queued messages in bytes. */
  get size(): number {
    return this.#size;
  }

  /**
   * Starts reading. Replaces an earlier reader without a pending read, which may be abandoned; its
   * next read then fails.
   *
   * @throws {TypeError} When there is already an active reader.
   */
  open(): AsyncIterableIterator<AnyMessage, undefined> {
    const reader = this.#reader;
    if (reader !== undefined && (!reader.hasRead || this.#reads.length > 0)) throw secondReader();
    this.#reader = new MessageReader(this);
    this.#owner.readerChanged?.();
    return this.#reader;
  }

  /** Adds a message. */
  push(message: AnyMessage): void {
    const read = this.#reads.shift();
    if (read !== undefined) {
      read.resolve({ value: message, done: false });
      return;
    }
    this.#messages.push(message);
    this.#size += sizeOf(message);
    if (this.#reader === undefined) this.#owner.readerChanged?.();
    const isFull = this.#size >= MAX_QUEUED_BYTES || this.length >= MAX_QUEUED_MESSAGES;
    if (isFull && !this.#stopped) {
      this.#stopped = true;
      this.#owner.stopReading();
    }
  }

  /**
   * Resolves to the next message, or to done at a clean close; rejects with the cause otherwise.
   */
  next(reader?: MessageReader): Promise<IteratorResult<AnyMessage, undefined>> {
    if (reader !== undefined && reader !== this.#reader && this.#reader !== undefined) {
      return Promise.reject(secondReader());
    }
    if (this.length > 0) {
      const value = this.#shift();
      // The user may have transferred the chunk of the previous message, which also contains this
      // one.
      return value instanceof Uint8Array && value.length === 0 && isDetached(value)
        ? this.#failDetached()
        : Promise.resolve({ value, done: false });
    }
    if (this.#end === undefined) {
      return new Promise((resolve, reject) => this.#reads.push({ resolve, reject }));
    }
    this.#reader = undefined;
    const error = this.#takeError();
    return error === undefined ? Promise.resolve(DONE) : Promise.reject(error);
  }

  /** The reader is closed: queued messages remain for the next one. */
  leave(reader: MessageReader): void {
    if (this.#reader !== reader) return;
    this.#reader = undefined;
    const reads = this.#reads;
    this.#reads = [];
    for (const read of reads) read.resolve(DONE);
    this.#owner.readerChanged?.();
  }

  /** The connection has ended: queued messages can still be read. */
  end(info: CloseInfo): void {
    this.#end = info;
    const reads = this.#reads;
    this.#reads = [];
    if (reads.length > 0) this.#reader = undefined;
    for (const read of reads) {
      const error = this.#takeError();
      if (error !== undefined) read.reject(error);
      else read.resolve(DONE);
    }
  }

  /** Discards waiting messages. */
  clear(): void {
    this.#messages.clear();
    this.#size = 0;
    this.#resume();
  }

  #failDetached(): Promise<never> {
    const error = bufferDetached();
    this.#reader = undefined;
    this.#owner.fail(error);
    this.clear();
    return Promise.reject(error);
  }

  #shift(): AnyMessage {
    const message = this.#messages.shift()!;
    this.#size -= sizeOf(message);
    if (this.#messages.length === 0) {
      this.#owner.emptied?.();
      this.#resume();
    }
    return message;
  }

  #resume(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#owner.resumeReading();
  }

  /** Removes and returns the cause of an unclean close, for one reader; later readers just end. */
  #takeError(): Error | undefined {
    const error = this.#end?.error;
    if (error !== undefined) this.#end = { ...this.#end!, error: undefined };
    return error;
  }
}

function secondReader(): TypeError {
  return new TypeError(
    "Cannot read a connection twice: it already has a reader, an iterator or readable; " +
      "break out of that loop first, or share one reader",
  );
}

/** The one reader of a queue. */
class MessageReader implements AsyncIterableIterator<AnyMessage, undefined> {
  #queue: MessageQueue | undefined;
  /** Whether it has a pending read. */
  hasRead = false;

  constructor(queue: MessageQueue) {
    this.#queue = queue;
  }

  next(): Promise<IteratorResult<AnyMessage, undefined>> {
    this.hasRead = true;
    return this.#queue === undefined ? Promise.resolve(DONE) : this.#queue.next(this);
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    const queue = this.#queue;
    this.#queue = undefined;
    queue?.leave(this);
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<AnyMessage, undefined> {
    return this;
  }
}

/** The incoming messages as a stream with backpressure. */
export function readableOf(
  driver: ConnectionDriver,
  reader: AsyncIterator<AnyMessage, undefined>,
): ReadableStream<AnyMessage> {
  return readableFrom(reader, () => driver.close(CloseCode.Normal, ""));
}

/** A stream that sends each chunk as a message, with backpressure. */
export function writableOf(
  driver: ConnectionDriver,
  send: (message: MessageData) => boolean,
): WritableStream<MessageData> {
  return writableTo<MessageData>({
    async write(message): Promise<void> {
      if (send(message)) return;
      if (driver.state !== "open") {
        throw new WebSocketError("NOT_OPEN", "Cannot send: the connection is not open any more");
      }
      await driver.drained();
    },
    close: () => {
      driver.close(CloseCode.Normal, "");
      return driver.whenClosed();
    },
    fail: (error) => driver.fail(error),
  });
}
