// Inherent differences between the runtimes, with the reasons; everything else is the same.

import type { RuntimeName } from "../support/runtimes.ts";

/** Features that some runtimes lack. */
export type Capability = "reusePort" | "cutsTlsHandshakes";

const MISSING: Record<Capability, Partial<Record<RuntimeName, string>>> = {
  cutsTlsHandshakes: {
    deno: "Deno keeps the socket of a TlsConn closed in its handshake until the server acts",
  },
  reusePort: {
    node: "Node has it from 22.12 on",
  },
};

/** Whether `runtime` has a feature; each `false` has a reason in this file. */
export function can(runtime: RuntimeName, capability: Capability): boolean {
  return MISSING[capability][runtime] === undefined;
}
