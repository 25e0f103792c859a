// What an engine answers is checked before anything is made of it: it may be rubbish.

import type { HistoryPage, NumberedMessage } from "./backplane.ts";

/** Whether it can be the number of a message. */
export function isMessageNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number > 0;
}

/** Whether it can be where a topic stands: the number of a message, or 0 before the first. */
export function isPosition(value: unknown): value is number {
  return value === 0 || isMessageNumber(value);
}

/**
 * What is wrong with the answer to a question for what came after a number, if anything.
 *
 * @param page The answer.
 * @param after The number; nothing: only where the topic stands was asked for.
 */
export function faultOfPage(page: unknown, after: number | undefined): string | undefined {
  if (typeof page !== "object" || page === null) return "it is no object";
  const { last, complete, messages } = page as Partial<HistoryPage>;
  if (!isPosition(last)) return `"last" is no number of a message`;
  if (after === undefined) return undefined;
  if (typeof complete !== "boolean") return `"complete" is no boolean`;
  if (!Array.isArray(messages)) return `"messages" is no array`;
  let previous = after;
  for (const entry of messages as readonly unknown[]) {
    if (typeof entry !== "object" || entry === null) return "a message is no object";
    const { number, message } = entry as Partial<NumberedMessage>;
    if (!isMessageNumber(number)) return `a "number" is none`;
    if (number <= previous) return "the numbers do not grow";
    if (!(message instanceof Uint8Array)) return `a "message" is no Uint8Array`;
    previous = number;
  }
  return messages.length > 0 && previous !== last ? `the messages do not end at "last"` : undefined;
}
