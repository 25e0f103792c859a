// Encodes heads of requests and responses, with any line changed by a case.

import type { Opening } from "./case.ts";
import { payloadBytes } from "./corpus.ts";
import { concat, utf8 } from "./steps.ts";
import type { Peer } from "./peer.ts";

/** A field and the values of its lines. */
export type Field = readonly [name: string, value: string];

/** Applies the edits of a case to fields: replacements in place, additions at the end. */
export function editFields(fields: readonly Field[], edits: Opening["fields"] = {}): Field[] {
  const names = new Set(fields.map(([name]) => name));
  const lines = (name: string): Field[] => {
    const value = edits[name];
    if (value === null || value === undefined) return [];
    return typeof value === "string" ? [[name, value]] : value.map((one) => [name, one] as const);
  };
  return [
    ...fields.flatMap((field) => field[0] in edits ? lines(field[0]) : [field]),
    ...Object.keys(edits).filter((name) => !names.has(name)).flatMap(lines),
  ];
}

/** The bytes of a head. */
export function encodeHead(
  startLine: string,
  fields: readonly Field[],
  opening: Opening,
): Uint8Array {
  if (opening.instead !== undefined) return payloadBytes(opening.instead);
  const end = opening.lineEnd ?? "\r\n";
  const raw = opening.rawLines ?? [];
  return concat([
    utf8(startLine + end + fields.map(([name, value]) => `${name}: ${value}${end}`).join("")),
    ...raw.flatMap((line) => [line, utf8(end)]),
    utf8(end),
  ]);
}

/** Sends a head in the chunks of the case, and the frames after it together with its end. */
export async function sendHead(
  peer: Peer,
  head: Uint8Array,
  behind: readonly Uint8Array[],
  opening: Opening,
  timeout: number,
): Promise<void> {
  if (opening.only !== undefined) {
    await peer.send(head.slice(0, opening.only), timeout);
    return;
  }
  if (opening.chunkSize === undefined) {
    await peer.send(concat([head, ...behind]), timeout);
    return;
  }
  for (let at = 0; at < head.length && !peer.isClosed; at += opening.chunkSize) {
    await peer.send(head.slice(at, at + opening.chunkSize), timeout);
    if (opening.delay === undefined) await peer.turn();
    else await peer.pass(opening.delay);
  }
}
