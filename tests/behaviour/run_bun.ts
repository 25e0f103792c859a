// Runs a behavior suite in this Bun process. run_suites.ts starts it.

import { bunNetwork } from "../../src/transport/bun.ts";
import { runSuite } from "./harness.ts";

await runSuite("bun", bunNetwork);
