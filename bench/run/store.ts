// The files in `bench/results`.

import { join } from "node:path";
import { root } from "../support/runtimes.ts";

const directory = join(root, "bench", "results");

/** Writes a result: strings unchanged, other values as JSON. */
export function save(name: string, content: unknown): void {
  const text = typeof content === "string" ? content : `${JSON.stringify(content, null, 2)}\n`;
  Deno.mkdirSync(directory, { recursive: true });
  Deno.writeTextFileSync(join(directory, name), text);
}

/** Reads a stored result. Returns `undefined` if there is none. */
export function load<T>(name: string): T | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(join(directory, name)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
