// Runs behavior suites in this Node process. run_suites.ts starts it.

import { nodeNetwork } from "../../src/transport/node.ts";
import { runSuites } from "./harness.ts";

await runSuites("node", nodeNetwork);
