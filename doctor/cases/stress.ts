// Group 29: floods, slow readers, incomplete requests and half-closed streams.

import { Opcode } from "@quickws/quickws/core";
import type { Case, Step } from "../case.ts";
import {
  binary,
  echoes,
  expectBinary,
  expectPong,
  expectText,
  fails,
  failsWith,
  first,
  frame,
  informational,
  inOneWrite,
  nonStrict,
  ping,
  rejects,
  text,
} from "../steps.ts";

const MIB = 1024 * 1024;
const LARGE = { source: "octets", size: MIB } as const;
const LARGE_COUNT = 8;

const numbered = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `ping ${index}`);

const MANY = numbered(500);

const stopped = (...steps: Step[]): Step[] => [
  { do: "stopReading" },
  ...steps,
  { do: "pause", milliseconds: 300 },
  { do: "resumeReading" },
];

/** The cases of group 29. */
export const stress: readonly Case[] = [
  {
    id: "29.1.1",
    title: "500 pings in one write: all are answered, in order",
    rfc: "RFC 6455 5.5.2, 5.5.3",
    steps: [inOneWrite(...MANY.map((payload) => ping(payload)))],
    outcomes: [
      echoes(...MANY.map(expectPong)),
      {
        verdict: "PASS",
        expected: "anything",
        ending: { is: "closed" },
        note: "not every ping was answered, as RFC 6455 5.5.3 allows",
      },
      informational({ ...fails(), expected: "anything" }, "the connection was closed"),
    ],
    timeout: 3000,
  },
  {
    id: "29.1.2",
    title: "100,000 pings from a peer that does not read: the connection is kept or closed",
    rfc: "RFC 6455 5.5.3, 10.4",
    steps: stopped({ do: "flood", frame: ping("x".repeat(100)), count: 100_000 }),
    outcomes: [
      { verdict: "PASS", expected: "anything", ending: { is: "closed" } },
      informational(
        { ...fails(), expected: "anything" },
        "the connection was closed",
      ),
    ],
    heavy: true,
    timeout: 20_000,
  },
  {
    id: "29.2.1",
    title: `${LARGE_COUNT} messages of 1 MiB to a peer that does not read the echoes at first`,
    rfc: "RFC 6455 6.1, 10.4",
    steps: stopped({ do: "flood", frame: binary(LARGE), count: LARGE_COUNT }),
    outcomes: [
      echoes(...Array.from({ length: LARGE_COUNT }, () => expectBinary(LARGE))),
      informational(failsWith([1008, 1009, 1013], true), "the slow reader was disconnected"),
    ],
    heavy: true,
    timeout: 20_000,
  },
  {
    id: "29.3.1",
    title: "An incomplete request: the server times out",
    rfc: "RFC 6455 4.2.1; RFC 9110 15.5.9",
    role: "server",
    opening: { only: 40 },
    steps: [],
    outcomes: [rejects()],
    otherwise: "INFORMATIONAL",
    heavy: true,
    timeout: 20_000,
  },
  {
    id: "29.4.1",
    title: "The end of the stream without a Close frame: the peer closes its side too",
    rfc: "RFC 6455 7.1.4, 7.1.5",
    steps: [text("Hello, world!"), { do: "await", count: 1 }, { do: "end" }],
    outcomes: [
      { ...fails(expectText("Hello, world!")), verdict: "PASS" },
    ],
  },
  {
    id: "29.4.2",
    title: "The end of the stream in the middle of a frame",
    rfc: "RFC 6455 7.1.7",
    steps: [frame(Opcode.Text, "Hello", { announced: 10n }), { do: "end" }],
    outcomes: [fails()],
  },
  {
    id: "29.4.3",
    title: "The end of the stream in the middle of a fragmented message",
    rfc: "RFC 6455 7.1.7",
    steps: [first("Hello"), { do: "end" }],
    outcomes: [fails()],
  },
  {
    id: "29.4.4",
    title: "A Close frame and the end of the stream at once: the Close frame is answered",
    rfc: "RFC 6455 5.5.1, 7.1.2",
    steps: [frame(Opcode.Close, Uint8Array.of(3, 232)), { do: "end" }],
    outcomes: [
      { verdict: "PASS", expected: [], ending: { is: "closed" } },
      nonStrict(fails(), "the stream was closed without an answer"),
    ],
  },
  {
    id: "29.4.5",
    title: "A reset in the middle of a frame: the next connection is served",
    rfc: "RFC 6455 7.1.7",
    role: "server",
    steps: [frame(Opcode.Text, "Hello", { announced: 10n }), { do: "reset" }],
    thenServes: true,
    outcomes: [echoes()],
  },
];
