// Formats numbers and bytes, and parses bytes.

/** Formats a size with its unit: `1.5 KiB`. @param {number} bytes */
export function formatBytes(bytes) {
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  const unit = bytes < 1024 ** 2 ? 1 : bytes < 1024 ** 3 ? 2 : 3;
  return `${significant(bytes / 1024 ** unit)} ${["", "KiB", "MiB", "GiB"][unit]}`;
}

/** Formats a time with its unit: `0.42 ms`, `1.5 s`. @param {number} milliseconds */
export function formatTime(milliseconds) {
  if (milliseconds >= 1000) return `${significant(milliseconds / 1000)} s`;
  if (milliseconds < 0.1) return `${Math.round(milliseconds * 1000)} \u00b5s`;
  return `${significant(milliseconds)} ms`;
}

/** Formats a count with thin spaces as thousands separators: `84 210`. @param {number} count */
export function formatCount(count) {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** Rounds to three significant digits. @param {number} value */
function significant(value) {
  if (value >= 100) return formatCount(value);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** Formats the time of day with milliseconds. @param {Date} date */
export function formatClock(date) {
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  const seconds = `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
  return `${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`;
}

/**
 * Parses hexadecimal bytes, with optional spaces, commas, colons or `0x`.
 *
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 * @throws {SyntaxError} Describes the problem.
 */
export function parseHex(text) {
  const digits = text.replace(/0x/gi, " ").replace(/[\s,:;-]+/g, "");
  const wrong = /[^0-9a-f]/i.exec(digits);
  if (wrong !== null) throw new SyntaxError(`"${wrong[0]}" is not a hexadecimal digit`);
  if (digits.length % 2 === 1) {
    throw new SyntaxError("Each byte needs two digits, but the number of digits is odd");
  }
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Formats the first bytes on one line. @param {Uint8Array} bytes */
export function hexLine(bytes) {
  return [...bytes.subarray(0, 24)].map(hex).join(" ") + (bytes.length > 24 ? " \u2026" : "");
}

/**
 * Formats a hex dump with sixteen bytes per line: offset, bytes and characters. @param {Uint8Array}
 * bytes
 */
export function hexDump(bytes) {
  const lines = [];
  for (let offset = 0; offset < bytes.length; offset += 16) {
    const row = [...bytes.subarray(offset, offset + 16)];
    const characters = row.map((byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "."
    );
    const start = offset.toString(16).padStart(4, "0");
    lines.push(`${start}  ${row.map(hex).join(" ").padEnd(47)}  ${characters.join("")}`);
  }
  return lines.join("\n");
}

/** @param {number} byte */
function hex(byte) {
  return byte.toString(16).padStart(2, "0");
}
