// The command line of `deno task bench`.

import { parseArgs } from "node:util";
import type { Effort } from "./rounds.ts";

/** The parsed options. */
export interface Options extends Effort {
  /** The command. Default: `all`. */
  command: string;
  /** The arguments after the command. */
  words: string[];
  /** Names of peers. Default: all. This library and raw sockets are always included. */
  peers?: string[];
  runtimes?: string[];
  /** Brokers that connect the nodes of a fleet. */
  brokers?: string[];
  /** The measured variants of this library. */
  variants: string[];
  /** Rows of the targets. */
  rows?: string[];
  payload?: number[];
  depth?: number[];
  connections?: number[];
  burst?: number[];
  text: boolean;
  compression?: string;
  /** Skips long measurements. */
  quick: boolean;
  /** Does not save results. */
  dry: boolean;
}

/** The effort: for one command, for all commands, with `--quick`, and for the targets. */
const USUAL: Effort = { rounds: 3, seconds: 2, warmUp: 1 };
const EVERYTHING: Effort = { rounds: 3, seconds: 0.5, warmUp: 0.7 };
const QUICK: Effort = { rounds: 1, seconds: 0.3, warmUp: 0.4 };
/** The effort and the peers of `topics`. */
const TOPICS: Effort = { rounds: 3, seconds: 0.6, warmUp: 0.4 };
const TOPICS_PEERS = ["ws", "uws", "bun", "socket.io", "crossws"];
/** The effort of comparisons of a few variants of one program. */
const COMPARISON: Effort = { rounds: 5, seconds: 2, warmUp: 1 };
const COMPARISONS = ["ws", "native", "fflate"];
const START_ROUNDS = 21;
const TARGETS: Effort = { rounds: 5, seconds: 2, warmUp: 1 };

const list = (text: string | undefined): string[] | undefined => text?.split(",");
const numbers = (text: string | undefined): number[] | undefined => list(text)?.map(parseNumber);

function parseNumber(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new TypeError(`Expected a positive number, got "${text}"`);
  return number;
}

/** Reads the command line. */
export function parseOptions(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      peers: { type: "string" },
      runtimes: { type: "string" },
      brokers: { type: "string" },
      variants: { type: "string", default: "quickws" },
      rows: { type: "string" },
      payload: { type: "string" },
      depth: { type: "string" },
      connections: { type: "string" },
      burst: { type: "string" },
      text: { type: "boolean", default: false },
      compression: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      quick: { type: "boolean", default: false },
      profile: { type: "boolean", default: false },
      dry: { type: "boolean", default: false },
    },
  });
  const [command = "all", ...words] = positionals;
  const usual = values.quick
    ? QUICK
    : command === "targets"
    ? TARGETS
    : command === "topics"
    ? TOPICS
    : COMPARISONS.includes(command)
    ? COMPARISON
    : command === "start"
    ? { ...USUAL, rounds: START_ROUNDS }
    : command === "all"
    ? EVERYTHING
    : USUAL;
  return {
    command,
    words,
    peers: list(values.peers) ?? (command === "topics" ? TOPICS_PEERS : undefined),
    runtimes: list(values.runtimes),
    brokers: list(values.brokers),
    variants: list(values.variants)!,
    rows: list(values.rows),
    payload: numbers(values.payload),
    depth: numbers(values.depth),
    connections: numbers(values.connections),
    burst: numbers(values.burst),
    text: values.text,
    compression: values.compression,
    rounds: numbers(values.rounds)?.[0] ?? usual.rounds,
    seconds: numbers(values.seconds)?.[0] ?? usual.seconds,
    warmUp: usual.warmUp,
    quick: values.quick,
    profile: values.profile,
    // A profiler slows the server down, so its figures are not saved.
    dry: values.dry || values.profile,
  };
}
