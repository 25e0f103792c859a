// Web IDL conversions from JavaScript values to declared types, such as the argument of `send`.

import { show } from "../shared/check.ts";

/** The unconverted members of a dictionary. */
export type Members = Readonly<Record<string, unknown>>;

/** @throws {TypeError} Unless at least `count` arguments were given. */
export function requireArguments(what: string, given: number, count: number): void {
  if (given >= count) return;
  const noun = count === 1 ? "argument" : "arguments";
  throw new TypeError(`Cannot call ${what}: ${count} ${noun} required, got ${given}`);
}

/** Converts to `DOMString`. Throws a `TypeError` for a symbol. */
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
 * Converts to a dictionary with unconverted members.
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

/** Makes accessors and methods of a class enumerable, as in Web IDL interfaces. */
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

/** A converted message to send. */
export type OutgoingData = string | Uint8Array<ArrayBuffer> | Blob;

/**
 * Converts to `(BufferSource or Blob or USVString)`. Accepts buffers of other realms, such as a
 * test runner. A detached buffer is empty.
 *
 * @throws {TypeError} When the data is a symbol, or in shared or resizable memory.
 */
export function messageData(data: unknown): OutgoingData {
  if (ArrayBuffer.isView(data)) {
    return bytesOf(data.buffer, data.byteOffset, data.byteLength);
  }
  const tag = Object.prototype.toString.call(data);
  if (tag === "[object ArrayBuffer]" || tag === "[object SharedArrayBuffer]") {
    const buffer = data as ArrayBufferLike;
    return bytesOf(buffer, 0, buffer.byteLength);
  }
  return isBlob(data) ? data : usvString(data);
}

/** The payload size of a message in bytes. */
export function messageSize(data: OutgoingData): number {
  if (typeof data === "string") return utf8Length(data);
  return isBlob(data) ? data.size : data.length;
}

/** Whether a value is a `Blob` or a `File`, of any realm. */
export function isBlob(value: unknown): value is Blob {
  if (value instanceof Blob) return true;
  const isTagged = /^\[object (Blob|File)\]$/.test(Object.prototype.toString.call(value));
  return isTagged && typeof (value as Partial<Blob>).arrayBuffer === "function";
}

function bytesOf(buffer: ArrayBufferLike, offset: number, length: number): Uint8Array<ArrayBuffer> {
  if (Object.prototype.toString.call(buffer) !== "[object ArrayBuffer]") {
    throw new TypeError("Cannot send: the data must not be in a SharedArrayBuffer; copy it first");
  }
  // Web IDL types do not accept resizable buffers by default.
  if ((buffer as { resizable?: boolean }).resizable === true) {
    throw new TypeError("Cannot send: the buffer of the data must not be resizable; copy it first");
  }
  if (length === 0) return new Uint8Array(0);
  return new Uint8Array(buffer as ArrayBuffer, offset, length);
}

/** The size of a string in UTF-8, with lone surrogates as U+FFFD. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    // Each half of a surrogate pair counts two of its four bytes; a lone surrogate counts three.
    if (unit < 0x800) length += 1;
    else if (isLeadOfPair(text, index)) {
      length += 2;
      index++;
    } else length += 2;
  }
  return length;
}

function isLeadOfPair(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xd800 &&
    (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00;
}
