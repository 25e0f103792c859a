// The groups of suites that share a process. The start of a process, and its first run of the
// library before the runtime has optimized it, take longer than most suites.

import { brokerPrograms } from "../support/brokers.ts";
import type { ProgramName } from "../support/need.ts";
import { clientProxies } from "../support/proxy_programs.ts";
import { suites } from "./suites.ts";

/** Suites that run in one process, in this order. */
export interface SuiteGroup {
  readonly suites: readonly string[];
  /** The programs that the cases start. */
  readonly needs?: readonly ProgramName[];
}

/**
 * All suites. The first of each group may measure memory or CPU time. The longest groups are first,
 * because others run concurrently. The suites that also run with the page client are in one group.
 */
const GROUPS: readonly SuiteGroup[] = [
  { suites: ["backplane", "history"], needs: brokerPrograms },
  { suites: ["proxy"], needs: clientProxies },
  {
    suites: [
      "api flow",
      "api user code",
      "api admission",
      "api keepalive",
      "api server",
      "api attach",
    ],
  },
  {
    suites: [
      "api topics",
      "api client topics",
      "api compression",
      "api client",
      "api handlers",
      "api limits",
      "api options",
      "api reading",
      "api reconnect",
      "api history",
      "api upgrade",
      "api connection",
    ],
  },
  { suites: ["transport"] },
  { suites: ["deflate", "compression", "codec", "defects", "mistakes", "security", "web"] },
];

/** Set to 1, runs each suite in its own process, for example to find one that leaves a handle. */
const APART_VARIABLE = "QUICKWS_APART";

/** Returns the groups of these suites. Default: of all. */
export function groupsOf(names: readonly string[] = Object.keys(suites)): SuiteGroup[] {
  const grouped = GROUPS.flatMap((group) => group.suites);
  const forgotten = Object.keys(suites).filter((name) => !grouped.includes(name));
  if (forgotten.length > 0) throw new Error(`no group has ${forgotten.join(", ")}: see groups.ts`);
  const groups = GROUPS
    .map((group) => ({ ...group, suites: group.suites.filter((name) => names.includes(name)) }))
    .filter((group) => group.suites.length > 0);
  if (Deno.env.get(APART_VARIABLE) !== "1") return groups;
  return groups.flatMap((group) => group.suites.map((name) => ({ ...group, suites: [name] })));
}
