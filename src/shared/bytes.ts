// Binary data from users.

import { show } from "./check.ts";

/**
 * Returns the bytes of a `BufferSource`: an `ArrayBuffer` or a view.
 *
 * @param purpose The operation, at the start of an error message.
 * @throws {TypeError} When it has another type, or its memory is detached, for example by
 * `postMessage`.
 */
export function toBytes(data: unknown, purpose = "Cannot send"): Uint8Array {
  if (data instanceof Uint8Array) {
    // Views of detached buffers are empty, so others skip the check.
    if (data.length === 0 && isDetached(data)) throw detached(purpose);
    return data;
  }
  try {
    if (data instanceof ArrayBuffer) return new Uint8Array(data);
    if (ArrayBuffer.isView(data)) {
      return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    }
  } catch (cause) {
    throw detached(purpose, cause);
  }
  throw new TypeError(
    `${purpose}: the data must be a string, an ArrayBuffer or a view of one (Uint8Array, Buffer, ` +
      `DataView, ...), got ${show(data)}`,
  );
}

/** Whether the memory of a view is detached: its buffer was transferred or resized. */
export function isDetached(view: Uint8Array): boolean {
  try {
    Uint8Array.prototype.at.call(view, 0);
    return false;
  } catch {
    return true;
  }
}

function detached(purpose: string, cause?: unknown): TypeError {
  return new TypeError(
    `${purpose}: the memory of the data is detached or out of bounds; it was transferred or resized. ` +
      "Send it before that, or send a copy (slice())",
    { cause },
  );
}
