// The behaviour suites by name: each runs on every runtime.

import type { Cases } from "./harness.ts";

/** A module of cases. */
export interface Suite {
  cases: Cases;
  /** Gets the machine ready, once for each process that runs the suite, and before it. */
  prepare?: () => void;
}

/** How to load each suite. */
export const suites: Record<string, () => Promise<Suite>> = {
  compression: () => import("./compression_suite.ts"),
  proxy: () => import("./proxy_suite.ts"),
  transport: () => import("./transport_suite.ts"),
};
