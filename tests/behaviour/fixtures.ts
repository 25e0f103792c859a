// Resources that a behavior suite needs outside its process, created for each run.

import { makeCertificates } from "../support/certificates.ts";
import type { Fixtures } from "./harness.ts";

/** A port that neither accepts nor rejects further connections. */
interface SilentPort extends AsyncDisposable {
  port: number;
}

/** {@linkcode Fixtures} that are disposed of with their scope. */
export interface LiveFixtures extends Fixtures, AsyncDisposable {
  /** When disposed of, rejects all pending connections of the silent port. */
  silence: AsyncDisposable;
}

/** Creates the fixtures of one process. */
export async function makeFixtures(): Promise<LiveFixtures> {
  const directory = await Deno.makeTempDir({ prefix: "quickws-" });
  const silence = await fillBacklog();
  return {
    certificates: makeCertificates(),
    directory,
    silentPort: silence.port,
    silence,
    async [Symbol.asyncDispose](): Promise<void> {
      await silence[Symbol.asyncDispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/** Fills the accept queue of a port, so that the kernel does not answer connection attempts. */
async function fillBacklog(): Promise<SilentPort> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  const { port } = listener.addr;
  const waiting: Deno.Conn[] = [];
  for (;;) {
    const signal = AbortSignal.timeout(200);
    try {
      waiting.push(await Deno.connect({ hostname: "127.0.0.1", port, signal }));
    } catch (error) {
      if (!signal.aborted) throw error;
      break;
    }
  }
  let open = true;
  return {
    port,
    [Symbol.asyncDispose](): Promise<void> {
      if (open) { for (const closable of [listener, ...waiting]) closable.close(); }
      open = false;
      return Promise.resolve();
    },
  };
}
