// Messages behind the line of the topics subprotocol.

import { PreparedMessage } from "../message/prepared_message.ts";
import { Opcode } from "../wire/opcode.ts";
import { writeLine } from "./protocol.ts";

const encoder = new TextEncoder();

/** The line of a message that does not belong to a topic. */
const EMPTY_LINE = writeLine(undefined);

/** A message with its line, encoded once for many receivers. */
export class LineMessage extends PreparedMessage {
  /**
   * @param line The line.
   * @param content The message behind it: text, bytes, or either encoded before.
   */
  constructor(line: string, content: string | Uint8Array | PreparedMessage) {
    const isPrepared = content instanceof PreparedMessage;
    super(
      typeof content === "string"
        ? line + content
        : join(line, isPrepared ? content.payload : content),
      isPrepared ? content.opcode : Opcode.Binary,
    );
  }
}

/** The forms of prepared messages with an empty line, which live as long as the messages. */
const forms: WeakMap<PreparedMessage, LineMessage> = new WeakMap();

/** A prepared message with an empty line; one that has a line is returned as it is. */
export function preparedWithLine(message: PreparedMessage): LineMessage {
  if (message instanceof LineMessage) return message;
  let form = forms.get(message);
  if (form === undefined) {
    form = new LineMessage(EMPTY_LINE, message);
    forms.set(message, form);
  }
  return form;
}

/** Text with an empty line. */
export function textWithLine(text: string): string {
  return EMPTY_LINE + text;
}

/** Bytes with an empty line. */
export function bytesWithLine(bytes: Uint8Array): Uint8Array {
  return join(EMPTY_LINE, bytes);
}

function join(line: string, payload: Uint8Array): Uint8Array {
  const head = encoder.encode(line);
  const bytes = new Uint8Array(head.length + payload.length);
  bytes.set(head);
  bytes.set(payload, head.length);
  return bytes;
}
