// Parses and formats IP addresses (RFC 4291 2.2, RFC 5952).

import { CLASSES, consistsOf, DIGIT, HEX_DIGIT } from "./characters.ts";

const DOT = 0x2e;
const ZERO = 0x30;

/** Parses an address to 4 or 16 bytes; `undefined` if the text is not an address. */
export function parseIpAddress(text: string): number[] | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/**
 * Formats an address of 4 or 16 bytes in the canonical form of RFC 5952. An IPv4-mapped IPv6
 * address becomes the IPv4 address (RFC 4291 2.5.5.2).
 */
export function formatIpAddress(bytes: readonly number[]): string {
  const short = unmapped(bytes);
  if (short.length === 4) return short.join(".");
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(short[i] << 8 | short[i + 1]);
  // The first of the longest runs of two or more zeros becomes "::".
  let start = 0;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) [start, length] = [i, end - i];
  }
  const text = (part: number[]): string => part.map((group) => group.toString(16)).join(":");
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

/** Converts an IPv4-mapped IPv6 address to its 4 bytes; returns others unchanged. */
export function unmapped(bytes: readonly number[]): readonly number[] {
  if (bytes.length !== 16 || bytes[10] !== 0xff || bytes[11] !== 0xff) return bytes;
  return bytes.slice(0, 10).every((byte) => byte === 0) ? bytes.slice(12) : bytes;
}

function parseIpv4(text: string): number[] | undefined {
  const bytes = [0, 0, 0, 0];
  let count = 0;
  /** The number so far; -1 before its first digit. */
  let byte = -1;
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : DOT;
    if (code === DOT) {
      if (byte === -1 || count === 4) return undefined;
      bytes[count++] = byte;
      byte = -1;
    } else {
      // A leading zero is rejected, because some parsers read it as octal.
      if ((CLASSES[code] & DIGIT) === 0 || byte === 0) return undefined;
      byte = (byte === -1 ? 0 : byte * 10) + code - ZERO;
      if (byte > 255) return undefined;
    }
  }
  return count === 4 ? bytes : undefined;
}

function parseIpv6(text: string): number[] | undefined {
  // "::" occurs at most once, and replaces the missing zero groups.
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const compressed = halves.length === 2;
  const head = parseGroups(halves[0], !compressed);
  const tail = parseGroups(halves[1] ?? "", true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (compressed ? missing < 2 : missing !== 0) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** The bytes of groups between colons. The last groups may end with an IPv4 address. */
function parseGroups(text: string, endsAddress: boolean): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (let i = 0; i < groups.length; i++) {
    if (endsAddress && i === groups.length - 1 && groups[i].includes(".")) {
      const embedded = parseIpv4(groups[i]);
      if (embedded === undefined) return undefined;
      bytes.push(...embedded);
      continue;
    }
    if (groups[i].length > 4 || !consistsOf(groups[i], HEX_DIGIT)) return undefined;
    const group = Number.parseInt(groups[i], 16);
    bytes.push(group >>> 8, group & 0xff);
  }
  return bytes;
}
