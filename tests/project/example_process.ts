// Programs of this repository as processes: what they print, and how they end.

/** How long an example may live, so that one that hangs fails its test and no other. */
const LIFETIME = 300_000;

/** A started example and what it prints. */
export class Example {
  /** The process. */
  readonly process: Deno.ChildProcess;
  #printed = "";
  readonly #reader: ReadableStreamDefaultReader<string>;

  /** Starts a command in a directory, with these variables in its environment. */
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

  /** Waits until something of this form is printed. */
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

  /** Interrupts it, as Ctrl-C does, and waits for its end. */
  async interrupt(): Promise<Deno.CommandStatus> {
    this.process.kill("SIGINT");
    while (!(await this.#reader.read()).done);
    return await this.process.status;
  }

  /** Ends it, if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.process.kill("SIGTERM");
    } catch {
      // It has ended already.
    }
    await this.process.status;
    await this.#reader.cancel();
    if (!this.process.stderr.locked) await this.process.stderr.cancel();
  }
}

/** Sends a message with the runtime's own client and gives what comes back. */
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
