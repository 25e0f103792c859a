// Runs behavior suites in this Bun process. run_suites.ts starts it.

import { bunNetwork } from "../../src/transport/bun.ts";
import { runSuites } from "./harness.ts";

await runSuites("bun", bunNetwork);
