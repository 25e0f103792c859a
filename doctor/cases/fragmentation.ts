// Group 5: messages in fragments, with control frames in between.

import { Opcode } from "@quickws/quickws/core";
import type { Case, FrameStep, Outcome, Step } from "../case.ts";
import {
  byteByByte,
  echoes,
  expectPong,
  expectText,
  fails,
  first,
  fragments,
  inOneWrite,
  last,
  next,
  nonStrict,
  ping,
  pong,
  text,
} from "../steps.ts";

const TWO = fragments(Opcode.Text, "fragment1", "fragment2");
const BOTH = expectText("fragment1fragment2");
const WITH_PING = [TWO[0], ping("ping payload"), TWO[1]];
const ORPHAN = "non-continuation payload";
const ORPHANED = [first("fragment2"), last("fragment3")];
const HELLO = "Hello, world!";

type Row = [title: string, steps: readonly Step[], outcomes: readonly Outcome[], rfc?: string];

/** The three ways to send the same frames. */
function inThreeSplits(title: string, frames: FrameStep[], outcome: Outcome): Row[] {
  return [
    [title, frames, [outcome]],
    [`${title}, in one write`, [inOneWrite(...frames)], [outcome]],
    [`${title}, octet by octet`, [byteByByte(...frames)], [outcome]],
  ];
}

/** Five fragments, with a ping after the second and the fourth. */
const PINGED = [
  first("fragment1"),
  next("fragment2"),
  ping("pongme 1!"),
  next("fragment3"),
  next("fragment4"),
  ping("pongme 2!"),
  last("fragment5"),
];
const PINGED_BACK = echoes(
  expectPong("pongme 1!"),
  expectPong("pongme 2!"),
  expectText("fragment1fragment2fragment3fragment4fragment5"),
);

const rows: Row[] = [
  [
    "A ping in two fragments",
    [ping("fragment1", { fin: false }), last("fragment2")],
    [fails()],
    "RFC 6455 5.5",
  ],
  [
    "A pong in two fragments",
    [pong("fragment1", { fin: false }), last("fragment2")],
    [fails()],
    "RFC 6455 5.5",
  ],
  ...inThreeSplits("A text message in two fragments", TWO, echoes(BOTH)),
  ...inThreeSplits(
    "A text message in two fragments with a ping in between",
    WITH_PING,
    echoes(expectPong("ping payload"), BOTH),
  ),
  ...inThreeSplits(
    "A continuation with FIN but no message to continue, then a text message",
    [last(ORPHAN), text(HELLO)],
    fails(),
  ),
  ...inThreeSplits(
    "A continuation without FIN and no message to continue, then a text message",
    [next(ORPHAN), text(HELLO)],
    fails(),
  ),
  [
    "A text message in two fragments, a continuation without FIN that continues nothing, then " +
    "a text message",
    [...TWO, next("fragment3"), text("fragment4")],
    [fails(BOTH), nonStrict(fails(), "the preceding legal message was not echoed")],
  ],
  [
    "Twice: a continuation without FIN that continues nothing, then a text message in two fragments",
    [next("fragment1"), ...ORPHANED, next("fragment1"), ...ORPHANED],
    [fails()],
  ],
  [
    "Twice: a continuation with FIN that continues nothing, then a text message in two fragments",
    [last("fragment1"), ...ORPHANED, last("fragment1"), ...ORPHANED],
    [fails()],
  ],
  [
    "A text message in two fragments that both have the text opcode",
    [first("fragment1"), text("fragment2")],
    [fails()],
  ],
  [
    "A text message in five fragments, two pings in between, and a second of silence",
    [...PINGED.slice(0, 3), { do: "pause", milliseconds: 1000 }, ...PINGED.slice(3)],
    [PINGED_BACK],
  ],
  [
    "The same, with a separate write for each frame",
    [
      ...PINGED.slice(0, 3).map((step) => inOneWrite(step)),
      { do: "pause", milliseconds: 1000 },
      ...PINGED.slice(3).map((step) => inOneWrite(step)),
    ],
    [PINGED_BACK],
  ],
];

/** The cases of group 5. */
export const fragmentation: readonly Case[] = rows.map(([title, steps, outcomes, rfc], index) => ({
  id: `5.${index + 1}`,
  title,
  rfc: rfc ?? "RFC 6455 5.4",
  steps,
  outcomes,
}));
