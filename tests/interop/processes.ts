// Runs programs as processes. A server prints its ports, a client prints its results.

import { fileURLToPath } from "node:url";
import { linesOf } from "../support/child.ts";
import { type RuntimeCommand, runtimeCommand, type RuntimeName } from "../support/runtimes.ts";
import type { ProgramName } from "../support/need.ts";
import type { StepResult } from "./conversation.ts";

/** A program from a Debian package, or a toolchain. */
export type Requirement = ProgramName | "go" | "python3";

/** A program that a test can start. */
export interface Program {
  readonly name: string;
  /** The programs it needs besides the three runtimes. */
  readonly needs?: Requirement;
  /** Returns the command line. */
  command(...args: string[]): RuntimeCommand;
}

/** How long a step of a conversation may take on a busy machine, in milliseconds. */
const DEADLINE = 240_000;

/** Creates a program from a module in `programs`. */
export function program(name: string, runtime: RuntimeName, module: string): Program {
  const path = fileURLToPath(new URL(`programs/${module}.ts`, import.meta.url));
  return {
    name: `${name} on ${runtime}`,
    command: (...args) => runtimeCommand(runtime, path, ...args),
  };
}

/** A running program and its output lines. */
export class RunningProgram {
  readonly #name: string;
  readonly #process: Deno.ChildProcess;
  readonly #lines: AsyncGenerator<string, void>;

  constructor(program: Program, ...args: string[]) {
    const { command, args: all } = program.command(...args);
    const options = { args: all, stdout: "piped", stderr: "inherit" } as const;
    this.#name = program.name;
    this.#process = new Deno.Command(command, options).spawn();
    this.#lines = linesOf(this.#process.stdout);
  }

  /** Returns the next line. */
  async line(): Promise<string> {
    const { value } = await this.#lines.next();
    if (value === undefined) throw new Error(`${this.#name} exited without further output`);
    return value;
  }

  /**
   * Reports the printed results as test steps until the process exits. Fails unless it exits with
   * status 0.
   *
   * @returns The number of results per peer.
   */
  async report(t: Deno.TestContext): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    const results = this.#results();
    let next = await results.next();
    while (!next.done) {
      const { peer } = next.value;
      await t.step(`with ${peer}`, async (t) => {
        for (; !next.done && next.value.peer === peer; next = await results.next()) {
          counts.set(peer, (counts.get(peer) ?? 0) + 1);
          const { step, error } = next.value;
          await t.step(step, () => {
            if (error !== undefined) throw new Error(error);
          });
        }
      });
    }
    const { success, code, signal } = await this.#process.status;
    if (!success) throw new Error(`${this.#name} ended with exit code ${code}, signal ${signal}`);
    return counts;
  }

  /** Yields the printed results. Kills the process if it prints nothing for too long. */
  async *#results(): AsyncGenerator<StepResult, void> {
    const kill = (): void => this.#process.kill("SIGKILL");
    let timer = setTimeout(kill, DEADLINE);
    try {
      for await (const line of this.#lines) {
        clearTimeout(timer);
        yield JSON.parse(line);
        timer = setTimeout(kill, DEADLINE);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Kills the process. */
  async stop(): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has exited already.
    }
    await this.#process.status;
    await this.#lines.return();
  }
}

/** Starts a program, and stops it after `use`. */
export async function running<T>(
  program: Program,
  args: readonly string[],
  use: (process: RunningProgram) => Promise<T>,
): Promise<T> {
  const process = new RunningProgram(program, ...args);
  try {
    return await use(process);
  } finally {
    await process.stop();
  }
}
