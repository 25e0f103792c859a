// The arguments of `close`.

import { show } from "../shared/check.ts";
import { isCloseCode, MAX_CLOSE_REASON } from "../wire/close.ts";

const encoder = new TextEncoder();

const CLOSE_CODES = "an integer of 1000-1003, 1007-1014 or 3000-4999";

/**
 * Checks the code and the reason of a close.
 *
 * @throws {TypeError} When the code is not an integer or the reason not a string.
 * @throws {RangeError} When the code may not be sent or the reason is over 123 bytes of UTF-8.
 */
export function checkCloseArguments(code: number, reason: string): void {
  if (!Number.isInteger(code)) {
    throw new TypeError(`Cannot close: the code must be ${CLOSE_CODES}, got ${show(code)}`);
  }
  if (typeof reason !== "string") {
    throw new TypeError(`Cannot close: the reason must be a string, got ${show(reason)}`);
  }
  if (!isCloseCode(code)) {
    throw new RangeError(`Cannot close: the code must be ${CLOSE_CODES}, got ${code}`);
  }
  const size = encoder.encode(reason).length;
  if (size > MAX_CLOSE_REASON) {
    throw new RangeError(
      `Cannot close: the reason must be at most ${MAX_CLOSE_REASON} bytes of UTF-8, got ${size}`,
    );
  }
}
