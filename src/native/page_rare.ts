// Functions that few pages need, in one module that a bundle loads on demand.

import { checkNames } from "../shared/check.ts";

export { refusal, unconnectable } from "./page_refusals.ts";
export { sendWhole } from "./page_stream.ts";

/** @throws {TypeError} When the options are a promise, a `Map` or the like. */
export function checkPlain(prefix: string, options: unknown): void {
  const what = prefix === "" ? "The options of connect" : `Option "${prefix.slice(0, -1)}"`;
  checkNames(what, options, Object.keys(options ?? {}));
}
