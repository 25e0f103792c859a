// Runs the behavior suites in Deno processes.

import { testSuites } from "./run_suites.ts";

testSuites("deno");
