// Group 1: messages of every length class, text and binary.

import type { Case } from "../case.ts";
import { binary, echoes, expectBinary, expectText, inOneWrite, text } from "../steps.ts";

/** The smallest and largest payloads of each way to write a length (RFC 6455 5.2). */
const SIZES = [0, 125, 126, 127, 128, 65535, 65536];

/** Octets in a chunk of the last case. */
const CHUNK_SIZE = 997;

function of(
  group: string,
  kind: string,
  source: "stars" | "octets",
  send: typeof text,
  expected: typeof expectText,
): Case[] {
  const rfc = "RFC 6455 5.2, 5.6";
  const cases = SIZES.map((size, index): Case => ({
    id: `${group}.${index + 1}`,
    title: `A ${kind} message with a payload of ${size} bytes`,
    rfc,
    steps: [send({ source, size })],
    outcomes: [echoes(expected({ source, size }))],
  }));
  const payload = { source, size: 65536 };
  cases.push({
    id: `${group}.8`,
    title:
      `A ${kind} message with a payload of 65536 bytes, sent in chunks of ${CHUNK_SIZE} octets`,
    rfc,
    steps: [{ ...inOneWrite(send(payload)), chunkSize: CHUNK_SIZE }],
    outcomes: [echoes(expected(payload))],
  });
  return cases;
}

/** The cases of group 1. */
export const framing: readonly Case[] = [
  ...of("1.1", "text", "stars", text, expectText),
  ...of("1.2", "binary", "octets", binary, expectBinary),
];
