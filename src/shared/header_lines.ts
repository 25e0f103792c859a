// Header fields as users give them, as the lines that the handshake writes.

import { wrongType } from "./check.ts";

/**
 * The names and values of header fields, in any form that the web's `Headers` is made from.
 *
 * @category Connection
 */
export type HeaderFieldsInit =
  | Iterable<readonly [name: string, value: string]>
  | Readonly<Record<string, string>>;

/** The lines, of whichever form they were given in; `undefined` for none. */
export function headerLines(
  init: HeaderFieldsInit | undefined,
): Iterable<readonly [name: string, value: string]> | undefined {
  if (init === undefined) return undefined;
  if (typeof init !== "object" || init === null) throw wrongType("headers", "header fields", init);
  return Symbol.iterator in init ? init : Object.entries(init);
}
