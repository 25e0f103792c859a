// The binary data that users of a page send. The package for npm has it in the place of shared/bytes.ts in
// everything that pages load; see npm-build.ts.

/** @throws {TypeError} When it is not bytes, or its memory is detached. */
export function toBytes(data: unknown): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  throw new TypeError("Cannot send: it must be a string or bytes");
}
