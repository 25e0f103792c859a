// Runs a behavior suite in this Node process. run_suites.ts starts it.

import { nodeNetwork } from "../../src/transport/node.ts";
import { runSuite } from "./harness.ts";

await runSuite("node", nodeNetwork);
