/* Validates the user's values in outgoing heads, and encodes heads. */

import { consistsOf, DIGIT, HEX_DIGIT, HOST_NAME, VISIBLE } from "./characters.ts";
import { HeaderFields } from "./header_fields.ts";
import { parseIpAddress } from "./ip_address.ts";

/**
 * Names and values: a `Headers`, a `Map`, a {@linkcode HeaderFields} or an array of pairs.
 *
 * @category Handshake
 */
export type FieldLines = Iterable<readonly [name: string, value: string]>;

const encoder: TextEncoder = new TextEncoder();

/** Encodes `head`, one byte per character (none above U+00FF), followed by `body`. */
export function encodeHead(head: string, body?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(head.length + (body?.length ?? 0));
  writeAscii(head, bytes, 0);
  if (body !== undefined) bytes.set(body, head.length);
  return bytes;
}

/** Writes `text`, one byte per character, into `target` at `offset`. */
export function writeAscii(text: string, target: Uint8Array, offset: number): void {
  for (let i = 0; i < text.length; i++) target[offset + i] = text.charCodeAt(i);
}

/**
 * Encodes a body.
 *
 * @throws {TypeError} Unless it is a string or bytes.
 */
export function encodeBody(body: string | Uint8Array | undefined): Uint8Array {
  if (body === undefined) return new Uint8Array(0);
  if (typeof body === "string") return encoder.encode(body);
  if (body instanceof Uint8Array) return body;
  const got = body === null ? "null" : `a value of type ${typeof body}`;
  throw new TypeError(`The body of a response must be a string or a Uint8Array, got ${got}`);
}

/**
 * Validates the user's fields. Throws a `TypeError` for a field that is invalid or set by the
 * library.
 *
 * @param headers The user's fields.
 * @param reserved Fields that the user must not set, in lower case, each with its alternative.
 */
export function userFields(
  headers: FieldLines,
  reserved: ReadonlyMap<string, string>,
): HeaderFields {
  const fields = new HeaderFields(headers);
  for (const [name] of fields.lines()) {
    const instead = reserved.get(name.toLowerCase());
    if (instead !== undefined) {
      throw new TypeError(`The header field ${name} cannot be given in headers: ${instead}`);
    }
  }
  return fields;
}

/** Formats the lines of `fields`. */
export function formatFields(fields: HeaderFields): string {
  let text = "";
  for (const [name, value] of fields.lines()) text += `${name}: ${value}\r\n`;
  return text;
}

/** The last valid host: most requests have the same. */
let knownHost = "";

/**
 * Whether `host` is a valid Host value: a host with or without a port (RFC 9110 7.2). User
 * information, a path or white space would change its meaning; `999.1.1.1`, `[1:2]` and `a%00b` are
 * not valid in a URL.
 */
export function isHost(host: string): boolean {
  if (host === knownHost && host !== "") return true;
  const isValid = checkHost(host);
  if (isValid) knownHost = host;
  return isValid;
}

function checkHost(host: string): boolean {
  const { name, port } = splitHost(host);
  if (port !== undefined && !(port === "" || consistsOf(port, DIGIT) && Number(port) < 65536)) {
    return false;
  }
  if (name.startsWith("[")) {
    // An IPv4 address in brackets is invalid.
    return name.endsWith("]") && parseIpAddress(name.slice(1, -1))?.length === 16;
  }
  return consistsOf(name, HOST_NAME) &&
    (!endsInNumber(name) || parseIpAddress(withoutFinalDot(name)) !== undefined);
}

/** A host and the port after its last colon; `undefined` without a colon. */
export function splitHost(host: string): { name: string; port: string | undefined } {
  // The colons of an IPv6 address are in brackets.
  const colon = host.indexOf(":", host.lastIndexOf("]") + 1);
  if (colon === -1) return { name: host, port: undefined };
  return { name: host.slice(0, colon), port: host.slice(colon + 1) };
}

/** Whether the last label makes a name an IPv4 address by the WHATWG URL Standard (5.1). */
function endsInNumber(name: string): boolean {
  const whole = withoutFinalDot(name);
  const last = whole.slice(whole.lastIndexOf(".") + 1);
  if (consistsOf(last, DIGIT) || last.toLowerCase() === "0x") return true;
  return last.slice(0, 2).toLowerCase() === "0x" && consistsOf(last.slice(2), HEX_DIGIT);
}

function withoutFinalDot(name: string): string {
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

/** Whether `target` is a path with or without a query, in visible ASCII (RFC 9112 3.2.1). */
export function isOriginForm(target: string): boolean {
  // RFC 6455 section 3: a fragment must not be used.
  return target.charCodeAt(0) === 0x2f && consistsOf(target, VISIBLE) && !target.includes("#");
}
