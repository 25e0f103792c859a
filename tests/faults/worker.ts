// A process of the load, seen by the one who tells it what to do.

import { fileURLToPath } from "node:url";
import { linesOf, within } from "../support/child.ts";
import { runtimeCommand, type RuntimeName } from "../support/runtimes.ts";

/** Milliseconds that a process has to exit. */
const EXIT_LIMIT = 20_000;

/** A process that answers each line with a line. */
export class Worker implements AsyncDisposable {
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncGenerator<string, void, void>;

  /**
   * @param runtime What it runs on.
   * @param module The module in this folder, without its ending.
   * @param args Its arguments.
   */
  constructor(runtime: RuntimeName, module: string, ...args: string[]) {
    this.#name = `${module} on ${runtime}`;
    const path = fileURLToPath(new URL(`${module}.ts`, import.meta.url));
    const { command, args: all } = runtimeCommand(runtime, path, ...args);
    const pipes = { stdin: "piped", stdout: "piped", stderr: "inherit" } as const;
    this.#child = new Deno.Command(command, { args: all, ...pipes }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#lines = linesOf(this.#child.stdout);
  }

  /** The next line, which must come. */
  async answer<T>(): Promise<T> {
    const { value } = await this.#lines.next();
    if (value === undefined) {
      const { code, signal } = await this.#child.status;
      throw new Error(`${this.#name} ended (exit code ${code}, signal ${signal})`);
    }
    return JSON.parse(value);
  }

  /** Sends a line and waits for the answer. */
  async ask<T>(order: unknown): Promise<T> {
    await this.#input.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`));
    return await this.answer<T>();
  }

  /** Stops the process, or lets it continue. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  /** Waits for the process to end by itself and well: it has nothing left that is open. */
  async ended(): Promise<void> {
    await this.#input.close();
    const status = await within(EXIT_LIMIT, this.#child.status);
    if (status === undefined) throw new Error(`${this.#name} does not end: something is open`);
    if (!status.success) throw new Error(`${this.#name} ended with exit code ${status.code}`);
  }

  /** Ends it, if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#input.close().catch(() => {});
    while (!(await this.#lines.next()).done) { /* the pipe has to be empty to close */ }
  }
}
