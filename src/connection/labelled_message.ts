// A message with the line of the topics subprotocol in front, encoded once for many receivers.

import { PreparedMessage } from "../message/prepared_message.ts";
import { writeLine } from "../pubsub/topic_protocol.ts";
import { Opcode } from "../wire/opcode.ts";

const encoder = new TextEncoder();

/** The line of a message that has nothing to do with topics. */
const EMPTY_LINE = writeLine(undefined);

/** A message with its line. */
export class LabelledMessage extends PreparedMessage {
  /**
   * @param line The line.
   * @param content The message behind it: text, bytes, or either encoded before.
   */
  constructor(line: string, content: string | Uint8Array | PreparedMessage) {
    const isPrepared = content instanceof PreparedMessage;
    super(
      typeof content === "string"
        ? line + content
        : withLine(line, isPrepared ? content.payload : content),
      isPrepared ? content.opcode : Opcode.Binary,
    );
  }
}

/** The forms of prepared messages, which are kept as long as the messages themselves. */
const unrelated: WeakMap<PreparedMessage, LabelledMessage> = new WeakMap();

/** A prepared message as one that has nothing to do with topics; one that has its line already. */
export function labelled(message: PreparedMessage): LabelledMessage {
  if (message instanceof LabelledMessage) return message;
  let form = unrelated.get(message);
  if (form === undefined) {
    form = new LabelledMessage(EMPTY_LINE, message);
    unrelated.set(message, form);
  }
  return form;
}

/** Text behind the line that says that it has nothing to do with topics. */
export function labelledText(text: string): string {
  return EMPTY_LINE + text;
}

/** Bytes behind the line that says that they have nothing to do with topics. */
export function labelledBytes(bytes: Uint8Array): Uint8Array {
  return withLine(EMPTY_LINE, bytes);
}

function withLine(line: string, payload: Uint8Array): Uint8Array {
  const head = encoder.encode(line);
  const bytes = new Uint8Array(head.length + payload.length);
  bytes.set(head);
  bytes.set(payload, head.length);
  return bytes;
}
