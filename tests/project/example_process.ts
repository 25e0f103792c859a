// Runs the examples as processes and reads their output.

/** The time limit of an example in milliseconds. A hanging example fails only its own test. */
const LIFETIME = 300_000;

/** A running example. */
export class Example {
  /** The process. */
  readonly process: Deno.ChildProcess;
  #printed = "";
  readonly #reader: ReadableStreamDefaultReader<string>;

  /** Starts a command in a directory, with additional environment variables. */
  constructor(command: string[], cwd: string, env: Record<string, string>) {
    const [program, ...args] = command;
    this.process = new Deno.Command(program!, {
      args,
      cwd,
      env: { NO_COLOR: "1", ...env },
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(LIFETIME),
    }).spawn();
    this.#reader = this.process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Waits until the output matches a pattern. */
  async printed(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.#printed);
      if (match !== null) return match[0];
      const { value, done } = await this.#reader.read();
      if (done) {
        const errors = await new Response(this.process.stderr).text();
        throw new Error(`The example ended after printing: ${this.#printed}${errors}`);
      }
      this.#printed += value;
    }
  }

  /** Sends an interrupt, like Ctrl-C, and waits for the process to exit. */
  async interrupt(): Promise<Deno.CommandStatus> {
    this.process.kill("SIGINT");
    while (!(await this.#reader.read()).done);
    return await this.process.status;
  }

  /** Kills the process if it is still running. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.process.kill("SIGTERM");
    } catch {
      // The process has already exited.
    }
    await this.process.status;
    await this.#reader.cancel();
    if (!this.process.stderr.locked) await this.process.stderr.cancel();
  }
}

/** Sends a message with the runtime's `WebSocket` and returns the reply. */
export async function echo(url: string, message: string): Promise<unknown> {
  const socket = new WebSocket(url);
  const reply = await new Promise((resolve, reject) => {
    socket.onopen = () => socket.send(message);
    socket.onmessage = ({ data }) => resolve(data);
    socket.onclose = () => reject(new Error(`No answer from ${url}`));
  });
  const closed = new Promise((resolve) => socket.onclose = resolve);
  socket.close(1000);
  await closed;
  return reply;
}
