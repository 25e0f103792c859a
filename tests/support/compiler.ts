// Loads the TypeScript compiler on first use. Most tests import it only indirectly and never use
// it.

import { createRequire } from "node:module";
import type typescript from "typescript";

const require = createRequire(import.meta.url);

let loaded: typeof typescript | undefined;

/** The compiler API. */
export function compiler(): typeof typescript {
  return loaded ??= require("typescript") as typeof typescript;
}
