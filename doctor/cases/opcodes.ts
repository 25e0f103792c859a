// Group 4: opcodes that are reserved for further data and control frames.

import type { Case } from "../case.ts";
import {
  byteByByte,
  expectText,
  fails,
  frame,
  inOneWrite,
  nonStrict,
  ping,
  text,
} from "../steps.ts";

const HELLO = "Hello, world!";
const PAYLOAD = "reserved opcode payload";
const NOTE = "the preceding legal message was not echoed";
const AFTER_ONE = [fails(expectText(HELLO)), nonStrict(fails(), NOTE)];

function of(group: string, kind: string, lowest: number): Case[] {
  const rfc = "RFC 6455 5.2";
  return [
    {
      id: `${group}.1`,
      title: `A frame with the reserved ${kind} opcode ${lowest}`,
      rfc,
      steps: [frame(lowest)],
      outcomes: [fails()],
    },
    {
      id: `${group}.2`,
      title: `A frame with the reserved ${kind} opcode ${lowest + 1} and a payload`,
      rfc,
      steps: [frame(lowest + 1, PAYLOAD)],
      outcomes: [fails()],
    },
    {
      id: `${group}.3`,
      title: `A text message, a frame with the reserved ${kind} opcode ${lowest + 2}, then a ping`,
      rfc,
      steps: [text(HELLO), frame(lowest + 2), ping()],
      outcomes: AFTER_ONE,
    },
    {
      id: `${group}.4`,
      title: `A text message, a frame with the reserved ${kind} opcode ${lowest + 3} and a ` +
        "payload, then a ping, all in one write",
      rfc,
      steps: [inOneWrite(text(HELLO), frame(lowest + 3, PAYLOAD), ping())],
      outcomes: AFTER_ONE,
    },
    {
      id: `${group}.5`,
      title: `A text message, a frame with the reserved ${kind} opcode ${lowest + 4} and a ` +
        "payload, then a ping, octet by octet",
      rfc,
      steps: [byteByByte(text(HELLO), frame(lowest + 4, PAYLOAD), ping())],
      outcomes: AFTER_ONE,
    },
  ];
}

/** The cases of group 4. */
export const opcodes: readonly Case[] = [
  ...of("4.1", "data", 3),
  ...of("4.2", "control", 11),
];
