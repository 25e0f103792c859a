// Groups 12 and 13: permessage-deflate with five kinds of payload, and with seven sets of parameters.

import { Opcode } from "@quickws/quickws/core";
import type { Case, DeflateOffer, Facts, SourceName } from "../case.ts";
import { isTextSource, SOURCE_TITLES } from "../corpus.ts";
import { echoes } from "../steps.ts";

const COUNT = 1000;
/** With `--fast`: the maximum number of messages, and of their bytes together. */
const FAST_COUNT = 20;
const FAST_BYTES = 128 * 1024;

/** Bytes of a message, and of each of its fragments; 0 is no fragments. */
const SHAPES: readonly [size: number, fragment: number][] = [
  ...[16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072].map(
    (size): [number, number] => [size, 0],
  ),
  [8192, 256],
  [16384, 256],
  [32768, 256],
  [65536, 256],
  [131072, 256],
  [131072, 1024],
  [131072, 4096],
  [131072, 32768],
];

const SOURCES: readonly SourceName[] = ["json", "bitmap", "prose", "html", "pdf"];

const PLAIN: DeflateOffer = { noContextTakeover: false, maxWindowBits: 0 };

/** The requested parameters of group 13 for the peer's messages, in order of preference. */
const OFFERS: readonly (readonly DeflateOffer[])[] = [
  [PLAIN],
  [{ noContextTakeover: true, maxWindowBits: 0 }],
  [{ noContextTakeover: false, maxWindowBits: 9 }],
  [{ noContextTakeover: false, maxWindowBits: 15 }],
  [{ noContextTakeover: true, maxWindowBits: 9 }],
  [{ noContextTakeover: true, maxWindowBits: 15 }],
  [
    { noContextTakeover: true, maxWindowBits: 9 },
    { noContextTakeover: true, maxWindowBits: 0 },
    PLAIN,
  ],
];

function described(offers: readonly DeflateOffer[]): string {
  return offers.map(({ noContextTakeover, maxWindowBits }) =>
    `${noContextTakeover ? "no takeover" : "takeover"}, ${
      maxWindowBits === 0 ? "any window" : `window of ${maxWindowBits} bits`
    }`
  ).join("; or ");
}

/** The cases of the groups 12 and 13. */
export function deflate({ fast }: Facts): Case[] {
  const cases = (
    group: string,
    source: SourceName,
    offers: readonly DeflateOffer[],
    about: string,
  ): Case[] =>
    SHAPES.map(([size, fragment], index) => {
      const count = fast ? Math.max(1, Math.min(FAST_COUNT, Math.floor(FAST_BYTES / size))) : COUNT;
      return {
        id: `${group}.${index + 1}`,
        title: `${count} compressed messages of ${size} bytes${
          fragment === 0 ? "" : ` in fragments of ${fragment}`
        }: ${about}`,
        rfc: "RFC 7692 6, 7",
        opening: { deflate: { offers } },
        ...(fast ? { shrunk: `fewer than ${COUNT} messages` } : {}),
        steps: [{
          do: "roundTrips",
          opcode: isTextSource(source) ? Opcode.Text : Opcode.Binary,
          count,
          source,
          size,
          fragment,
        }],
        outcomes: [echoes()],
      };
    });
  return [
    ...SOURCES.flatMap((source, index) =>
      cases(`12.${index + 1}`, source, [PLAIN], SOURCE_TITLES[source])
    ),
    ...OFFERS.flatMap((offers, index) =>
      cases(`13.${index + 1}`, "json", offers, described(offers))
    ),
  ];
}
