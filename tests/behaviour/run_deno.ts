// Runs a behaviour suite in this Deno process: run_deno.ts <suite> [part of a case's name]

import { denoNetwork } from "../../src/transport/deno.ts";
import { runSuite } from "./harness.ts";

await runSuite("deno", denoNetwork);
