// A piece of a topic's history, once it was checked.

import type { Identified } from "./repeats.ts";

/** A message of the topic. */
export interface TopicMessage extends Identified {
  /** Bytes that it takes. */
  readonly size: number;
}

/** A piece of the history. */
export interface TopicPage<M> {
  /** Where the topic stands. */
  readonly last: number;
  /** Whether nothing is missing in front of the messages. */
  readonly complete: boolean;
  /** The messages, in order. */
  readonly messages: readonly M[];
}

/** Whether something between a number and the first message of the page may be missing. */
export function lacksSome(page: TopicPage<TopicMessage>, after: number): boolean {
  const { complete, last, messages } = page;
  return !complete && after < (messages.length > 0 ? messages[0].number : last);
}

/** Where among messages those begin that are newer than a number. */
export function firstAfter(messages: readonly TopicMessage[], number: number): number {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (messages[middle].number > number) high = middle;
    else low = middle + 1;
  }
  return low;
}
