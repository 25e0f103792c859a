/* What the user may put into the heads we write, and how a head becomes bytes. */

import { consistsOf, DIGIT, HOST_NAME, IPV6, VISIBLE } from "./characters.ts";
import { HeaderFields } from "./header_fields.ts";

/** Names and values, as a `Headers`, a `Map`, a {@linkcode HeaderFields} or an array has them. */
export type FieldLines = Iterable<readonly [name: string, value: string]>;

const encoder: TextEncoder = new TextEncoder();

/** The bytes of `head`, which must be ASCII, followed by those of `body`. */
export function encodeHead(head: string, body?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(head.length + (body?.length ?? 0));
  writeAscii(head, bytes, 0);
  if (body !== undefined) bytes.set(body, head.length);
  return bytes;
}

/** Writes `text`, which must be ASCII, into `target` from `offset` on. */
export function writeAscii(text: string, target: Uint8Array, offset: number): void {
  for (let i = 0; i < text.length; i++) target[offset + i] = text.charCodeAt(i);
}

/** The bytes of a body. */
export function encodeBody(body: string | Uint8Array | undefined): Uint8Array {
  return typeof body === "string" ? encoder.encode(body) : body ?? new Uint8Array(0);
}

/**
 * The user's own fields, checked. Throws a `TypeError` for a field that cannot be written and for
 * one that is ours to set.
 *
 * @param headers The user's fields.
 * @param reserved Fields the user may not set, in lower case, each with what to do instead.
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

/** The lines of `fields` as they stand in a head. */
export function formatFields(fields: HeaderFields): string {
  let text = "";
  for (const [name, value] of fields.lines()) text += `${name}: ${value}\r\n`;
  return text;
}

/**
 * Whether `host` can be the value of a Host field: a host with or without a port (RFC 9110 7.2).
 * User information, a path or white space would make it mean something else where it is used.
 */
export function isHost(host: string): boolean {
  let end: number;
  if (host.startsWith("[")) {
    end = host.indexOf("]") + 1;
    if (!consistsOf(host.slice(1, Math.max(end - 1, 1)), IPV6)) return false;
  } else {
    end = host.indexOf(":");
    if (end === -1) end = host.length;
    if (!consistsOf(host.slice(0, end), HOST_NAME)) return false;
  }
  if (end === host.length) return true;
  const port = host.slice(end + 1);
  return host[end] === ":" && (port === "" || consistsOf(port, DIGIT)) && Number(port) < 65536;
}

/** Whether `target` is a path with or without a query, in visible ASCII (RFC 9112 3.2.1). */
export function isOriginForm(target: string): boolean {
  // RFC 6455 section 3: a fragment must not be used.
  return target.charCodeAt(0) === 0x2f && consistsOf(target, VISIBLE) && !target.includes("#");
}
