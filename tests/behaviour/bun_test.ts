// Runs the behavior suites in Bun processes.

import { testSuites } from "./run_suites.ts";

testSuites("bun");
