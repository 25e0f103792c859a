// Topics as tokens of NATS subjects: no dot, which separates tokens, no wildcard, no white space. The
// token of the longest topic fits into a line of the protocol, which the server limits to 4096 bytes.

const ESCAPE = 0x3d;
const HEX = "0123456789ABCDEF";

const encoder = new TextEncoder();

/** Letters, digits, the hyphen and the underscore stay as they are. */
function isPlain(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39 || byte >= 0x41 && byte <= 0x5a ||
    byte >= 0x61 && byte <= 0x7a || byte === 0x2d || byte === 0x5f;
}

/** The token of a topic, and of no other: all other bytes of its UTF-8 are written like `=2E`. */
export function topicToken(topic: string): string {
  let token = "";
  for (const byte of encoder.encode(topic)) {
    token += isPlain(byte)
      ? String.fromCharCode(byte)
      : String.fromCharCode(ESCAPE) + HEX[byte >> 4] + HEX[byte & 0xf];
  }
  return token;
}

/** Whether a text is a prefix of subjects: tokens of plain characters, each followed by a dot. */
export function isSubjectPrefix(prefix: string): boolean {
  return /^([A-Za-z0-9_-]+\.)+$/.test(prefix);
}

/** Whether a text is the name of a stream that the option `stream` accepts. */
export function isStreamName(text: string): boolean {
  return /^[A-Za-z0-9_-]+$/.test(text);
}

/** The default stream of a prefix, and of no other: `=` stands for a dot between tokens. */
export function streamOfPrefix(prefix: string): string {
  return prefix.slice(0, -1).replaceAll(".", "=");
}
