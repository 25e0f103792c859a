// Group 21: masks. Clients mask every frame, servers none, and each side enforces that.

import { Opcode } from "@quickws/quickws/core";
import type { Case, FrameStep, Step } from "../case.ts";
import {
  binary,
  close,
  echoes,
  expectPong,
  expectText,
  first,
  frame,
  inOneWrite,
  last,
  ping,
  text,
} from "../steps.ts";
import { strictlyFailed } from "./outcomes.ts";

const WRONG = { maskRule: false } as const;
const HELLO = "Hello, world!";

const TEN = Array.from({ length: 10 }, (_, index) => `message ${index}`);

function wrong(step: FrameStep): FrameStep {
  return { ...step, ...WRONG };
}

const rows: [title: string, steps: Step[]][] = [
  ["a text message", [text(HELLO, WRONG)]],
  ["a binary message", [binary(HELLO, WRONG)]],
  ["an empty text message", [text("", WRONG)]],
  ["a ping", [ping(HELLO, WRONG)]],
  ["a Close frame", [wrong(close(1000))]],
  ["the second fragment alone", [first(HELLO), wrong(last(HELLO))]],
  ["a message after a legal one", [inOneWrite(text(HELLO), text(HELLO, WRONG))]],
  [
    "a message of 64 KiB",
    [frame(Opcode.Binary, { source: "octets", size: 65536 }, WRONG)],
  ],
];

/** The cases of group 21. */
export const masking: readonly Case[] = [
  ...(["server", "client"] as const).flatMap((role, group) =>
    rows.map(([title, steps], index): Case => ({
      id: `21.${group + 1}.${index + 1}`,
      title: role === "server"
        ? `Sent by a client without a mask: ${title}`
        : `Sent by a server with a mask: ${title}`,
      rfc: "RFC 6455 5.1",
      role,
      steps,
      // RFC 6455 5.1: the endpoint MUST close, and MAY send 1002: a missing Close frame is not a
      // fault.
      outcomes: strictlyFailed([1002], true),
    }))
  ),
  {
    id: "21.3.1",
    title: "A text message with the mask key 0",
    rfc: "RFC 6455 5.3",
    role: "server",
    steps: [text(HELLO, { maskKey: 0 })],
    outcomes: [echoes(expectText(HELLO))],
  },
  {
    id: "21.3.2",
    title: "A text message with the mask key ffffffff",
    rfc: "RFC 6455 5.3",
    role: "server",
    steps: [text(HELLO, { maskKey: 0xffffffff })],
    outcomes: [echoes(expectText(HELLO))],
  },
  {
    id: "21.3.3",
    title: "A message in fragments that have different mask keys, octet by octet",
    rfc: "RFC 6455 5.3",
    role: "server",
    steps: [{
      do: "frames",
      chunkSize: 1,
      frames: [
        { ...first("abc"), maskKey: 0x01020304 },
        { ...last("defgh"), maskKey: 0x7f800fe0 },
      ],
    }],
    outcomes: [echoes(expectText("abcdefgh"))],
  },
  {
    id: "21.3.4",
    title: "Ten messages, a ping and a Close frame: each frame in reply has its own mask key",
    rfc: "RFC 6455 5.3, 10.3",
    role: "client",
    freshMasks: true,
    steps: [...TEN.map((message) => text(message)), ping(HELLO)],
    outcomes: [echoes(...TEN.map(expectText), expectPong(HELLO))],
  },
];
