// A server's HTTP responses other than 101 to an attempt. Pages do not see them, and do not load
// this.

import { HandshakeError } from "../errors.ts";

/** The consequences of an HTTP response for the next attempt. */
export interface AnswerRules {
  /** Whether another attempt is useless; `undefined` if the error is not a response. */
  isFinal(error: unknown): boolean | undefined;
  /** The delay that the server requests, in milliseconds. */
  retryAfter(error: unknown, now: number): number;
}

/** HTTP status codes of temporary failures. */
const PASSING_STATUSES: readonly (number | undefined)[] = [408, 425, 429, 500, 502, 503, 504];

/** The maximum delay of a `Retry-After`, in milliseconds. */
export const MAX_RETRY_AFTER = 3_600_000;

/** The rules of a client that sees the responses. */
export const HTTP_ANSWERS: AnswerRules = {
  isFinal: (error) =>
    error instanceof HandshakeError ? !PASSING_STATUSES.includes(error.status) : undefined,

  // RFC 9110 10.2.3.
  retryAfter(error, now): number {
    if (!(error instanceof HandshakeError) || (error.status !== 429 && error.status !== 503)) {
      return 0;
    }
    const value = error.headers?.get("retry-after") ?? "";
    // RFC 9110 5.6.7: an HTTP-date is in GMT.
    const wait = /^\d+$/.test(value)
      ? Number(value) * 1000
      : value.endsWith(" GMT")
      ? Date.parse(value) - now
      : 0;
    return Number.isNaN(wait) ? 0 : Math.min(Math.max(wait, 0), MAX_RETRY_AFTER);
  },
};
