// A connection as web streams, and a stream as one message.

import { WebSocketError } from "../errors.ts";
import { encodeLongText } from "../message/utf8.ts";
import { CloseCode } from "../wire/close.ts";
import { type MessageOpcode, Opcode } from "../wire/opcode.ts";
import { toBytes } from "./bytes.ts";
import type { ConnectionControl, Message, MessageQueue } from "./connection_link.ts";

/** The messages that come in, as a stream; while nobody reads, the peer has to wait. */
export function readableOf(
  control: ConnectionControl,
  queue: MessageQueue,
): ReadableStream<Message> {
  return new ReadableStream<Message>({
    async pull(controller) {
      const { done, value } = await queue.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel() {
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
    async write(message) {
      if (send(message)) return;
      if (control.state !== "open") {
        throw new WebSocketError("NOT_OPEN", "Cannot send: the connection is not open any more");
      }
      await control.sender.drained();
    },
    async close() {
      control.close(CloseCode.Normal, "");
      await control.whenClosed();
    },
    abort(reason) {
      control.fail(
        new WebSocketError("SOURCE_FAILED", "The stream of messages failed", {
          cause: reason,
          closeCode: CloseCode.InternalError,
        }),
      );
    },
  });
}

/**
 * Sends the chunks of `source` as the fragments of one message.
 *
 * @param opcode Text or binary; without it, what the first chunk is.
 * @returns Whether all was sent; `false` when the connection ended before.
 * @throws {unknown} What `source` throws; the connection is closed with 1011 then, because half a
 * message cannot be taken back.
 */
export async function sendStream(
  control: ConnectionControl,
  source: AsyncIterable<Message>,
  opcode: MessageOpcode | undefined,
): Promise<boolean> {
  let started = false;
  await control.sender.enterLane();
  try {
    for await (const chunk of source) {
      const first = opcode ?? opcodeOf(chunk);
      if (
        !control.sender.sendFragment(started ? Opcode.Continuation : first, false, bytesOf(chunk))
      ) {
        if (control.state !== "open") return false;
        await control.sender.drained();
      }
      started = true;
    }
    const last = started ? Opcode.Continuation : opcode ?? Opcode.Binary;
    return control.sender.sendFragment(last, true, new Uint8Array(0)) || control.state === "open";
  } catch (cause) {
    if (started) {
      control.fail(
        new WebSocketError("SOURCE_FAILED", "The source of a message failed", {
          cause,
          closeCode: CloseCode.InternalError,
        }),
      );
    }
    throw cause;
  } finally {
    control.sender.leaveLane();
  }
}

function opcodeOf(chunk: Message): MessageOpcode {
  return typeof chunk === "string" ? Opcode.Text : Opcode.Binary;
}

function bytesOf(chunk: unknown): Uint8Array {
  return typeof chunk === "string" ? encodeLongText(chunk) : toBytes(chunk);
}
