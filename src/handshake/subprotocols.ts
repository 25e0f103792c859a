/* Parses, selects and validates subprotocols (RFC 6455 1.9, 4.2.2). */

import { HandshakeError } from "../errors.ts";
import { isToken, trimmed } from "./characters.ts";

/**
 * Parses the `Sec-WebSocket-Protocol` lines of a request (RFC 6455 11.3.4), in the client's order
 * of preference.
 *
 * Empty list elements are skipped (RFC 9110 5.6.1.2). Without lines the list is empty. An element
 * that is not a token, a subprotocol named twice (RFC 6455 4.1, item 10) or a field without any
 * throws a `HandshakeError` `HEAD_MALFORMED` with status 400.
 *
 * @param values The field's values, one for each line.
 *
 * @example
 * ```ts
 * import { parseSubprotocols } from "@quickws/quickws/core";
 *
 * console.log(parseSubprotocols(["chat, superchat", "v2.chat"])); // [ "chat", "superchat", "v2.chat" ]
 * ```
 *
 * @category Handshake
 */
export function parseSubprotocols(values: readonly string[]): string[] {
  if (values.length === 0) return [];
  const seen = new Set<string>();
  for (const value of values) {
    let start = 0;
    while (start < value.length) {
      let end = value.indexOf(",", start);
      if (end === -1) end = value.length;
      const name = trimmed(value, start, end);
      start = end + 1;
      if (name === "") continue;
      if (!isToken(name)) fail("an element is not a token");
      if (seen.has(name)) fail("a subprotocol is named twice");
      seen.add(name);
    }
  }
  if (seen.size === 0) fail("it names no subprotocol");
  return [...seen];
}

function fail(what: string): never {
  throw new HandshakeError("HEAD_MALFORMED", `Sec-WebSocket-Protocol is malformed: ${what}`, {
    status: 400,
  });
}

/**
 * The server's most preferred subprotocol that the client requested, or `undefined` if there is
 * none: the response then omits it (RFC 6455 4.2.2, item 5.5). Case-sensitive.
 *
 * @param supported The server's subprotocols, the most preferred first.
 * @param requested The client's subprotocols.
 *
 * @example
 * ```ts
 * import { chooseSubprotocol } from "@quickws/quickws/core";
 *
 * console.log(chooseSubprotocol(["v2", "v1"], ["v1", "v2"])); // v2
 * ```
 *
 * @category Handshake
 */
export function chooseSubprotocol(
  supported: readonly string[],
  requested: readonly string[],
): string | undefined {
  if (requested.length === 0) return undefined;
  for (const name of supported) {
    if (requested.includes(name)) return name;
  }
  return undefined;
}

/**
 * Throws a `TypeError` unless every local subprotocol is a token and occurs once (RFC 6455 4.1,
 * item 10).
 */
export function assertSubprotocols(names: readonly string[]): void {
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    if (typeof name !== "string" || !isToken(name)) {
      throw new TypeError(
        `subprotocols[${i}] is ${
          JSON.stringify(name)
        }: a subprotocol is a token, made of letters, ` +
          "digits and !#$%&'*+-.^_`|~",
      );
    }
    if (names.indexOf(name) !== i) throw new TypeError(`subprotocols names "${name}" twice`);
  }
}
