/* Base64 of short byte strings (RFC 4648 section 4), as the opening handshake needs it. */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PADDING = 0x3d;

const codes: Uint8Array = new Uint8Array(64);
for (let i = 0; i < 64; i++) codes[i] = ALPHABET.charCodeAt(i);

/**
 * The base64 text of `bytes`, padded.
 */
export function encodeBase64(bytes: Uint8Array): string {
  const characters = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  writeBase64(bytes, characters, 0);
  let text = "";
  for (let i = 0; i < characters.length; i++) text += String.fromCharCode(characters[i]);
  return text;
}

/** Writes the base64 characters of `bytes` into `target` from `offset` on. */
export function writeBase64(bytes: Uint8Array, target: Uint8Array, offset: number): void {
  let at = offset;
  let i = 0;
  for (; i + 2 < bytes.length; i += 3) {
    const group = (bytes[i] << 16) | (bytes[i + 1] << 8) | bytes[i + 2];
    target[at++] = codes[group >> 18];
    target[at++] = codes[(group >> 12) & 63];
    target[at++] = codes[(group >> 6) & 63];
    target[at++] = codes[group & 63];
  }
  const left = bytes.length - i;
  if (left === 0) return;
  const group = (bytes[i] << 16) | (left === 2 ? bytes[i + 1] << 8 : 0);
  target[at++] = codes[group >> 18];
  target[at++] = codes[(group >> 12) & 63];
  target[at++] = left === 2 ? codes[(group >> 6) & 63] : PADDING;
  target[at] = PADDING;
}
