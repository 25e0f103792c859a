// Progress on standard error: one changing line on a terminal, separate lines otherwise.

const began = performance.now();
const encoder = new TextEncoder();

/** Shows the current step, or clears the line if there is no argument. */
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
