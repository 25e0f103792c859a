/*
 * The character classes of HTTP's grammar: one table maps a byte (or char code) to a set of bits.
 * Bytes above 0x7F occur only as opaque parts of a field value or reason phrase (obs-text).
 */

/** The bit of the characters of a token (RFC 9110 5.6.2, the `token` of RFC 6455 too). */
export const TOKEN = 1;
/** The bit of the characters of a field value: VCHAR, SP and HTAB (RFC 9110 5.5). */
export const FIELD_TEXT = 2;
/** The bit of the visible characters, 0x21 to 0x7E. */
export const VISIBLE = 4;
/** The bit of the characters of base64 without its padding (RFC 4648 section 4). */
export const BASE64 = 8;
/** The bit of the characters of a registered name or an IPv4 address (RFC 3986 3.2.2). */
export const HOST_NAME = 16;
/** The bit of the hexadecimal digits. */
export const HEX_DIGIT = 32;
/** The bit of the decimal digits. */
export const DIGIT = 64;
/** The bit of obs-text, the bytes 0x80 to 0xFF, which are opaque (RFC 9110 5.5). */
export const OBS_TEXT = 128;

/** The classes of every byte. Char codes above 255 have no class. */
export const CLASSES: Uint8Array = buildClasses();

function buildClasses(): Uint8Array {
  const digits = "0123456789";
  const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const classes = new Uint8Array(256);
  const add = (characters: string, bits: number): void => {
    for (let i = 0; i < characters.length; i++) classes[characters.charCodeAt(i)] |= bits;
  };
  add(digits + letters, TOKEN | BASE64 | HOST_NAME);
  add("!#$%&'*+-.^_`|~", TOKEN);
  add("+/", BASE64);
  // unreserved and sub-delims. Not pct-encoded: clients do not send it, and it may decode to
  // anything, such as NUL or another host.
  add("-._~!$&'()*+,;=", HOST_NAME);
  add(digits + "abcdefABCDEF", HEX_DIGIT);
  add(digits, DIGIT);
  add("\t ", FIELD_TEXT);
  for (let code = 0x21; code <= 0x7e; code++) classes[code] |= VISIBLE | FIELD_TEXT;
  classes.fill(OBS_TEXT, 0x80);
  return classes;
}

/** Whether `text` is not empty and all its characters have the class `bit`. */
export function consistsOf(text: string, bit: number): boolean {
  for (let i = 0; i < text.length; i++) {
    if ((CLASSES[text.charCodeAt(i)] & bit) === 0) return false;
  }
  return text.length > 0;
}

/** Whether `text` is a token (RFC 9110 5.6.2). */
export function isToken(text: string): boolean {
  return consistsOf(text, TOKEN);
}

/** Whether `code` is SP or HTAB, the optional white space of HTTP (RFC 9110 5.6.3). */
export function isWhitespace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** `text.slice(start, end)` without white space at both ends (RFC 9110 5.5). */
export function trimmed(text: string, start: number, end: number): string {
  while (start < end && isWhitespace(text.charCodeAt(start))) start++;
  while (end > start && isWhitespace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/**
 * Whether `text.slice(start, end)` equals `other`, ignoring ASCII case only, as HTTP requires:
 * `toLowerCase` would convert the Kelvin sign to k.
 */
export function equalsIgnoringCase(
  text: string,
  start: number,
  end: number,
  other: string,
): boolean {
  if (end - start !== other.length) return false;
  for (let i = 0; i < other.length; i++) {
    const a = text.charCodeAt(start + i);
    const b = other.charCodeAt(i);
    if (a !== b && lowerCase(a) !== lowerCase(b)) return false;
  }
  return true;
}

function lowerCase(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
}
