// The cases of the API that the client for pages cannot support, each with the reason: an option or method
// that it rejects, or a decision of the browser. All other cases of these suites run over the global
// WebSocket of Deno and Bun, and over those of Chromium and Firefox.

import type { RuntimeName } from "../support/runtimes.ts";

/** An implementation of the global WebSocket. */
export type PageEngine = Exclude<RuntimeName, "node"> | "chromium" | "firefox";

/** The reason, for all implementations or for some. */
type Reason = string | Partial<Record<PageEngine, string>>;

const DIFFERENCES: Readonly<Record<string, Readonly<Record<string, Reason>>>> = {
  "api client": {},
  "api reconnect": {},
  "api connection": {},
  "api handlers": {},
  "api reading": {},
  "api flow": {},
  "api user code": {},
};

/** The suites that run with the client for pages. */
export const pageSuites: readonly string[] = Object.keys(DIFFERENCES);

/** The excluded cases of a suite, with the reasons. */
export function pageDifferences(suite: string, engine: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(DIFFERENCES[suite]!).map(([name, reason]) => [
      name,
      typeof reason === "string" ? reason : reason[engine as PageEngine],
    ]).filter(([, reason]) => reason !== undefined),
  );
}
