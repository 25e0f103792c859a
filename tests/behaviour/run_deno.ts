// Runs a behaviour suite in this Deno process; behaviour_test.ts starts it.

import { denoNetwork } from "../../src/transport/deno.ts";
import { runSuite } from "./harness.ts";

await runSuite("deno", denoNetwork);
