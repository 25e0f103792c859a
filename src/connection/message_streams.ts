// The messages of a connection as web streams.

import { WebSocketError } from "../errors.ts";

/** The incoming messages as a stream, read on demand. */
export function readableFrom<M>(
  reader: AsyncIterator<M, undefined>,
  cancel: () => void,
): ReadableStream<M> {
  return new ReadableStream<M>({
    async pull(controller): Promise<void> {
      const { done, value } = await reader.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel,
  }, { highWaterMark: 0 });
}

/** The connection operations needed by a stream of outgoing messages. */
export interface MessageSink<M> {
  /** Sends a message; resolves when the next one may follow. */
  write(message: M): Promise<void>;
  /** Closes the connection; resolves when it has ended. */
  close(): Promise<unknown>;
  /** Fails the connection. */
  fail(error: WebSocketError): void;
}

/** A stream that sends each chunk as a message. */
export function writableTo<M>({ write, close, fail }: MessageSink<M>): WritableStream<M> {
  return new WritableStream<M>({
    write,
    close: async () => void await close(),
    abort: (cause) =>
      fail(
        new WebSocketError("SOURCE_FAILED", "The stream of messages failed", {
          cause,
          closeCode: 1011,
        }),
      ),
  });
}
