// Queues messages for a reader in a page. Simpler than the queue of other runtimes to keep bundles
// small: each message has separate memory, so that none can be detached while queued.

import type { AnyMessage } from "../connection/connection_driver.ts";
import type { ReaderQueue } from "../reconnect/reconnector.ts";
import type { CloseInfo } from "../session/end.ts";

/** Resolves a pending read. */
type Read = (result: Result | Promise<Result>) => void;

type Result = IteratorResult<AnyMessage, undefined>;

type Reader = AsyncIterableIterator<AnyMessage, undefined>;

const DONE: IteratorReturnResult<undefined> = { value: undefined, done: true };

/**
 * A queue between a connection and one reader at a time.
 *
 * @param changed Called when the queue or the reader has changed.
 */
export function pageQueue(changed: () => void = () => {}): ReaderQueue {
  let messages: AnyMessage[] = [];
  const reads: Read[] = [];
  let reader: Reader | undefined;
  let ended: { error?: Error | undefined } | undefined;
  let size = 0;

  /** Resolves pending reads with messages, and after the end, the remaining reads with the end. */
  const serve = (): void => {
    while (messages.length > 0 && reads[0]) {
      const value = messages.shift()!;
      size -= sizeOf(value);
      reads.shift()!({ value, done: false });
    }
    if (ended && reads[0]) {
      const { error } = ended;
      // The error is for one read; later ones only see the end.
      ended = {};
      if (error !== undefined) reads.shift()!(Promise.reject(error));
      leave();
    } else changed();
  };

  const leave = (): void => {
    reader = undefined;
    for (const answer of reads.splice(0)) answer(DONE);
    changed();
  };

  return {
    get hasReader(): boolean {
      return reader !== undefined;
    },
    get length(): number {
      return messages.length;
    },
    get size(): number {
      return size;
    },
    /** Starts reading; replaces an earlier reader without a pending read. */
    open(): Reader {
      if (reads[0]) throw secondReader();
      const opened: Reader = {
        next: () =>
          new Promise((resolve) => {
            if (reader === opened) {
              reads.push(resolve);
              serve();
            } else if (reader !== undefined) throw secondReader();
            else resolve(DONE);
          }),
        // deno-lint-ignore require-await -- shorter than a promise that is made by hand
        return: async () => {
          if (reader === opened) leave();
          return DONE;
        },
        [Symbol.asyncIterator]: () => opened,
      };
      reader = opened;
      changed();
      return opened;
    },
    push(message: AnyMessage): void {
      messages.push(message);
      size += sizeOf(message);
      serve();
    },
    /** The connection has ended: queued messages can still be read. */
    end(info: CloseInfo): void {
      ended = info;
      serve();
    },
    clear(): void {
      messages = [];
      size = 0;
      changed();
    },
  };
}

/** The size of a message in bytes, or UTF-16 units of text. */
export function sizeOf(message: AnyMessage): number {
  return (message as Uint8Array).length ?? (message as ArrayBuffer).byteLength;
}

function secondReader(): TypeError {
  return new TypeError("Only one reader at a time");
}
