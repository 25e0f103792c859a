// Groups 9 and 10: large messages, many fragments, small chunks and many round trips.

import { Opcode } from "@quickws/quickws/core";
import type { Case, Facts, FrameStep, Payload, SourceName } from "../case.ts";
import {
  echoes,
  expectBinary,
  expectText,
  fragments,
  fragmentSizes,
  frame,
  inOneWrite,
} from "../steps.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

const MESSAGE_SIZES = [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB];
const FRAGMENT_SIZES = [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB];
const CHUNK_SIZES = [64, 128, 256, 512, 1024, 2048];
const ROUND_TRIP_SIZES = [0, 16, 64, 256, 1024, 4096];
const ROUND_TRIPS = 1000;

/** With `--fast`: the largest message, the one sent in small chunks, and the number of round trips. */
const FAST_SIZE = MIB;
const FAST_CHUNKED_SIZE = 256 * KIB;
const FAST_ROUND_TRIPS = 100;

const KINDS = [
  { name: "text", opcode: Opcode.Text, source: "stars", expected: expectText },
  { name: "binary", opcode: Opcode.Binary, source: "octets", expected: expectBinary },
] as const;

function sized(bytes: number): string {
  return bytes >= MIB ? `${bytes / MIB} MiB` : bytes >= KIB ? `${bytes / KIB} KiB` : `${bytes} B`;
}

/** A message of `total` bytes cut into fragments of `size` bytes. */
function cut(opcode: number, source: SourceName, total: number, size: number): FrameStep[] {
  const payloads = fragmentSizes(total, size).map((length, index): Payload => ({
    source,
    size: length,
    offset: index * size,
  }));
  return fragments(opcode, ...payloads);
}

/** The cases of the groups 9 and 10. */
export function performance({ fast }: Facts): Case[] {
  const rfc = "RFC 6455 5.2, 5.4, 5.6";
  const total = fast ? FAST_SIZE : 4 * MIB;
  const chunkedTotal = fast ? FAST_CHUNKED_SIZE : MIB;
  const count = fast ? FAST_ROUND_TRIPS : ROUND_TRIPS;
  const less = (what: string): { shrunk?: string } => fast ? { shrunk: what } : {};

  const large = KINDS.map(({ name, opcode, source, expected }) =>
    MESSAGE_SIZES.map((size): Omit<Case, "id"> => ({
      title: `A ${name} message of ${sized(size)}`,
      rfc,
      heavy: size > FAST_SIZE,
      steps: [frame(opcode, { source, size })],
      outcomes: [echoes(expected({ source, size }))],
    }))
  );
  const fragmented = KINDS.map(({ name, opcode, source, expected }) =>
    FRAGMENT_SIZES.map((size): Omit<Case, "id"> => ({
      title: `A ${name} message of ${sized(total)} in fragments of ${sized(size)}`,
      rfc,
      ...less("a message of 1 MiB instead of 4 MiB"),
      // Fragments of 64 bytes are 65,537 frames: more than some peers accept, see the notes.
      steps: [{
        do: "frames",
        // Generated on use, because there are so many.
        get frames() {
          return cut(opcode, source, total, size);
        },
        chunkSize: 64 * KIB,
      }],
      outcomes: [echoes(expected({ source, size: total }))],
    }))
  );
  const chunked = KINDS.map(({ name, opcode, source, expected }) =>
    CHUNK_SIZES.map((chunkSize): Omit<Case, "id"> => ({
      title: `A ${name} message of ${sized(chunkedTotal)} sent in chunks of ${chunkSize} octets`,
      rfc,
      ...less("a message of 256 KiB instead of 1 MiB"),
      steps: [{ ...inOneWrite(frame(opcode, { source, size: chunkedTotal })), chunkSize }],
      outcomes: [echoes(expected({ source, size: chunkedTotal }))],
    }))
  );
  const trips = KINDS.map(({ name, opcode, source }) =>
    ROUND_TRIP_SIZES.map((size): Omit<Case, "id"> => ({
      title:
        `${count} ${name} messages of ${size} bytes, each sent after the echo of the previous one`,
      rfc,
      ...less(`${FAST_ROUND_TRIPS} messages instead of ${ROUND_TRIPS}`),
      steps: [{ do: "roundTrips", opcode, count, source, size, fragment: 0 }],
      outcomes: [echoes()],
    }))
  );
  return [
    ...[...large, ...fragmented, ...chunked, ...trips].flatMap((cases, group) =>
      cases.map((of, index) => ({ id: `9.${group + 1}.${index + 1}`, ...of }))
    ),
    {
      id: "10.1.1",
      title: "A text message of 65536 bytes in fragments of 1300 bytes",
      rfc: "RFC 6455 5.4",
      steps: cut(Opcode.Text, "stars", 65536, 1300),
      outcomes: [echoes(expectText({ source: "stars", size: 65536 }))],
    },
  ];
}
