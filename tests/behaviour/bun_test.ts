// The behaviour suites in processes of Bun.

import { testSuites } from "./run_suites.ts";

await testSuites("bun");
