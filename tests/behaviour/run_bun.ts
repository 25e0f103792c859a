// Runs a behaviour suite in this Bun process: run_bun.ts <suite> [part of a case's name]

import { bunNetwork } from "../../src/transport/bun.ts";
import { runSuite } from "./harness.ts";

await runSuite("bun", bunNetwork);
