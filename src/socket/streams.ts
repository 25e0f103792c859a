// A connection as web streams, and a stream as one message.

import { WebSocketError } from "../errors.ts";
import { encodeLongText } from "../message/utf8.ts";
import { CloseCode } from "../wire/close.ts";
import { type MessageOpcode, Opcode } from "../wire/opcode.ts";
import { toBytes } from "./bytes.ts";
import type { ConnectionLink, Message, MessageQueue } from "./connection_link.ts";

/** The messages that come in, as a stream; while nobody reads, the peer has to wait. */
export function readableOf(link: ConnectionLink, queue: MessageQueue): ReadableStream<Message> {
  return new ReadableStream<Message>({
    async pull(controller) {
      const { done, value } = await queue.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel() {
      link.close(CloseCode.Normal, "");
    },
  }, { highWaterMark: 0 });
}

/** A stream whose chunks are sent, a message each, no faster than the peer reads them. */
export function writableOf(
  link: ConnectionLink,
  send: (message: Message) => boolean,
): WritableStream<Message> {
  return new WritableStream<Message>({
    async write(message) {
      if (send(message)) return;
      if (link.state !== "open") {
        throw new WebSocketError("NOT_OPEN", "Cannot send: the connection is not open any more");
      }
      await link.drained();
    },
    async close() {
      link.close(CloseCode.Normal, "");
      await link.whenClosed();
    },
    abort(reason) {
      link.fail(
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
  link: ConnectionLink,
  source: AsyncIterable<Message>,
  opcode: MessageOpcode | undefined,
): Promise<boolean> {
  let started = false;
  await link.enterLane();
  try {
    for await (const chunk of source) {
      const first = opcode ?? opcodeOf(chunk);
      if (!link.sendFragment(started ? Opcode.Continuation : first, false, bytesOf(chunk))) {
        if (link.state !== "open") return false;
        await link.drained();
      }
      started = true;
    }
    const last = started ? Opcode.Continuation : opcode ?? Opcode.Binary;
    return link.sendFragment(last, true, new Uint8Array(0)) || link.state === "open";
  } catch (cause) {
    if (started) {
      link.fail(
        new WebSocketError("SOURCE_FAILED", "The source of a message failed", {
          cause,
          closeCode: CloseCode.InternalError,
        }),
      );
    }
    throw cause;
  } finally {
    link.leaveLane();
  }
}

function opcodeOf(chunk: Message): MessageOpcode {
  return typeof chunk === "string" ? Opcode.Text : Opcode.Binary;
}

function bytesOf(chunk: unknown): Uint8Array {
  return typeof chunk === "string" ? encodeLongText(chunk) : toBytes(chunk);
}
