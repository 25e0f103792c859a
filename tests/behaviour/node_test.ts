// Runs the behavior suites in Node processes.

import { testSuites } from "./run_suites.ts";

testSuites("node");
