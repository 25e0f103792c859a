/* The first line of an answer: HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 section 4). */

import { consistsOf, DIGIT } from "./characters.ts";

/** What a status line says. */
export interface StatusLine {
  /** The minor version of HTTP/1, a digit: `"1"` of `HTTP/1.1`. */
  readonly minor: string;
  /** The status code, 100 to 999. */
  readonly status: number;
  /** The reason phrase; often empty. */
  readonly reason: string;
}

/** Reads the status line of an HTTP/1 answer; `undefined` when it is none. */
export function parseStatusLine(line: string): StatusLine | undefined {
  const minor = line.slice(7, 8);
  const digits = line.slice(9, 12);
  const status = Number(digits);
  if (
    !line.startsWith("HTTP/1.") || !consistsOf(minor, DIGIT) || line[8] !== " " ||
    digits.length !== 3 || !consistsOf(digits, DIGIT) || status < 100 ||
    // The space before an empty reason phrase is often forgotten.
    (line.length > 12 && line[12] !== " ")
  ) {
    return undefined;
  }
  return { minor, status, reason: line.slice(13) };
}
