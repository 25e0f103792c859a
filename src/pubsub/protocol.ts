// The topics subprotocol: every message in both directions starts with a line that is empty or a
// JSON object; the content follows the line feed.
//
//   client          {"subscribe":"news"}           subscribes
//                   {"subscribe":"news","after":7} subscribes, and requests the messages after number 7
//                   {"unsubscribe":"news"}         unsubscribes
//                   {"ping":3}                     requests a pong, for clients that cannot send pings
//   server          {"subscribed":"news"}          the client is now subscribed; with a number
//                                                  if there is a history: the topic's position
//                   {"refused":"news","reason":""} the client is not, or no longer, subscribed
//                   {"missed":"news"}              earlier messages are no longer available
//                   {"passed":"news","number":9}   number 9 was the client's own, and is not sent to it
//                   {"pong":3}                     the answer to the ping with this number
//                   {"topic":"news","number":8}    a message of the topic; no number without a history
//   both            (an empty line)                a message that does not belong to a topic

import { PreparedMessage } from "../message/prepared_message.ts";
import { Opcode } from "../wire/opcode.ts";

const encoder = new TextEncoder();

/** The name of the subprotocol (RFC 6455 section 1.9). */
export const TOPICS_SUBPROTOCOL = "quickws.topics.1";

/** The maximum size of a line in bytes: JSON encodes a topic of 1024 bytes in at most 6144. */
export const MAX_LINE = 8192;

/** The end of a line. */
export const LINE_FEED = 0x0a;

/** A request of a client. */
export type TopicRequest =
  | { readonly subscribe: string; readonly after?: number }
  | { readonly unsubscribe: string }
  | { readonly ping: number };

/** The lines sent by a server, with or without a message. */
export type TopicNotice =
  | { readonly topic: string; readonly number?: number }
  | { readonly subscribed: string; readonly number?: number }
  | { readonly refused: string; readonly reason: string }
  | { readonly missed: string }
  | { readonly passed: string; readonly number: number }
  | { readonly pong: number };

/** The line of a message without a topic. */
const EMPTY_LINE = "\n";

/** Encodes the line before a message. */
export function writeLine(content: TopicRequest | TopicNotice | undefined): string {
  return content === undefined ? "\n" : `${JSON.stringify(content)}\n`;
}

/** The index at which the message starts; 0 if there is no line. */
export function lineEnd(message: string | Uint8Array): number {
  const at = typeof message === "string" ? message.indexOf("\n") : message.indexOf(LINE_FEED);
  return at >= MAX_LINE ? 0 : at + 1;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Decodes the line of a message.
 *
 * @param end The index at which the message starts, see {@linkcode lineEnd}.
 * @returns `undefined` if the line is empty, `null` if it is invalid.
 */
export function readLine(
  message: string | Uint8Array,
  end: number,
): Readonly<Record<string, unknown>> | undefined | null {
  if (end === 1) return undefined;
  try {
    const line = typeof message === "string"
      ? message.slice(0, end)
      : decoder.decode(message.subarray(0, end));
    const content: unknown = JSON.parse(line);
    const isObject = typeof content === "object" && content !== null && !Array.isArray(content);
    return isObject ? content as Record<string, unknown> : null;
  } catch {
    return null;
  }
}

/** A message with its line, encoded once for many receivers. */
export class LineMessage extends PreparedMessage {
  /**
   * @param line The line.
   * @param content The content: text, bytes or a prepared message.
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

/** Prepared messages with an empty line, cached as long as the originals live. */
const forms: WeakMap<PreparedMessage, LineMessage> = new WeakMap();

/** Adds an empty line to a prepared message, unless it has a line. */
export function preparedWithLine(message: PreparedMessage): LineMessage {
  if (message instanceof LineMessage) return message;
  let form = forms.get(message);
  if (form === undefined) {
    form = new LineMessage(EMPTY_LINE, message);
    forms.set(message, form);
  }
  return form;
}

/** Adds an empty line to text. */
export function textWithLine(text: string): string {
  return EMPTY_LINE + text;
}

/** Adds an empty line to bytes. */
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

/** Interprets a line as a request, without checking the topic; `undefined` if it is none. */
export function asRequest(line: Readonly<Record<string, unknown>>): TopicRequest | undefined {
  const { subscribe, unsubscribe, after, ping } = line;
  if (ping !== undefined) {
    return isNumber(ping) && subscribe === undefined && unsubscribe === undefined
      ? { ping }
      : undefined;
  }
  if (typeof unsubscribe === "string" && subscribe === undefined) return { unsubscribe };
  if (typeof subscribe !== "string" || unsubscribe !== undefined) return undefined;
  if (after === undefined) return { subscribe };
  return isNumber(after) ? { subscribe, after } : undefined;
}

/** Interprets a line as a notice; `undefined` if it is none. */
export function asNotice(line: Readonly<Record<string, unknown>>): TopicNotice | undefined {
  const { topic, subscribed, refused, reason, missed, passed, number, pong } = line;
  if (number !== undefined && !isNumber(number)) return undefined;
  if (typeof topic === "string") return number === undefined ? { topic } : { topic, number };
  if (typeof subscribed === "string") {
    return number === undefined ? { subscribed } : { subscribed, number };
  }
  if (typeof passed === "string") return number === undefined ? undefined : { passed, number };
  if (typeof missed === "string") return { missed };
  if (isNumber(pong)) return { pong };
  if (typeof refused !== "string") return undefined;
  return { refused, reason: typeof reason === "string" ? reason : "" };
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number >= 0;
}
