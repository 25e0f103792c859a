// The behaviour suites in processes of Node.

import { testSuites } from "./run_suites.ts";

await testSuites("node");
