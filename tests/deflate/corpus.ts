// Generates messages to compress from a seed: typical application records, prose, binary
// structures, and random bytes.

import type { Random } from "../support/random.ts";

/** The kind of data in a message. */
export type Kind = "json" | "text" | "binary" | "random";

/** All kinds. */
export const kinds: readonly Kind[] = ["json", "text", "binary", "random"];

/** Generates a message of `size` bytes. */
export function message(random: Random, kind: Kind, size: number): Uint8Array {
  switch (kind) {
    case "json":
      return jsonMessage(random, size);
    case "text":
      return textMessage(random, size);
    case "binary":
      return binaryMessage(random, size);
    case "random":
      return random.bytes(size);
  }
}

/** Returns a random size up to `largest`. Every order of magnitude is equally likely. */
export function anySize(random: Random, largest: number): number {
  return random.below(1 + random.below(1 + random.below(largest)));
}

const given = [
  "Ada",
  "Alan",
  "Barbara",
  "Dennis",
  "Edsger",
  "Grace",
  "Hedy",
  "Ken",
  "Radia",
  "Tim",
];
const family = [
  "Allen",
  "Cerf",
  "Dijkstra",
  "Floyd",
  "Hopper",
  "Knuth",
  "Lamarr",
  "Liskov",
  "Pike",
];
const words = [
  ..."the of and to in is that for it as was with be by on not he his but at are this have".split(
    " ",
  ),
  ..."signal market order cancel update trade price volume state ready retry queue server".split(
    " ",
  ),
  ..."window frame buffer stream quick message payload header socket client history".split(" "),
];
const encoder = new TextEncoder();

function jsonMessage(random: Random, size: number): Uint8Array {
  let text = "[";
  while (text.length < size) text += JSON.stringify(record(random)) + ",";
  return encoder.encode(text.slice(0, size));
}

function record(random: Random): unknown {
  switch (random.below(4)) {
    case 0:
      return {
        id: uuid(random),
        type: "user",
        name: `${random.pick(given)} ${random.pick(family)}`,
        email: `${random.pick(family).toLowerCase()}${random.below(1000)}@example.org`,
        active: random.below(2) === 0,
        created: moment(random),
        tags: [random.pick(words), random.pick(words)],
      };
    case 1:
      return {
        seq: random.below(1e6),
        symbol: random.pick(words).toUpperCase(),
        price: random.below(1e6) / 100,
        size: random.below(5000),
        side: random.below(2) === 0 ? "buy" : "sell",
        ts: 1.6e12 + random.below(1e9),
      };
    case 2:
      return {
        level: random.pick(["info", "warn", "error"]),
        time: moment(random),
        msg: Array.from({ length: 4 + random.below(8) }, () => random.pick(words)).join(" "),
        pid: random.below(32768),
        trace: hex(random, 16),
      };
    default:
      return {
        orderId: random.below(1e8),
        status: random.pick(["pending", "active", "done", "failed"]),
        customer: { first: random.pick(given), last: random.pick(family) },
        items: Array.from({ length: 1 + random.below(3) }, () => ({
          sku: hex(random, 8),
          qty: 1 + random.below(9),
          price: random.below(10000) / 100,
        })),
        lat: random.below(180000000) / 1e6 - 90,
        lon: random.below(360000000) / 1e6 - 180,
      };
  }
}

function hex(random: Random, digits: number): string {
  let text = "";
  while (text.length < digits) text += random.below(16).toString(16);
  return text;
}

function uuid(random: Random): string {
  return [8, 4, 4, 4, 12].map((digits) => hex(random, digits)).join("-");
}

function moment(random: Random): string {
  const two = (limit: number) => String(random.below(limit)).padStart(2, "0");
  return `2025-${two(12)}-${two(28)}T${two(24)}:${two(60)}:${two(60)}.${random.below(1000)}Z`;
}

function textMessage(random: Random, size: number): Uint8Array {
  let text = "";
  while (text.length < size) {
    // Some words are more frequent than others.
    text += words[random.below(1 + random.below(words.length))];
    text += random.below(9) === 0 ? ". " : " ";
  }
  return encoder.encode(text.slice(0, size));
}

/** Generates runs, NULs, counters, copies of earlier data at any distance, and random bytes. */
function binaryMessage(random: Random, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const end = Math.min(size, at + 1 + random.below(1 + random.below(400)));
    const kind = random.below(5);
    const step = 1 + random.below(1 + random.below(at + 1));
    const byte = random.below(2) === 0 ? 0 : random.below(256);
    for (; at < end; at++) {
      if (kind === 0) bytes[at] = byte;
      else if (kind === 1 && at >= step) bytes[at] = bytes[at - step];
      else if (kind === 2) bytes[at] = at & 3 ? 0 : at >> 2;
      else if (kind === 3) bytes[at] = random.below(4);
      else bytes[at] = random.below(256);
    }
  }
  return bytes;
}
