// Group 24: the largest message that a peer accepts, over frames, fragments and compression.

import { Opcode } from "@quickws/quickws/core";
import type { Case, Facts, FrameStep, Outcome, Payload, Step } from "../case.ts";
import { echoes, expectBinary, fails, failsWith, fragments, frame, inOneWrite } from "../steps.ts";
import { strictlyFailed } from "./outcomes.ts";
import { bombLength, bombOf } from "./bomb.ts";

const MIB = 1024 * 1024;
const RFC = "RFC 6455 10.4, 7.4.1 (1009)";
const MISSING = "--max-message-size";

/** The inflated sizes of bombs. A limit may be above the first one, but not above the second. */
const BOMB_SIZE = 64 * MIB;
const HUGE_SIZE = 256 * MIB;

/** The fragment size of the endless message, in bytes. */
const FRAGMENT = 64 * 1024;

const DEFLATE = { deflate: { offers: [{ noContextTakeover: false, maxWindowBits: 0 }] } };

function zeros(size: number): Payload {
  return { source: "zeros", size };
}

function bomb(size: number): FrameStep {
  return frame(Opcode.Binary, bombOf(size), { rsv: 4 });
}

/** Fragments of a message one byte longer than `size`. */
function tooManyFragments(size: number): FrameStep[] {
  const third = Math.ceil((size + 1) / 3);
  return fragments(Opcode.Binary, zeros(third), zeros(third), zeros(size + 1 - 2 * third));
}

/** A bomb should be rejected with 1009. `whole` is the outcome for a complete echo. */
function bombCase(id: string, size: number, rfc: string, whole: Partial<Outcome>): Case {
  return {
    id,
    title: `A decompression bomb: a message of ${bombLength(size) >> 10} KiB that inflates to ${
      size / MIB
    } MiB`,
    rfc,
    opening: DEFLATE,
    // Generated on use, because it takes long.
    get steps() {
      return [bomb(size)];
    },
    outcomes: [
      failsWith([1009]),
      { ...failsWith([], true), verdict: "NON-STRICT", note: "no Close frame with 1009" },
      {
        ...failsWith([1002, 1006, 1007, 1008, 1011, 1013]),
        verdict: "NON-STRICT",
        note: "the code is not 1009",
      },
      { ...echoes(expectBinary(zeros(size))), ...whole },
    ],
    heavy: true,
    timeout: 20_000,
  };
}

/** The cases of group 24. */
export function sizes({ maxMessageSize }: Facts): Case[] {
  // Without it the case remains in the list, with the missing setting.
  const max = maxMessageSize ?? 0;
  const rows: [title: string, steps: Step[], outcomes: Outcome[]][] = [
    [
      "A message of exactly the largest size",
      [frame(Opcode.Binary, zeros(max))],
      [echoes(expectBinary(zeros(max)))],
    ],
    [
      "A message of one byte more: rejected with 1009",
      [frame(Opcode.Binary, zeros(max + 1))],
      strictlyFailed([1009]),
    ],
    [
      "Only the header of a message of one byte more: rejected before its payload arrives",
      [frame(Opcode.Binary, new Uint8Array(0), { announced: BigInt(max + 1) })],
      strictlyFailed([1009]),
    ],
    [
      "A message of one byte more in three fragments: they are counted together",
      [inOneWrite(...tooManyFragments(max))],
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
        ? { missing: MISSING, steps: [], outcomes: [] }
        : { steps, outcomes }),
    })),
    {
      id: "24.2.1",
      title: "A compressed message that inflates to one byte more than the largest size",
      rfc: `${RFC}; RFC 7692 8`,
      opening: DEFLATE,
      ...(maxMessageSize === undefined
        ? { missing: MISSING, steps: [], outcomes: [] }
        : { steps: [bomb(max + 1)], outcomes: strictlyFailed([1009]) }),
    },
    bombCase("24.2.2", BOMB_SIZE, "RFC 7692 8; RFC 6455 10.4", {
      verdict: "INFORMATIONAL",
      note: "the whole message was echoed: the limit is higher, or there is none",
    }),
    bombCase("24.2.3", HUGE_SIZE, "RFC 7692 8; RFC 6455 10.4; CVE-2026-39804", {
      verdict: "NON-STRICT",
      note: "the whole message was echoed: inflation has no limit (CVE-2026-39804 in Bandit)",
    }),
    {
      id: "24.3.1",
      title: "A message of 200,000 empty fragments that does not end: rejected or tolerated",
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
    {
      id: "24.3.2",
      title: `A message that does not end: ${HUGE_SIZE / MIB} MiB in fragments of ${
        FRAGMENT / 1024
      } KiB`,
      rfc: "RFC 6455 5.4, 10.4; CVE-2026-42786",
      steps: [
        frame(Opcode.Binary, zeros(FRAGMENT), { fin: false }),
        {
          do: "flood",
          frame: frame(Opcode.Continuation, zeros(FRAGMENT), { fin: false }),
          count: HUGE_SIZE / FRAGMENT - 1,
        },
      ],
      outcomes: [
        failsWith([1008, 1009]),
        { ...failsWith([], true), verdict: "NON-STRICT", note: "no Close frame with 1008 or 1009" },
        { ...fails(), expected: "anything", verdict: "NON-STRICT", note: "the code is not 1009" },
      ],
      // All of it was accepted: the sum of the fragments has no limit, as in Bandit before 1.11.
      otherwise: "NON-STRICT",
      heavy: true,
      timeout: 20_000,
    },
  ];
}
