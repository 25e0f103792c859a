// The subprotocol in which clients listen to topics: every message of both sides begins with a line
// that says what it is, a JSON object or nothing; what follows the line feed is the message itself.
//
//   client          {"subscribe":"news"}           wants to listen
//                   {"subscribe":"news","after":7} wants what came after number 7, too
//                   {"unsubscribe":"news"}         listens no more
//                   {"ping":3}                     asks for a sign of life, where it cannot send pings
//   server          {"subscribed":"news"}          it listens from here on; with a number where the
//                                                  server has a history: where it stands
//                   {"refused":"news","reason":""} it must not listen, or no longer
//                   {"missed":"news"}              what came between is no longer known
//                   {"passed":"news","number":9}   number 9 was its own, and does not come
//                   {"pong":3}                     the answer to a ping with that number
//                   {"topic":"news","number":8}    a message of the topic; without a history no number
//   both            (an empty line)                a message that has nothing to do with topics

/** The name under which the subprotocol is agreed on (RFC 6455 section 1.9). */
export const TOPICS_SUBPROTOCOL = "quickws.topics.1";

/** The most that a line can have: a topic of 1024 bytes, each of which JSON may write as six. */
export const MAX_LINE = 8192;

/** What a line ends with. */
export const LINE_FEED = 0x0a;

/** What a client asks for. */
export type TopicRequest =
  | { readonly subscribe: string; readonly after?: number }
  | { readonly unsubscribe: string }
  | { readonly ping: number };

/** What a server says in front of a message, or instead of one. */
export type TopicNotice =
  | { readonly topic: string; readonly number?: number }
  | { readonly subscribed: string; readonly number?: number }
  | { readonly refused: string; readonly reason: string }
  | { readonly missed: string }
  | { readonly passed: string; readonly number: number }
  | { readonly pong: number };

/** The line in front of a message. */
export function writeLine(content: TopicRequest | TopicNotice | undefined): string {
  return content === undefined ? "\n" : `${JSON.stringify(content)}\n`;
}

/** Where the message itself begins; 0 where there is no line. */
export function lineEnd(message: string | Uint8Array): number {
  const at = typeof message === "string" ? message.indexOf("\n") : message.indexOf(LINE_FEED);
  return at >= MAX_LINE ? 0 : at + 1;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The line of a message, as an object with its fields.
 *
 * @param end Where the message itself begins, see {@linkcode lineEnd}.
 * @returns `undefined` where the line is empty, `null` where it is not what it should be.
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

/** The request that a line has, checked in all but the name of the topic; `undefined`: it is none. */
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

/** The notice that a line has; `undefined`: it is none. */
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
