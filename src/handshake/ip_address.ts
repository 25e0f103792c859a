// IP addresses from their text (RFC 4291 2.2), to tell them from host names.

/** The 4 or 16 bytes of an address, or `undefined` when the text is none. */
export function parseIpAddress(text: string): number[] | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = parts.map(parseDecimal);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseIpv6(text: string): number[] | undefined {
  // "::" stands once, for as many zero groups as are missing.
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

/** The bytes of groups between colons. Those that end the address may end with an IPv4 address. */
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
    const group = parseDigits(groups[i], 16, 4);
    if (Number.isNaN(group)) return undefined;
    bytes.push(group >>> 8, group & 0xff);
  }
  return bytes;
}

/** A byte of an IPv4 address. With a leading zero it is refused: to some that says octal. */
function parseDecimal(text: string): number {
  return text.length > 1 && text[0] === "0" ? NaN : parseDigits(text, 10, 3);
}

const DIGITS = "0123456789abcdef";

/** The number that the digits write, or `NaN` when they are none or too many. */
function parseDigits(text: string, base: number, most: number): number {
  if (text.length === 0 || text.length > most) return NaN;
  let value = 0;
  for (const character of text.toLowerCase()) {
    const digit = DIGITS.indexOf(character);
    if (digit === -1 || digit >= base) return NaN;
    value = value * base + digit;
  }
  return value;
}
