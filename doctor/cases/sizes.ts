// Group 24: the largest message that a peer takes, over frames, fragments and compression.

import { Opcode } from "../../src/core.ts";
import type { Case, Facts, FrameStep, Outcome, Payload, Step } from "../case.ts";
import { atOnce, binaryBack, echoes, failsWith, fragments, frame } from "../steps.ts";
import { strictlyFailed } from "./outcomes.ts";
import { bombOf } from "./bomb.ts";

const MIB = 1024 * 1024;
const RFC = "RFC 6455 10.4, 7.4.1 (1009)";
const UNTOLD = "--max-message-size";

/** What a bomb becomes, where the peer's limit is not known. */
const BOMB_SIZE = 64 * MIB;

const DEFLATE = { deflate: { offers: [{ noContextTakeover: false, maxWindowBits: 0 }] } };

function zeros(size: number): Payload {
  return { source: "zeros", size };
}

function bomb(size: number): FrameStep {
  return frame(Opcode.Binary, bombOf(size), { rsv: 4 });
}

/** Fragments of a message that is longer than `size` by one byte. */
function tooManyFragments(size: number): FrameStep[] {
  const third = Math.ceil((size + 1) / 3);
  return fragments(Opcode.Binary, zeros(third), zeros(third), zeros(size + 1 - 2 * third));
}

/** The cases of group 24. */
export function sizes({ maxMessageSize }: Facts): Case[] {
  // Where it is not told the case only stands there, so that the list says what is missing.
  const max = maxMessageSize ?? 0;
  const rows: [title: string, steps: Step[], outcomes: Outcome[]][] = [
    [
      "A message of just the largest size",
      [frame(Opcode.Binary, zeros(max))],
      [echoes(binaryBack(zeros(max)))],
    ],
    [
      "A message of one byte more: refused with 1009",
      [frame(Opcode.Binary, zeros(max + 1))],
      strictlyFailed([1009]),
    ],
    [
      "The header alone of a message of one byte more: refused before its payload comes",
      [frame(Opcode.Binary, new Uint8Array(0), { announced: BigInt(max + 1) })],
      strictlyFailed([1009]),
    ],
    [
      "A message of one byte more in three fragments: they are counted together",
      [atOnce(...tooManyFragments(max))],
      strictlyFailed([1009]),
    ],
  ];
  return [
    ...rows.map(([title, steps, outcomes], index): Case => ({
      id: `24.1.${index + 1}`,
      title,
      rfc: RFC,
      heavy: max > MIB,
      ...(maxMessageSize === undefined
        ? { untold: UNTOLD, steps: [], outcomes: [] }
        : { steps, outcomes }),
    })),
    {
      id: "24.2.1",
      title: "A compressed message that becomes one byte more than the largest size",
      rfc: `${RFC}; RFC 7692 8`,
      opening: DEFLATE,
      ...(maxMessageSize === undefined
        ? { untold: UNTOLD, steps: [], outcomes: [] }
        : { steps: [bomb(max + 1)], outcomes: strictlyFailed([1009]) }),
    },
    {
      id: "24.2.2",
      title: `A message of ${bombOf(BOMB_SIZE).length >> 10} KiB that becomes ${
        BOMB_SIZE / MIB
      } MiB, a bomb`,
      rfc: "RFC 7692 8; RFC 6455 10.4",
      opening: DEFLATE,
      steps: [bomb(BOMB_SIZE)],
      outcomes: [
        failsWith([1009]),
        { ...failsWith([], true), verdict: "NON-STRICT", note: "no Close frame with 1009" },
        {
          ...failsWith([1002, 1006, 1007, 1008, 1011]),
          verdict: "NON-STRICT",
          note: "the code is another",
        },
        {
          ...echoes(binaryBack(zeros(BOMB_SIZE))),
          verdict: "INFORMATIONAL",
          note: "all of it came back: the limit is higher, or there is none",
        },
      ],
      heavy: true,
      patience: 20_000,
    },
    {
      id: "24.3.1",
      title: "A message of 200,000 empty fragments that does not end: refused, or borne",
      rfc: "RFC 6455 5.4, 10.4",
      steps: [
        frame(Opcode.Binary, "", { fin: false }),
        {
          do: "flood",
          frame: frame(Opcode.Continuation, "", { fin: false }),
          count: 200_000,
        },
      ],
      outcomes: [
        failsWith([1008, 1009]),
        { ...failsWith([], true), verdict: "NON-STRICT", note: "no Close frame with 1008 or 1009" },
      ],
      // No rule limits how many fragments a message may have.
      otherwise: "INFORMATIONAL",
      heavy: true,
    },
  ];
}
