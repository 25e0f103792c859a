// Programs as processes: a server prints its port, a client prints its results.

import { fileURLToPath } from "node:url";
import { linesOf } from "../support/child.ts";
import { type RuntimeCommand, runtimeCommand, type RuntimeName } from "../support/runtimes.ts";
import type { ProgramName } from "../support/need.ts";
import type { StepResult } from "./conversation.ts";

/** A program, or the tools that build one. */
export type Need = ProgramName | "go" | "python3";

/** A program that is started for a test. */
export interface Program {
  readonly name: string;
  /** The programs that it requires besides the three runtimes. */
  readonly needs?: Need;
  /** Its command. */
  command(...args: string[]): RuntimeCommand;
}

/** Milliseconds that one step of a conversation may take on a busy machine. */
const DEADLINE = 240_000;

/** A module in `programs`, and its runtime. */
export function program(name: string, runtime: RuntimeName, module: string): Program {
  const path = fileURLToPath(new URL(`programs/${module}.ts`, import.meta.url));
  return {
    name: `${name} on ${runtime}`,
    command: (...args) => runtimeCommand(runtime, path, ...args),
  };
}

/** A process and the lines that it prints. */
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
   * Reports the printed results until the process exits, automatically and with status 0.
   *
   * @returns The number of results of each server.
   */
  async report(t: Deno.TestContext): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    const results = this.#results();
    let next = await results.next();
    while (!next.done) {
      const { server } = next.value;
      await t.step(`with ${server}`, async (t) => {
        for (; !next.done && next.value.server === server; next = await results.next()) {
          counts.set(server, (counts.get(server) ?? 0) + 1);
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

  /** The printed results. Ends the process if it prints none for too long. */
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

  /** Ends it. */
  async stop(): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has exited.
    }
    await this.#process.status;
    await this.#lines.return();
  }
}

/** Runs a program until `use` returns. */
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
