// Topics as tokens of subjects: no dot, which would divide them, no wildcard, no white space. A topic
// of the most bytes fits into a line of the protocol, which the server ends at 4096 bytes.

const ESCAPE = 0x3d;
const HEX = "0123456789ABCDEF";

const encoder = new TextEncoder();

/** Letters, digits, the hyphen and the underscore stand for themselves. */
function isPlain(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39 || byte >= 0x41 && byte <= 0x5a ||
    byte >= 0x61 && byte <= 0x7a || byte === 0x2d || byte === 0x5f;
}

/** The token that stands for a topic, and for no other: other bytes of UTF-8 are written `=2E`. */
export function topicToken(topic: string): string {
  let token = "";
  for (const byte of encoder.encode(topic)) {
    token += isPlain(byte)
      ? String.fromCharCode(byte)
      : String.fromCharCode(ESCAPE) + HEX[byte >> 4] + HEX[byte & 0xf];
  }
  return token;
}

/** Whether a text can stand before a token: tokens of plain characters, each with a dot behind it. */
export function isSubjectPrefix(prefix: string): boolean {
  return /^([A-Za-z0-9_-]+\.)+$/.test(prefix);
}

/** Whether a text is a token of plain characters. */
export function isToken(text: string): boolean {
  return /^[A-Za-z0-9_-]+$/.test(text);
}
