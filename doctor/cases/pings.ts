// Group 2: pings are answered with their payload, pongs are not answered.

import type { Case } from "../case.ts";
import { byteByByte, echoes, expectPong, fails, hex, ping, pong } from "../steps.ts";

const LONGEST = { source: "octets", size: 125 } as const;
const OCTETS = hex("00 ff fe fd fc fb 00 ff");
const NUMBERED = Array.from({ length: 10 }, (_, index) => `payload-${index}`);

/** The cases of group 2. */
export const pings: readonly Case[] = [
  {
    id: "2.1",
    title: "A ping without a payload",
    rfc: "RFC 6455 5.5.2",
    steps: [ping()],
    outcomes: [echoes(expectPong())],
  },
  {
    id: "2.2",
    title: "A ping with a small text payload",
    rfc: "RFC 6455 5.5.2, 5.5.3",
    steps: [ping("Hello, world!")],
    outcomes: [echoes(expectPong("Hello, world!"))],
  },
  {
    id: "2.3",
    title: "A ping with a small binary payload",
    rfc: "RFC 6455 5.5.2, 5.5.3",
    steps: [ping(OCTETS)],
    outcomes: [echoes(expectPong(OCTETS))],
  },
  {
    id: "2.4",
    title: "A ping with the longest payload, 125 bytes",
    rfc: "RFC 6455 5.5",
    steps: [ping(LONGEST)],
    outcomes: [echoes(expectPong(LONGEST))],
  },
  {
    id: "2.5",
    title: "A ping with a payload of 126 bytes",
    rfc: "RFC 6455 5.5",
    steps: [ping({ source: "octets", size: 126 })],
    outcomes: [fails()],
  },
  {
    id: "2.6",
    title: "A ping with a payload of 125 bytes, sent octet by octet",
    rfc: "RFC 6455 5.5.2",
    steps: [byteByByte(ping(LONGEST))],
    outcomes: [echoes(expectPong(LONGEST))],
  },
  {
    id: "2.7",
    title: "An unsolicited pong, without a payload",
    rfc: "RFC 6455 5.5.3",
    steps: [pong()],
    outcomes: [echoes()],
  },
  {
    id: "2.8",
    title: "An unsolicited pong, with a payload",
    rfc: "RFC 6455 5.5.3",
    steps: [pong("unsolicited pong payload")],
    outcomes: [echoes()],
  },
  {
    id: "2.9",
    title: "An unsolicited pong, then a ping: only the ping is answered",
    rfc: "RFC 6455 5.5.3",
    steps: [pong("unsolicited pong payload"), ping("ping payload")],
    outcomes: [echoes(expectPong("ping payload"))],
  },
  {
    id: "2.10",
    title: "Ten pings, each with a different payload",
    rfc: "RFC 6455 5.5.2",
    steps: NUMBERED.map((payload) => ping(payload)),
    outcomes: [echoes(...NUMBERED.map(expectPong))],
  },
  {
    id: "2.11",
    title: "Ten pings, each with a different payload, sent octet by octet",
    rfc: "RFC 6455 5.5.2",
    steps: [byteByByte(...NUMBERED.map((payload) => ping(payload)))],
    outcomes: [echoes(...NUMBERED.map(expectPong))],
  },
];
