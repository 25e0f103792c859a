// The exports `extension` and `subprotocol` of `ws`: the two header fields with lists.

import { parseExtensions } from "../handshake/extensions.ts";
import { isToken } from "../handshake/characters.ts";

/**
 * The parameters of one offer: each name with its values, `true` for none.
 *
 * @category The API of ws
 */
export type ExtensionParameters = Record<string, Array<string | true>>;

/**
 * Extensions by name, each with its offers in order.
 *
 * @category The API of ws
 */
export type ExtensionMap = Record<string, ExtensionParameters[]>;

/**
 * The accepted types of a parameter's value.
 *
 * @category The API of ws
 */
export type ParameterValue = string | number | boolean | Array<string | number | boolean>;

/**
 * The parser and the formatter of `Sec-WebSocket-Extensions`.
 *
 * @category The API of ws
 */
export const extension: {
  /** @throws {SyntaxError} When the field violates the grammar of RFC 6455 section 9.1. */
  parse(header: string): ExtensionMap;
  /** Writes the field. */
  format(
    extensions: Record<string, Record<string, ParameterValue> | Record<string, ParameterValue>[]>,
  ): string;
} = { parse, format };

/**
 * The parser of `Sec-WebSocket-Protocol`.
 *
 * @category The API of ws
 */
export const subprotocol: {
  /** @throws {SyntaxError} When the field is not a list of distinct tokens. */
  parse(header: string): Set<string>;
} = { parse: parseSubprotocols };

function parse(header: string): ExtensionMap {
  const map: ExtensionMap = Object.create(null);
  for (const { name, parameters } of parsed(header)) {
    const values: ExtensionParameters = Object.create(null);
    for (const parameter of parameters) {
      (values[parameter.name] ??= []).push(parameter.value ?? true);
    }
    (map[name] ??= []).push(values);
  }
  return map;
}

function parsed(header: string): ReturnType<typeof parseExtensions> {
  try {
    return parseExtensions([header]);
  } catch (cause) {
    throw new SyntaxError((cause as Error).message, { cause });
  }
}

function format(
  extensions: Record<string, Record<string, ParameterValue> | Record<string, ParameterValue>[]>,
): string {
  return Object.entries(extensions).flatMap(([name, offers]) =>
    [offers].flat().map((offer) =>
      [
        name,
        ...Object.entries(offer).flatMap(([key, values]) =>
          [values].flat().map((value) => value === true ? key : `${key}=${value}`)
        ),
      ].join("; ")
    )
  ).join(", ");
}

function parseSubprotocols(header: string): Set<string> {
  const names = new Set<string>();
  for (const part of header.split(",")) {
    const name = part.replace(/^[ \t]+|[ \t]+$/g, "");
    if (!isToken(name)) throw new SyntaxError(`"${name}" is not the name of a subprotocol`);
    if (names.has(name)) throw new SyntaxError(`The "${name}" subprotocol is duplicated`);
    names.add(name);
  }
  return names;
}
