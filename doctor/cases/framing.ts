// Group 1: messages of every length class, text and binary.

import type { Case } from "../case.ts";
import { atOnce, binary, binaryBack, echoes, text, textBack } from "../steps.ts";

/** The smallest and largest payloads of each way to write a length (RFC 6455 5.2). */
const SIZES = [0, 125, 126, 127, 128, 65535, 65536];

/** Octets in a chunk of the last case. */
const CHOP = 997;

function of(
  group: string,
  kind: string,
  source: "stars" | "octets",
  send: typeof text,
  back: typeof textBack,
): Case[] {
  const rfc = "RFC 6455 5.2, 5.6";
  const cases = SIZES.map((size, index): Case => ({
    id: `${group}.${index + 1}`,
    title: `A ${kind} message with a payload of ${size} bytes`,
    rfc,
    steps: [send({ source, size })],
    outcomes: [echoes(back({ source, size }))],
  }));
  const payload = { source, size: 65536 };
  cases.push({
    id: `${group}.8`,
    title: `A ${kind} message with a payload of 65536 bytes, sent in chunks of ${CHOP} octets`,
    rfc,
    steps: [{ ...atOnce(send(payload)), chop: CHOP }],
    outcomes: [echoes(back(payload))],
  });
  return cases;
}

/** The cases of group 1. */
export const framing: readonly Case[] = [
  ...of("1.1", "text", "stars", text, textBack),
  ...of("1.2", "binary", "octets", binary, binaryBack),
];
