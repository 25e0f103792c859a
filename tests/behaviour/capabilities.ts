// Inherent differences between the runtimes, with the reasons. Everything else is the same.

import type { RuntimeName } from "../support/runtimes.ts";

/** Features that some runtimes lack. */
export type Capability = "reusePort" | "cutsTlsHandshakes";

const MISSING: Record<Capability, Partial<Record<RuntimeName, string>>> = {
  cutsTlsHandshakes: {
    deno:
      "Deno does not close the socket of a TlsConn during its handshake until the server responds or closes it",
  },
  reusePort: {
    node: "requires Node 22.12",
  },
};

/** Returns whether a runtime has a feature. */
export function hasCapability(runtime: RuntimeName, capability: Capability): boolean {
  return MISSING[capability][runtime] === undefined;
}
