// Imported by tools that run for some seconds: by default, V8 would spend a third of that time on
// optimizing their functions.

import process from "node:process";
import { setFlagsFromString } from "node:v8";

// Later versions have other flags, and print a warning about unknown ones.
if (process.version.startsWith("v20.")) setFlagsFromString("--interrupt-budget=500000");
