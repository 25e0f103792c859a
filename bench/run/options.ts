// The command line of `deno task bench`.

import { parseArgs } from "node:util";
import type { Effort } from "./rounds.ts";

/** What was asked for. */
export interface Options extends Effort {
  /** The first word: what to do; `all` without one. */
  command: string;
  /** The words after it. */
  words: string[];
  /** Names of peers; all if absent. Ours and the raw sockets are always there. */
  peers?: string[];
  runtimes?: string[];
  /** Engines that join the nodes of a fleet. */
  engines?: string[];
  /** Which of our own servers are measured. */
  ours: string[];
  /** Rows of the table of targets. */
  rows?: string[];
  payload?: number[];
  depth?: number[];
  connections?: number[];
  burst?: number[];
  text: boolean;
  compression?: string;
  /** Leaves out what takes long. */
  quick: boolean;
  /** Writes no files. */
  dry: boolean;
}

/** Effort for one part, for everything, with `--quick`, and for the targets, which say five rounds. */
const USUAL: Effort = { rounds: 3, seconds: 2, warmUp: 1 };
const EVERYTHING: Effort = { rounds: 3, seconds: 0.5, warmUp: 0.7 };
const QUICK: Effort = { rounds: 1, seconds: 0.3, warmUp: 0.4 };
/** Publish and fleets together, beside those that they are held against alone. */
const TOPICS: Effort = { rounds: 3, seconds: 0.6, warmUp: 0.4 };
const TOPICS_PEERS = ["ws", "uws", "bun", "socket.io", "crossws"];
const TARGETS: Effort = { rounds: 5, seconds: 2, warmUp: 1 };

const list = (text: string | undefined): string[] | undefined => text?.split(",");
const numbers = (text: string | undefined): number[] | undefined => list(text)?.map(parseNumber);

function parseNumber(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new TypeError(`${text} is not a number above 0`);
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
      engines: { type: "string" },
      ours: { type: "string", default: "quickws" },
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
    : command === "all"
    ? EVERYTHING
    : USUAL;
  return {
    command,
    words,
    peers: list(values.peers) ?? (command === "topics" ? TOPICS_PEERS : undefined),
    runtimes: list(values.runtimes),
    engines: list(values.engines),
    ours: list(values.ours)!,
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
    // What a profiler slows down is no result.
    dry: values.dry || values.profile,
  };
}
