// Runs the behavior suites in Deno processes.

import { testSuites } from "./run_suites.ts";

await testSuites("deno");
