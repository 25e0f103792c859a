// Checks of arguments and options: each error names the option, the value and the allowed values.

import { nearestNames } from "./nearest_names.ts";

/** Formats any value for an error message. */
export function show(value: unknown): string {
  if (typeof value === "string") {
    return value.length > 60 ? `"${value.slice(0, 60)}..."` : `"${value}"`;
  }
  if (typeof value === "function") return "a function";
  if (typeof value === "symbol") return "a symbol";
  if (Array.isArray(value)) return "an array";
  if (isPromise(value)) return "a promise (is an await missing?)";
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}

/** The error for an option of the wrong type. */
export function wrongType(name: string, allowed: string, value: unknown): TypeError {
  return new TypeError(`Option "${name}" must be ${allowed}, got ${show(value)}`);
}

/** @throws {TypeError | RangeError} Unless the value is absent or an integer from `min` to `max`. */
export function checkInteger(
  name: string,
  value: unknown,
  min: number,
  max: number,
  unit: string,
): void {
  if (value === undefined) return;
  if (typeof value !== "number") throw wrongType(name, `a number of ${unit}`, value);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(
      `Option "${name}" must be an integer from ${min} to ${max} (${unit}), got ${value}`,
    );
  }
}

/** @throws {TypeError} Unless the value is absent or has the type. */
export function checkType(
  name: string,
  value: unknown,
  type: "boolean" | "string" | "function",
): void {
  if (value !== undefined && typeof value !== type) throw wrongType(name, `a ${type}`, value);
}

/** @throws {TypeError} Unless the value is absent or one of the words. */
export function checkOneOf(name: string, value: unknown, words: readonly string[]): void {
  if (value === undefined || words.includes(value as string)) return;
  throw wrongType(name, words.map((word) => `"${word}"`).join(" or "), value);
}

/** Object literals and class instances, and `import * as options`. */
const PLAIN_KINDS: readonly string[] = ["Object", "Module"];

/**
 * Checks the names in an object of options.
 *
 * @param what The object, as the subject of a sentence; nested objects with their quoted name:
 * `Option "tls"`.
 * @throws {TypeError} Unless the value is a plain object (no promise, array, `Map`, `Set`,
 * `Date`...) and all its names are known. The message suggests the intended name.
 */
export function checkNames(what: string, value: unknown, known: readonly string[]): void {
  if (typeof value !== "object" || value === null || Array.isArray(value) || isPromise(value)) {
    throw new TypeError(`${what} must be an object, got ${show(value)}`);
  }
  // A `Map` or a `Date` has no own properties and would pass as empty options.
  const kind = Object.prototype.toString.call(value).slice("[object ".length, -1);
  if (!PLAIN_KINDS.includes(kind)) {
    throw new TypeError(
      `${what} must be an object with the options as its properties, got an object of type ${kind}`,
    );
  }
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) throw unknownOption(what, name, known);
  }
}

function unknownOption(what: string, name: string, known: readonly string[]): TypeError {
  const outer = /"([^"]+)"/.exec(what);
  const prefix = outer === null ? "" : `${outer[1]}.`;
  const help = nearestNames(name, known, prefix) ?? `${what} can have: ${known.join(", ")}`;
  return new TypeError(`Unknown option ${show(prefix + name)}. ${help}`);
}

/** @throws {TypeError} Unless the value is absent or an `AbortSignal`. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw wrongType("signal", "an AbortSignal", signal);
}

// The size of `sun_path` in `sockaddr_un`, including a final NUL: 108 bytes on Linux, 104 on macOS
// and the BSDs. libuv silently truncates longer paths.
const UNIX_PATH_LIMITS: Readonly<Record<string, number>> = {
  linux: 107,
  android: 107,
  darwin: 103,
  freebsd: 103,
  netbsd: 103,
  openbsd: 103,
};

/** The maximum size of a unix socket path in bytes; `undefined` if unlimited. */
export function maxUnixPathOn(platform: string): number | undefined {
  return UNIX_PATH_LIMITS[platform];
}

/**
 * Checks the length of a unix socket's path, in the option `unix` or in a URL.
 *
 * @throws {RangeError} When it exceeds the system's limit.
 */
export function checkUnixPath(path: string | undefined, maxBytes: number | undefined): void {
  if (path === undefined || maxBytes === undefined) return;
  const size = new TextEncoder().encode(path).length;
  if (size <= maxBytes) return;
  throw new RangeError(
    `The path of a unix socket must have at most ${maxBytes} bytes (UTF-8) on this system, got ` +
      `${size}: ${
        show(path)
      }. Choose a shorter path (option "unix"), or one relative to the current ` +
      "directory",
  );
}

/** A getter may throw, but an error message must not. */
function isPromise(value: unknown): boolean {
  try {
    return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
  } catch {
    return false;
  }
}

// Converts the user's header fields to lines of the handshake.

/**
 * Names and values of header fields, in any form accepted by the web's `Headers`.
 *
 * @category Connection
 */
export type HeaderFieldsInit =
  | Iterable<readonly [name: string, value: string]>
  | Readonly<Record<string, string>>;

/** Converts any form to lines; `undefined` for none. */
export function headerLines(
  init: HeaderFieldsInit | undefined,
): Iterable<readonly [name: string, value: string]> | undefined {
  if (init === undefined) return undefined;
  if (typeof init !== "object" || init === null) throw wrongType("headers", "header fields", init);
  if (!(Symbol.iterator in init)) return Object.entries(init);
  const lines = [...init];
  for (const line of lines as readonly unknown[]) {
    if (Array.isArray(line) && line.length === 2) continue;
    // The value might be a secret.
    throw new TypeError('Header fields in a list must be pairs of strings: [["X-Name", "value"]]');
  }
  return lines;
}
