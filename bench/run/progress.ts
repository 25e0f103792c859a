// What is being done, on standard error: one line that changes on a terminal, a line each elsewhere.

const began = performance.now();
const encoder = new TextEncoder();

/** Shows what is being done; without an argument, that it is done. */
export function progress(text?: string): void {
  const terminal = Deno.stderr.isTerminal();
  if (text === undefined) {
    if (terminal) Deno.stderr.writeSync(encoder.encode("\r\x1b[K"));
    return;
  }
  const seconds = Math.round((performance.now() - began) / 1000);
  const line = `[${seconds} s] ${text}`;
  Deno.stderr.writeSync(encoder.encode(terminal ? `\r\x1b[K${line}` : `${line}\n`));
}
