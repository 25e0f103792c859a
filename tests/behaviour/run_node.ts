// Runs a behaviour suite in this Node process: run_node.ts <suite> [part of a case's name]

import { nodeNetwork } from "../../src/transport/node.ts";
import { runSuite } from "./harness.ts";

await runSuite("node", nodeNetwork);
