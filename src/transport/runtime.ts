// Detects the runtime of this process and loads its sockets.

import type { Network } from "./transport.ts";

/** Returns the sockets of the current runtime. */
export async function runtimeNetwork(): Promise<Network> {
  if ("Bun" in globalThis) return (await import("./bun.ts")).bunNetwork;
  if ("Deno" in globalThis) return (await import("./deno.ts")).denoNetwork;
  return (await import("./node.ts")).nodeNetwork;
}
