// Checks of what a user hands in: each names the option, the value and what is allowed.

/** How a value is shown in a message: short, and never itself the reason of another error. */
export function show(value: unknown): string {
  if (typeof value === "string") {
    return value.length > 60 ? `"${value.slice(0, 60)}..."` : `"${value}"`;
  }
  if (typeof value === "function") return "a function";
  if (typeof value === "symbol") return "a symbol";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}

/** What is wrong with an option, as the error to throw. */
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

/** @throws {TypeError} Unless the value is absent or of the type. */
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

/** @throws {TypeError} Unless the value is an object and all its names are known. */
export function checkNames(what: string, value: unknown, known: readonly string[]): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`${what} must be an object, got ${show(value)}`);
  }
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) {
      throw new TypeError(`${what} must not have "${name}"; known are ${known.join(", ")}`);
    }
  }
}

/** @throws {TypeError} Unless the value is absent or an `AbortSignal`. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw wrongType("signal", "an AbortSignal", signal);
}
