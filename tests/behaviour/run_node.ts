// Runs a behaviour suite in this Node process; behaviour_test.ts starts it.

import { nodeNetwork } from "../../src/transport/node.ts";
import { runSuite } from "./harness.ts";

await runSuite("node", nodeNetwork);
