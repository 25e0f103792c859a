/* The first line of an answer: HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 section 4). */

import { consistsOf, DIGIT } from "./characters.ts";

/** The parts of a status line. */
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

/** Characters of a peer's text that an error's message repeats. */
const MAX_QUOTED = 200;

/**
 * What a peer said, as it stands in a message: short, in one line, and harmless to a terminal. Bytes
 * above 0x7F (obs-text) are shown as UTF-8 where they are that, otherwise as Latin-1.
 */
export function quoted(text: string): string {
  const readable = asUtf8(text);
  const short = readable.length <= MAX_QUOTED ? readable : readable.slice(0, MAX_QUOTED) + "...";
  let line = "";
  for (let i = 0; i < short.length; i++) {
    const code = short.charCodeAt(i);
    const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0);
    if (!isControl) line += short[i];
    else if (!line.endsWith(" ")) line += " ";
  }
  return line.trim();
}

function asUtf8(text: string): string {
  let isAscii = true;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) return text;
    if (code > 0x7f) isAscii = false;
  }
  if (isAscii) return text;
  try {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return text;
  }
}
