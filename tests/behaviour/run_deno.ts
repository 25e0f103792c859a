// Runs behavior suites in this Deno process. run_suites.ts starts it.

import process from "node:process";
import { denoNetwork } from "../../src/transport/deno.ts";
import type { DenoSockets, Network } from "../../src/transport/transport.ts";
import { DENO_SOCKETS_VARIABLE, runSuites } from "./harness.ts";

const denoSockets = process.env[DENO_SOCKETS_VARIABLE] as DenoSockets | undefined;

const network: Network = {
  ...denoNetwork,
  listen: (options, sink) => denoNetwork.listen({ denoSockets, ...options }, sink),
};

await runSuites("deno", network);
