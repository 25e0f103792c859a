// What users may hand in as bytes.

import { show } from "./check.ts";

/**
 * The bytes of a buffer or of any view of one.
 *
 * @throws {TypeError} When it is something else.
 */
export function toBytes(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  throw new TypeError(
    `Cannot send: the data must be a string, a Uint8Array or an ArrayBuffer, got ${show(data)}`,
  );
}
