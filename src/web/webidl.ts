// The conversions of Web IDL that the interfaces need: from any JavaScript value to the declared type.

import { show } from "../shared/check.ts";

/** The members of a dictionary before their conversion. */
export type Members = Readonly<Record<string, unknown>>;

/** @throws {TypeError} Unless at least `count` arguments were given. */
export function requireArguments(what: string, given: number, count: number): void {
  if (given >= count) return;
  const noun = count === 1 ? "argument" : "arguments";
  throw new TypeError(`Cannot call ${what}: ${count} ${noun} required, got ${given}`);
}

/** Converts to `DOMString`. A symbol is a `TypeError`. */
export function domString(value: unknown): string {
  return `${value as string}`;
}

/** Converts to `USVString`: each lone surrogate becomes U+FFFD. */
export function usvString(value: unknown): string {
  return domString(value).toWellFormed();
}

/** Converts to `[Clamp] unsigned short`: to the nearest integer from 0 to 65535, ties to even. */
export function clampedUnsignedShort(value: unknown): number {
  const number = Number(value);
  if (Number.isNaN(number)) return 0;
  const clamped = Math.min(Math.max(number, 0), 0xffff);
  const floor = Math.floor(clamped);
  const isTie = clamped - floor === 0.5;
  return isTie ? floor + floor % 2 : Math.round(clamped);
}

/**
 * Converts to `[EnforceRange] unsigned short`.
 *
 * @throws {TypeError} When the number is not finite or out of range.
 */
export function enforcedUnsignedShort(name: string, value: unknown): number {
  const number = Math.trunc(Number(value));
  if (number >= 0 && number <= 0xffff) return number + 0;
  throw new TypeError(`Member "${name}" must be an integer from 0 to 65535, got ${show(value)}`);
}

/** Converts to `unsigned short`: modulo 65536. */
export function unsignedShort(value: unknown): number {
  return new Uint16Array([Number(value)])[0]!;
}

/**
 * Converts to a dictionary, without converting its members.
 *
 * @throws {TypeError} Unless the value is an object, or absent.
 */
export function dictionary(what: string, value: unknown): Members {
  if (value === undefined || value === null) return {};
  if (typeof value === "object" || typeof value === "function") return value as Members;
  throw new TypeError(`${what} must be an object, got ${show(value)}`);
}

/** Whether Web IDL treats the value as a sequence. */
export function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.iterator in value &&
    value[Symbol.iterator] !== undefined && value[Symbol.iterator] !== null;
}

/**
 * Converts to a sequence of strings.
 *
 * @throws {TypeError} Unless the value is an iterable object.
 */
export function stringSequence(name: string, value: unknown): string[] {
  if (!isIterable(value)) {
    throw new TypeError(`Member "${name}" must be an array of strings, got ${show(value)}`);
  }
  return Array.from(value, domString);
}

/** Makes accessors and methods of a class enumerable, as those of Web IDL interfaces are. */
export function defineInterface(
  interfaceObject: { readonly prototype: object },
  name: string,
  members: readonly string[],
): void {
  const { prototype } = interfaceObject;
  for (const member of members) {
    Object.defineProperty(prototype, member, { enumerable: true });
  }
  Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true });
}
