// The TypeScript compiler, loaded on first use: most tests only import modules that may need it.

import { createRequire } from "node:module";
import type typescript from "typescript";

const require = createRequire(import.meta.url);

let loaded: typeof typescript | undefined;

/** The compiler API. */
export function compiler(): typeof typescript {
  return loaded ??= require("typescript") as typeof typescript;
}
