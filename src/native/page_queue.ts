// Messages that wait for a reader in a page. It is smaller than the queue of the other runtimes, because a
// bundle counts every byte: a message here has memory of its own, so none can be detached while it waits.

import type { AnyMessage } from "../connection/connection_driver.ts";
import type { ReaderQueue } from "../reconnect/reconnector.ts";
import type { CloseInfo } from "../session/close_info.ts";

/** A read that waits for a message. */
interface Read {
  resolve(result: IteratorResult<AnyMessage, undefined>): void;
  reject(error: Error): void;
}

type Reader = AsyncIterableIterator<AnyMessage, undefined>;

const DONE: IteratorReturnResult<undefined> = { value: undefined, done: true };

/** A queue between a connection that delivers and one reader at a time. */
export class PageQueue implements ReaderQueue {
  readonly #changed: (() => void) | undefined;
  #messages: AnyMessage[] = [];
  #reads: Read[] = [];
  #reader: Reader | undefined;
  #end: { error?: Error | undefined } | undefined;
  size = 0;

  /** @param changed Called when the messages that wait have changed, or a reader has come or left. */
  constructor(changed?: () => void) {
    this.#changed = changed;
  }

  get hasReader(): boolean {
    return this.#reader !== undefined;
  }

  get length(): number {
    return this.#messages.length;
  }

  /** Starts reading in the place of another reader, unless that one has a read pending. */
  open(): Reader {
    if (this.#reads.length > 0) throw secondReader();
    const reader: Reader = {
      next: () =>
        new Promise((resolve, reject) => {
          if (this.#reader === reader) {
            this.#reads.push({ resolve, reject });
            this.#serve();
          } else if (this.hasReader) reject(secondReader());
          else resolve(DONE);
        }),
      return: () => {
        if (this.#reader === reader) this.#leave();
        return Promise.resolve(DONE);
      },
      [Symbol.asyncIterator]: () => reader,
    };
    this.#reader = reader;
    this.#changed?.();
    return reader;
  }

  push(message: AnyMessage): void {
    this.#messages.push(message);
    this.size += sizeOf(message);
    this.#serve();
  }

  /** The connection has ended: messages that wait can still be read. */
  end(info: CloseInfo): void {
    this.#end = info;
    this.#serve();
  }

  clear(): void {
    this.#messages = [];
    this.size = 0;
    this.#changed?.();
  }

  /** Gives messages to the reads that wait, and the end to those for which there is none. */
  #serve(): void {
    while (this.length > 0 && this.#reads.length > 0) {
      const value = this.#messages.shift()!;
      this.size -= sizeOf(value);
      this.#reads.shift()!.resolve({ value, done: false });
    }
    if (this.#end !== undefined && this.#reads.length > 0) {
      const { error } = this.#end;
      // The error is for one read; later ones just see the end.
      this.#end = {};
      if (error !== undefined) this.#reads.shift()!.reject(error);
      this.#leave();
    } else this.#changed?.();
  }

  #leave(): void {
    this.#reader = undefined;
    for (const { resolve } of this.#reads.splice(0)) resolve(DONE);
    this.#changed?.();
  }
}

/** The bytes of a message, or UTF-16 units of text. */
export function sizeOf(message: AnyMessage): number {
  return message instanceof ArrayBuffer ? message.byteLength : message.length;
}

function secondReader(): TypeError {
  return new TypeError("Cannot read twice at once: there is another reader");
}
