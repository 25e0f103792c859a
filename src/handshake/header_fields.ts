/*
 * The header fields of one head: an ordered list of lines. It is searched, not indexed: a head has
 * few lines, and no object is ever keyed by a string of the peer's.
 */

import type { HeaderView } from "../errors.ts";
import {
  CLASSES,
  consistsOf,
  equalsIgnoringCase,
  FIELD_TEXT,
  isToken,
  isWhitespace,
  trimmed,
} from "./characters.ts";

/** What a compact list has instead of its arrays; nothing is ever added to it. */
const NO_STRINGS: string[] = [];

/**
 * The header fields of an HTTP head, in their order, repeated lines kept apart.
 *
 * Names are compared without regard to case. `new Headers(fields)` makes a web `Headers` of it.
 *
 * @example
 * ```ts
 * import { HeaderFields } from "@quickws/quickws/core";
 *
 * const fields = new HeaderFields([["Connection", "keep-alive"], ["connection", "Upgrade"]]);
 * console.log(fields.get("CONNECTION")); // keep-alive, Upgrade
 * console.log(fields.hasToken("connection", "upgrade")); // true
 * ```
 */
export class HeaderFields implements HeaderView {
  #names: string[] = [];
  #values: string[] = [];
  /** The lines as they stood in the head, for {@linkcode HeaderFields.compact}. */
  #source: string | undefined;
  /** Whether there is only the source just now. */
  #compact = false;

  /**
   * Makes a list of fields of our own.
   *
   * @param lines Fields of our own making, each given to {@linkcode HeaderFields.append}.
   */
  constructor(lines?: Iterable<readonly [name: string, value: string]>) {
    if (lines !== undefined) {
      for (const [name, value] of lines) this.append(name, value);
    }
  }

  /**
   * Takes over the lines of a parsed head, whose names and values the parser has checked already.
   *
   * @param names The names as they were written.
   * @param values Their values, without the white space around them; as many as names.
   * @param source All lines as they stood in the head, each with its CRLF, where there is such a text.
   */
  static fromParsed(names: string[], values: string[], source?: string): HeaderFields {
    const fields = new HeaderFields();
    fields.#names = names;
    fields.#values = values;
    fields.#source = source;
    return fields;
  }

  /** How many lines there are. */
  get size(): number {
    this.#expand();
    return this.#names.length;
  }

  /**
   * Keeps the lines of a parsed head as the one text they came as, for a connection that is open for
   * long; the next look-up takes them apart again.
   */
  compact(): void {
    if (this.#source === undefined) return;
    this.#names = this.#values = NO_STRINGS;
    this.#compact = true;
  }

  /** The value of the field, repeated lines joined by `", "` (RFC 9110 5.3), or `null`. */
  get(name: string): string | null {
    this.#expand();
    let joined: string | null = null;
    for (let i = 0; i < this.#names.length; i++) {
      if (!isNamed(this.#names[i], name)) continue;
      joined = joined === null ? this.#values[i] : joined + ", " + this.#values[i];
    }
    return joined;
  }

  /** The values of all lines with this name, in their order; empty where there is none. */
  getAll(name: string): string[] {
    this.#expand();
    let values: string[] | undefined;
    for (let i = 0; i < this.#names.length; i++) {
      if (!isNamed(this.#names[i], name)) continue;
      if (values === undefined) values = [this.#values[i]];
      else values.push(this.#values[i]);
    }
    return values ?? [];
  }

  /** Whether there is a line with this name. */
  has(name: string): boolean {
    this.#expand();
    for (let i = 0; i < this.#names.length; i++) {
      if (isNamed(this.#names[i], name)) return true;
    }
    return false;
  }

  /**
   * Whether the comma-separated list that all lines with this name make up (RFC 9110 5.6.1) has
   * the element `token`. Case is ignored.
   */
  hasToken(name: string, token: string): boolean {
    this.#expand();
    for (let i = 0; i < this.#names.length; i++) {
      if (isNamed(this.#names[i], name) && listHas(this.#values[i], token)) return true;
    }
    return false;
  }

  /**
   * Adds a line of our own making at the end.
   *
   * Throws a `TypeError` where the name is not a token, or where the value has a character that
   * may not stand in a head: nothing in it can end the line or the head (RFC 9110 5.5).
   */
  append(name: string, value: string): void {
    assertFieldName(name);
    assertFieldValue(name, value);
    this.#expand();
    this.#source = undefined;
    this.#names.push(name);
    this.#values.push(trimmed(value, 0, value.length));
  }

  /** The lines with their names as they were written, for writing them into a head. */
  *lines(): Generator<[name: string, value: string], void, void> {
    this.#expand();
    for (let i = 0; i < this.#names.length; i++) yield [this.#names[i], this.#values[i]];
  }

  /** The lines with their names in lower case, as the web's `Headers` has them. */
  *[Symbol.iterator](): Generator<[name: string, value: string], void, void> {
    for (const [name, value] of this.lines()) yield [name.toLowerCase(), value];
  }

  /** Undoes {@linkcode HeaderFields.compact}. */
  #expand(): void {
    if (!this.#compact) return;
    this.#compact = false;
    this.#names = [];
    this.#values = [];
    const source = this.#source!;
    for (let at = 0; at < source.length;) {
      const colon = source.indexOf(":", at);
      const end = source.indexOf("\r", colon);
      this.#names.push(source.slice(at, colon));
      this.#values.push(trimmed(source, colon + 1, end));
      at = end + "\r\n".length;
    }
  }
}

function isNamed(written: string, name: string): boolean {
  return equalsIgnoringCase(written, 0, written.length, name);
}

function listHas(list: string, token: string): boolean {
  let start = 0;
  while (start < list.length) {
    let end = list.indexOf(",", start);
    if (end === -1) end = list.length;
    const next = end + 1;
    while (start < end && isWhitespace(list.charCodeAt(start))) start++;
    while (end > start && isWhitespace(list.charCodeAt(end - 1))) end--;
    if (equalsIgnoringCase(list, start, end, token)) return true;
    start = next;
  }
  return false;
}

/**
 * Throws a `TypeError` unless `name` can be written as a field's name: a token (RFC 9110 5.1).
 */
export function assertFieldName(name: string): void {
  if (typeof name !== "string" || !isToken(name)) {
    throw new TypeError(
      `${JSON.stringify(name)} is not a header field name: only letters, digits and ` +
        "!#$%&'*+-.^_`|~ may stand in it",
    );
  }
}

/**
 * Throws a `TypeError` unless `value` can be written as the value of the field `name`: visible
 * ASCII, spaces and tabs. CR, LF and NUL would let the value write lines of its own, and beyond
 * ASCII no two HTTP implementations agree (RFC 9110 5.5).
 */
export function assertFieldValue(name: string, value: string): void {
  if (typeof value !== "string") {
    throw new TypeError(`The value of the header field ${name} is ${typeof value}, not a string`);
  }
  if (value === "" || consistsOf(value, FIELD_TEXT)) return;
  let at = 0;
  while ((CLASSES[value.charCodeAt(at)] & FIELD_TEXT) !== 0) at++;
  const code = value.charCodeAt(at).toString(16).toUpperCase().padStart(4, "0");
  throw new TypeError(
    `The value of the header field ${name} has U+${code} at index ${at}: only visible ASCII, ` +
      "spaces and tabs may stand in it",
  );
}
