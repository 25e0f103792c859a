// A process of the soak test, controlled by its parent.

import { fileURLToPath } from "node:url";
import { linesOf, within } from "../support/child.ts";
import { runtimeCommand, type RuntimeName } from "../support/runtimes.ts";

/** The maximum time for a process to exit, in milliseconds. */
const EXIT_LIMIT = 20_000;

/** A process that replies to each line with a line. */
export class Worker implements AsyncDisposable {
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncGenerator<string, void, void>;

  /**
   * @param runtime The runtime of the process.
   * @param module The module in this folder, without the file extension.
   * @param args The command-line arguments.
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

  /** Returns the next line, or throws if there is none. */
  async answer<T>(): Promise<T> {
    const { value } = await this.#lines.next();
    if (value === undefined) {
      const { code, signal } = await this.#child.status;
      throw new Error(`${this.#name} ended (exit code ${code}, signal ${signal})`);
    }
    return JSON.parse(value);
  }

  /** Sends a command and waits for the reply. */
  async ask<T>(command: unknown): Promise<T> {
    await this.#input.write(new TextEncoder().encode(`${JSON.stringify(command)}\n`));
    return await this.answer<T>();
  }

  /** Suspends the process, or resumes it. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  /**
   * Waits until the process exits on its own with status 0, which proves that it has no open
   * resources.
   */
  async ended(): Promise<void> {
    await this.#input.close();
    const status = await within(EXIT_LIMIT, this.#child.status);
    if (status === undefined) throw new Error(`${this.#name} does not exit: it has open resources`);
    if (!status.success) throw new Error(`${this.#name} ended with exit code ${status.code}`);
  }

  /** Kills the process if it is still running. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // The process has exited.
    }
    await this.#child.status;
    await this.#input.close().catch(() => {});
    while (!(await this.#lines.next()).done) { /* the pipe has to be empty to close */ }
  }
}
