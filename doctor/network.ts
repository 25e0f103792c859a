// The sockets of the runtime that the doctor runs on.

import type { Network } from "../src/transport/transport.ts";

/** The sockets of Deno, Bun or Node; only that runtime's part of the library is loaded. */
export async function runtimeNetwork(): Promise<Network> {
  if ("Bun" in globalThis) return (await import("../src/transport/bun.ts")).bunNetwork;
  if ("Deno" in globalThis) return (await import("../src/transport/deno.ts")).denoNetwork;
  return (await import("../src/transport/node.ts")).nodeNetwork;
}
