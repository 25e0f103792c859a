// The behaviour suites in processes of Deno.

import { testSuites } from "./run_suites.ts";

await testSuites("deno");
