/*
 * The header fields of one head: an ordered list of lines, kept as text. It is searched, not
 * indexed: a head has few lines, and peers cannot choose object keys. Only the list searched last
 * has the positions of its lines.
 */

import type { HeaderView } from "../errors.ts";
import {
  CLASSES,
  consistsOf,
  equalsIgnoringCase,
  FIELD_TEXT,
  isToken,
  isWhitespace,
  OBS_TEXT,
  trimmed,
} from "./characters.ts";

const COMMA = 0x2c;
const CR = 0x0d;

/** For each line of the list `marked` the positions of its colon and its end. */
const marks: number[] = [];
/** The number of valid marks. */
let marksEnd = 0;
let marked: HeaderFields | undefined;

/**
 * The header fields of an HTTP head, in their order, repeated lines kept apart.
 *
 * Names are compared without regard to case. `new Headers(fields)` converts it to a web `Headers`.
 *
 * @example
 * ```ts
 * import { HeaderFields } from "@quickws/quickws/core";
 *
 * const fields = new HeaderFields([["Connection", "keep-alive"], ["connection", "Upgrade"]]);
 * console.log(fields.get("CONNECTION")); // keep-alive, Upgrade
 * console.log(fields.hasToken("connection", "upgrade")); // true
 * ```
 *
 * @category Handshake
 */
export class HeaderFields implements HeaderView {
  /**
   * All lines as in a head, each with its CRLF; those of a parsed head are in the middle of the
   * text.
   */
  #text = "";
  /** The start of the first line in the text. */
  #start = 0;

  /**
   * Creates a list of fields to send.
   *
   * @param lines Fields to send, each passed to {@linkcode HeaderFields.append}.
   */
  constructor(lines?: Iterable<readonly [name: string, value: string]>) {
    if (lines !== undefined) {
      for (const [name, value] of lines) this.append(name, value);
    }
  }

  /**
   * Creates a list from a parsed head, already validated by the parser.
   *
   * @param text The head; its lines from `start` on, each with its CRLF.
   * @param start The start of the first line.
   */
  static fromParsed(text: string, start: number): HeaderFields {
    const fields = new HeaderFields();
    fields.#text = text;
    fields.#start = start;
    return fields;
  }

  /**
   * Creates a list without validation.
   *
   * @param lines Names as written, and values without surrounding white space.
   */
  static fromLines(lines: Iterable<readonly [name: string, value: string]>): HeaderFields {
    const fields = new HeaderFields();
    for (const [name, value] of lines) fields.#add(name, value);
    return fields;
  }

  /** The number of lines. */
  get size(): number {
    this.#mark();
    return marksEnd / 2;
  }

  /** @internal The text with the lines: a parsed head, or only the lines. */
  get text(): string {
    return this.#text;
  }

  /** The value of the field, repeated lines joined by `", "` (RFC 9110 5.3), or `null`. */
  get(name: string): string | null {
    let joined: string | null = null;
    for (let at = this.#find(name, 0); at !== -1; at = this.#find(name, at + 2)) {
      const value = trimmed(this.#text, marks[at] + 1, marks[at + 1]);
      joined = joined === null ? value : joined + ", " + value;
    }
    return joined;
  }

  /** The values of all lines with this name, in their order. */
  getAll(name: string): string[] {
    let values: string[] | undefined;
    for (let at = this.#find(name, 0); at !== -1; at = this.#find(name, at + 2)) {
      const value = trimmed(this.#text, marks[at] + 1, marks[at + 1]);
      // An array literal with one element reserves no extra room.
      if (values === undefined) values = [value];
      else values.push(value);
    }
    return values ?? [];
  }

  /** Whether there is a line with this name. */
  has(name: string): boolean {
    return this.#find(name, 0) !== -1;
  }

  /**
   * Whether the comma-separated list of all lines with this name (RFC 9110 5.6.1) contains `token`.
   * Case is ignored.
   */
  hasToken(name: string, token: string): boolean {
    for (let at = this.#find(name, 0); at !== -1; at = this.#find(name, at + 2)) {
      if (listHas(this.#text, marks[at] + 1, marks[at + 1], token)) return true;
    }
    return false;
  }

  /**
   * Adds a line at the end.
   *
   * Throws a `TypeError` if the name is not a token, or if the value contains an illegal character,
   * such as a line break (RFC 9110 5.5).
   */
  append(name: string, value: string): void {
    assertFieldName(name);
    assertFieldValue(name, value);
    this.#add(name, trimmed(value, 0, value.length));
  }

  /** The lines with their names as written, for output. */
  *lines(): Generator<[name: string, value: string], void, void> {
    const text = this.#text;
    for (let at = this.#start; hasLineAt(text, at);) {
      const colon = text.indexOf(":", at);
      const end = text.indexOf("\r", colon);
      yield [text.slice(at, colon), trimmed(text, colon + 1, end)];
      at = end + "\r\n".length;
    }
  }

  /** The lines with their names in lower case, like the web's `Headers`. */
  *[Symbol.iterator](): Generator<[name: string, value: string], void, void> {
    for (const [name, value] of this.lines()) yield [name.toLowerCase(), value];
  }

  #add(name: string, value: string): void {
    const text = this.#text;
    // Removes the empty line at the end of a head.
    const lines = text.endsWith("\r\n\r\n") ? text.slice(0, -"\r\n".length) : text;
    this.#text = `${lines}${name}: ${value}\r\n`;
    if (marked === this) marked = undefined;
  }

  /** The index of the mark of the first line with this name from `at` on, or -1. */
  #find(name: string, at: number): number {
    this.#mark();
    for (; at < marksEnd; at += 2) {
      const start = at === 0 ? this.#start : marks[at - 1] + "\r\n".length;
      if (equalsIgnoringCase(this.#text, start, marks[at], name)) return at;
    }
    return -1;
  }

  /** Finds the lines, unless this list was searched last. */
  #mark(): void {
    if (marked === this) return;
    marked = this;
    const text = this.#text;
    marksEnd = 0;
    for (let at = this.#start; hasLineAt(text, at);) {
      const colon = text.indexOf(":", at);
      const end = text.indexOf("\r", colon);
      marks[marksEnd++] = colon;
      marks[marksEnd++] = end;
      at = end + "\r\n".length;
    }
  }
}

/** Whether a line begins at a position; an empty line ends the head. */
function hasLineAt(text: string, at: number): boolean {
  return at < text.length && text.charCodeAt(at) !== CR;
}

function listHas(text: string, start: number, listEnd: number, token: string): boolean {
  while (start < listEnd) {
    let end = start;
    while (end < listEnd && text.charCodeAt(end) !== COMMA) end++;
    const next = end + 1;
    while (start < end && isWhitespace(text.charCodeAt(start))) start++;
    while (end > start && isWhitespace(text.charCodeAt(end - 1))) end--;
    if (equalsIgnoringCase(text, start, end, token)) return true;
    start = next;
  }
  return false;
}

/**
 * Whether the field `name` (case-insensitive) is part of the handshake, so that its value may
 * contain only visible ASCII, spaces and tabs. Other values may contain obs-text (RFC 9110 5.5), as
 * in cookies of older programs.
 */
export function isStrictField(name: string): boolean {
  const lower = name.toLowerCase();
  return STRICT_FIELDS.includes(lower) || lower.startsWith("sec-websocket-");
}

const STRICT_FIELDS: readonly string[] = ["host", "upgrade", "connection"];

/**
 * Whether `value` is valid in a received line of the field `name`. Characters above U+00FF count as
 * obs-text, because an HTTP implementation may have decoded the head as UTF-8.
 */
export function isReceivedValue(name: string, value: string): boolean {
  const strict = isStrictField(name);
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code >= 0x80 ? strict : (CLASSES[code] & FIELD_TEXT) === 0) return false;
  }
  return true;
}

/** Throws a `TypeError` unless `name` is a valid field name: a token (RFC 9110 5.1). */
export function assertFieldName(name: string): void {
  if (typeof name !== "string" || !isToken(name)) {
    throw new TypeError(
      `${JSON.stringify(name)} is not a header field name: only letters, digits and ` +
        "!#$%&'*+-.^_`|~ are allowed",
    );
  }
}

/**
 * Throws a `TypeError` unless `value` is a valid value of the field `name`: visible ASCII, spaces,
 * tabs and, except in a field of the handshake and in Origin, obs-text (RFC 9110 5.5), one byte per
 * character from U+0080 to U+00FF, so that a received cookie can be forwarded. CR, LF and NUL would
 * allow header injection.
 */
export function assertFieldValue(name: string, value: string): void {
  if (typeof value !== "string") {
    throw new TypeError(`The value of the header field ${name} is ${typeof value}, not a string`);
  }
  if (value === "" || consistsOf(value, FIELD_TEXT)) return;
  // An origin is ASCII by its definition (RFC 6454 6.2).
  const isStrict = isStrictField(name) || name.toLowerCase() === "origin";
  const allowed = isStrict ? FIELD_TEXT : FIELD_TEXT | OBS_TEXT;
  let at = 0;
  while ((CLASSES[value.charCodeAt(at)] & allowed) !== 0) at++;
  if (at === value.length) return;
  const code = value.charCodeAt(at).toString(16).toUpperCase().padStart(4, "0");
  throw new TypeError(
    `The value of the header field ${name} has U+${code} at index ${at}: only visible ASCII, ` +
      "spaces, tabs and U+0080 to U+00FF are allowed",
  );
}
