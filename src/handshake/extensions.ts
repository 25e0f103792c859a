/*
 * The grammar of Sec-WebSocket-Extensions (RFC 6455 9.1) in offers and responses, without the
 * semantics of any extension.
 */

import { HandshakeError } from "../errors.ts";
import { CLASSES, isToken, isWhitespace, TOKEN } from "./characters.ts";

/**
 * One parameter of an extension: `name`, `name=value` or `name="value"`.
 *
 * @category Handshake
 */
export interface ExtensionParameter {
  /** The parameter's name. */
  readonly name: string;
  /** Its value without quotes, or `undefined` if it has none. */
  readonly value: string | undefined;
  /** Whether the value was written as a quoted string. */
  readonly quoted: boolean;
}

/**
 * One element of the list: an extension's name and its parameters, in their order.
 *
 * @category Handshake
 */
export interface Extension {
  /** The extension's name. */
  readonly name: string;
  /** Its parameters; duplicates are listed twice. */
  readonly parameters: readonly ExtensionParameter[];
}

const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Parses the `Sec-WebSocket-Extensions` lines of a head (RFC 6455 9.1), in their order.
 *
 * Empty list elements are skipped (RFC 9110 5.6.1.2), white space is allowed around every separator
 * (the implied *LWS rule). Without lines the list is empty. Any other grammar violation, including
 * a field without an extension, throws a `HandshakeError` `HEAD_MALFORMED` with status 400.
 *
 * @param values The field's values, one for each line.
 *
 * @example
 * ```ts
 * import { parseExtensions } from "@quickws/quickws/core";
 *
 * const [offer] = parseExtensions(["permessage-deflate; client_max_window_bits"]);
 * console.log(offer.name, offer.parameters[0].name); // permessage-deflate client_max_window_bits
 * ```
 *
 * @category Handshake
 */
export function parseExtensions(values: readonly string[]): Extension[] {
  const extensions: Extension[] = [];
  for (const value of values) new ExtensionScanner(value).list(extensions);
  if (values.length > 0 && extensions.length === 0) {
    throw malformed("it names no extension");
  }
  return extensions;
}

/**
 * Writes a `Sec-WebSocket-Extensions` value; {@linkcode parseExtensions} returns the same list.
 *
 * A name or value that is not a token is a `TypeError`.
 *
 * @example
 * ```ts
 * import { formatExtensions } from "@quickws/quickws/core";
 *
 * const parameters = [{ name: "server_max_window_bits", value: "12", quoted: false }];
 * console.log(formatExtensions([{ name: "permessage-deflate", parameters }]));
 * // permessage-deflate; server_max_window_bits=12
 * ```
 *
 * @category Handshake
 */
export function formatExtensions(extensions: readonly Extension[]): string {
  return extensions.map((extension) => {
    let text = token(extension.name);
    for (const { name, value, quoted } of extension.parameters) {
      text += "; " + token(name);
      if (value !== undefined) text += quoted ? `="${token(value)}"` : "=" + token(value);
    }
    return text;
  }).join(", ");
}

function token(text: string): string {
  if (!isToken(text)) {
    throw new TypeError(`${JSON.stringify(text)} is not a token, as an extension's parts must be`);
  }
  return text;
}

function malformed(what: string): HandshakeError {
  return new HandshakeError("HEAD_MALFORMED", `Sec-WebSocket-Extensions is malformed: ${what}`, {
    status: 400,
  });
}

/** Scans one line from left to right; every method starts and ends after white space. */
class ExtensionScanner {
  #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** extension-list = 1#extension */
  list(extensions: Extension[]): void {
    this.#skipWhitespace();
    while (this.#position < this.#text.length) {
      if (this.#skip(COMMA)) continue;
      extensions.push(this.#extension());
      if (this.#position < this.#text.length && !this.#skip(COMMA)) {
        throw this.#unexpected("a comma or a semicolon");
      }
    }
  }

  /** extension = extension-token *( ";" extension-param ) */
  #extension(): Extension {
    const name = this.#token();
    const parameters: ExtensionParameter[] = [];
    while (this.#skip(SEMICOLON)) parameters.push(this.#parameter());
    return { name, parameters };
  }

  /** extension-param = token [ "=" ( token | quoted-string ) ] */
  #parameter(): ExtensionParameter {
    const name = this.#token();
    if (!this.#skip(EQUALS)) return { name, value: undefined, quoted: false };
    const quoted = this.#text.charCodeAt(this.#position) === QUOTE;
    return { name, value: quoted ? this.#quotedString() : this.#token(), quoted };
  }

  #token(): string {
    const text = this.#text;
    const start = this.#position;
    let end = start;
    while (end < text.length && (CLASSES[text.charCodeAt(end)] & TOKEN) !== 0) end++;
    if (end === start) throw this.#unexpected("a token");
    this.#position = end;
    const found = text.slice(start, end);
    this.#skipWhitespace();
    return found;
  }

  /** A quoted string; its unquoted value must be a token (RFC 6455 9.1). */
  #quotedString(): string {
    let value = "";
    this.#position++;
    while (this.#text.charCodeAt(this.#position) !== QUOTE) {
      if (this.#text.charCodeAt(this.#position) === BACKSLASH) this.#position++;
      if ((CLASSES[this.#text.charCodeAt(this.#position)] & TOKEN) === 0) {
        throw this.#unexpected("a token's character in the quoted string");
      }
      value += this.#text[this.#position++];
    }
    if (value === "") throw this.#unexpected("a token in the quoted string");
    this.#position++;
    this.#skipWhitespace();
    return value;
  }

  #skip(separator: number): boolean {
    if (this.#text.charCodeAt(this.#position) !== separator) return false;
    this.#position++;
    this.#skipWhitespace();
    return true;
  }

  #skipWhitespace(): void {
    while (isWhitespace(this.#text.charCodeAt(this.#position))) this.#position++;
  }

  #unexpected(wanted: string): HandshakeError {
    return malformed(`expected ${wanted} at index ${this.#position}`);
  }
}
