// The contents of long payloads: five typical kinds of files, generated deterministically, and
// three uniform ones.

import type { Filled, Payload, SourceName } from "./case.ts";

const SIZES: Record<SourceName, number> = {
  stars: 1 << 16,
  octets: 1 << 16,
  zeros: 1 << 16,
  json: 194_056,
  bitmap: 263_222,
  prose: 222_218,
  html: 263_527,
  pdf: 1_042_328,
};

/** The sources that are text. */
const TEXTS: ReadonlySet<SourceName> = new Set(["stars", "json", "html"]);

/** The description of a source, for the titles of cases. */
export const SOURCE_TITLES: Record<SourceName, string> = {
  stars: "asterisks",
  octets: "octets fe",
  zeros: "zeros",
  json: "a large JSON file (text)",
  bitmap: "a bitmap of 512x512 pixels (binary)",
  prose: "human-readable prose with umlauts (binary)",
  html: "a large HTML file (text)",
  pdf: "a large PDF file (binary)",
};

/** Numbers from 0 to 2 ** 32 - 1 that look random and are always the same (xorshift). */
export function* numbers(seed: number): Generator<number, never, void> {
  let state = seed >>> 0 || 1;
  for (;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    yield state;
  }
}

const WORDS = ("habe nun ach Philosophie Juristerei und Medizin durchaus studiert mit heissem " +
  "Bem\u00fchn da steh ich armer Tor so klug als wie zuvor gro\u00df sch\u00f6n Tr\u00e4ne der die " +
  "das ein eine nicht ist war wird Licht Welt Geist").split(" ");

function fillText(target: Uint8Array, next: () => string): void {
  const encoder = new TextEncoder();
  let at = 0;
  while (at < target.length) {
    const { written } = encoder.encodeInto(next(), target.subarray(at));
    if (written === 0) break;
    at += written;
  }
  // Without room for a whole character, a space is used.
  target.fill(0x20, at);
}

function fill(name: SourceName, target: Uint8Array): void {
  const random = numbers(name.length * 7919 + target.length);
  const pick = (count: number): number => random.next().value % count;
  const word = (): string => WORDS[pick(WORDS.length)];
  switch (name) {
    case "stars":
      target.fill(0x2a);
      break;
    case "octets":
      target.fill(0xfe);
      break;
    case "zeros":
      break;
    case "json":
      // Only ASCII, so that it may be cut anywhere and remains text.
      fillText(target, () =>
        `{"id":${pick(1e6)},"name":"${asAscii(word())} ${asAscii(word())}",` +
        `"value":${pick(1e4) / 100},"tags":["${asAscii(word())}"],"active":${pick(2) === 0}},\n`);
      break;
    case "html":
      fillText(target, () =>
        `<li class="item item-${pick(9)}"><a href="/page/${pick(1e4)}">` +
        `${asAscii(word())} ${asAscii(word())}</a> <em>${asAscii(word())}</em></li>\n`);
      break;
    case "prose":
      fillText(target, () => word() + (pick(9) === 0 ? ".\n" : " "));
      break;
    case "bitmap":
      for (let i = 0; i < target.length; i++) {
        target[i] = (i % 512 >> 2) + (i / 512 >> 3) + (pick(8) === 0 ? pick(4) : 0);
      }
      break;
    case "pdf":
      // Compressed streams between text objects.
      for (let i = 0; i < target.length; i++) {
        target[i] = i % 4096 < 512 ? 0x20 + (i % 64) : random.next().value >>> 11;
      }
      break;
  }
}

function asAscii(text: string): string {
  // deno-lint-ignore no-control-regex -- matches everything but ASCII
  return text.replace(/[^\x00-\x7f]/g, "e");
}

const made = new Map<SourceName, Uint8Array>();

/** All bytes of a source; must not be changed. */
export function sourceBytes(name: SourceName): Uint8Array {
  let bytes = made.get(name);
  if (bytes === undefined) {
    bytes = new Uint8Array(SIZES[name]);
    fill(name, bytes);
    made.set(name, bytes);
  }
  return bytes;
}

/** Whether messages of a source are text messages. */
export function isTextSource(name: SourceName): boolean {
  return TEXTS.has(name);
}

/** The size of a payload in bytes. */
export function payloadSize(payload: Payload): number {
  return payload instanceof Uint8Array ? payload.length : payload.size;
}

/** The bytes of a payload; must not be changed. */
export function payloadBytes(payload: Payload): Uint8Array {
  return payload instanceof Uint8Array ? payload : filled(payload);
}

function filled({ source, size, offset = 0 }: Filled): Uint8Array {
  const bytes = sourceBytes(source);
  const from = offset % bytes.length;
  if (from + size <= bytes.length) return bytes.subarray(from, from + size);
  const result = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const start = (from + at) % bytes.length;
    const piece = bytes.subarray(start, start + Math.min(bytes.length - start, size - at));
    result.set(piece, at);
    at += piece.length;
  }
  return result;
}
