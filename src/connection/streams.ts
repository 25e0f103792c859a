// A connection as web streams.

import { WebSocketError } from "../errors.ts";
import { CloseCode } from "../wire/close.ts";
import type { ConnectionControl, Message, MessageQueue } from "./connection_link.ts";

/** The messages that come in, as a stream; while nobody reads, the peer has to wait. */
export function readableOf(
  control: ConnectionControl,
  queue: MessageQueue,
): ReadableStream<Message> {
  return new ReadableStream<Message>({
    async pull(controller): Promise<void> {
      const { done, value } = await queue.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel(): void {
      control.close(CloseCode.Normal, "");
    },
  }, { highWaterMark: 0 });
}

/** A stream whose chunks are sent, a message each, no faster than the peer reads them. */
export function writableOf(
  control: ConnectionControl,
  send: (message: Message) => boolean,
): WritableStream<Message> {
  return new WritableStream<Message>({
    async write(message): Promise<void> {
      if (send(message)) return;
      if (control.state !== "open") {
        throw new WebSocketError("NOT_OPEN", "Cannot send: the connection is not open any more");
      }
      await control.sender.drained();
    },
    async close(): Promise<void> {
      control.close(CloseCode.Normal, "");
      await control.whenClosed();
    },
    abort(reason): void {
      control.fail(
        new WebSocketError("SOURCE_FAILED", "The stream of messages failed", {
          cause: reason,
          closeCode: CloseCode.InternalError,
        }),
      );
    },
  });
}
