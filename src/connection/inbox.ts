// Messages that wait for a reader, on a connection that is iterated instead of having a handler.

import type { CloseInfo } from "../session/close_info.ts";
import type { Message, MessageQueue } from "./connection_link.ts";

/** Bytes that may wait before the connection stops reading, and the peer has to wait. */
const STOP_SIZE = 65536;
/** Messages that may wait before the connection stops reading. */
const STOP_COUNT = 256;

/** Places of messages that were read, after which the queue is copied without them. */
const COMPACT_COUNT = 256;

/** Who fills an {@linkcode Inbox}. */
export interface InboxSource {
  /** The reader has fallen behind: deliver nothing more. */
  stopReading(): void;
  /** The reader has caught up. */
  goOnReading(): void;
}

interface Reader {
  resolve(result: IteratorResult<Message, undefined>): void;
  reject(error: Error): void;
}

/** A bounded queue between a connection that delivers and an iterator that asks. */
export class Inbox implements MessageQueue {
  readonly #source: InboxSource;
  #messages: Message[] = [];
  #next = 0;
  #size = 0;
  #stopped = false;
  #readers: Reader[] = [];
  #end: CloseInfo | undefined;

  /** @param source Who fills it. */
  constructor(source: InboxSource) {
    this.#source = source;
  }

  /** Takes a message in. */
  push(message: Message): void {
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve({ value: message, done: false });
      return;
    }
    this.#messages.push(message);
    this.#size += message.length;
    if (!this.#stopped && (this.#size >= STOP_SIZE || this.#waiting >= STOP_COUNT)) {
      this.#stopped = true;
      this.#source.stopReading();
    }
  }

  /** The next message; done at a clean end, rejected with the cause at any other. */
  next(): Promise<IteratorResult<Message, undefined>> {
    if (this.#waiting > 0) return Promise.resolve({ value: this.#shift(), done: false });
    if (this.#end === undefined) {
      return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
    }
    const error = this.#takeError();
    if (error !== undefined) return Promise.reject(error);
    return Promise.resolve({ value: undefined, done: true });
  }

  /** The connection is over: what waits can still be read. */
  end(info: CloseInfo): void {
    this.#end = info;
    for (const reader of this.#readers) {
      const error = this.#takeError();
      if (error !== undefined) reader.reject(error);
      else reader.resolve({ value: undefined, done: true });
    }
    this.#readers = [];
  }

  /** Forgets what waits: the user closed the connection and hears no more of it. */
  clear(): void {
    this.#messages = [];
    this.#next = 0;
    this.#size = 0;
    this.#goOn();
  }

  get #waiting(): number {
    return this.#messages.length - this.#next;
  }

  #shift(): Message {
    const message = this.#messages[this.#next];
    this.#messages[this.#next++] = "";
    this.#size -= message.length;
    if (this.#next === this.#messages.length) {
      this.#messages = [];
      this.#next = 0;
      this.#goOn();
    } else if (this.#next === COMPACT_COUNT) {
      this.#messages = this.#messages.slice(COMPACT_COUNT);
      this.#next = 0;
    }
    return message;
  }

  #goOn(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#source.goOnReading();
  }

  /** The cause of an end that was not clean, told to one reader; later ones just see the end. */
  #takeError(): Error | undefined {
    const error = this.#end?.error;
    if (error !== undefined) this.#end = { ...this.#end!, error: undefined };
    return error;
  }
}
