// The log of the connection, with one line per message. Received data is inserted as text.

import { element } from "./dom.js";
import { formatBytes, formatClock, formatTime, hexDump, hexLine } from "./format.js";

const LENGTH = 300;
const TEXT_SHOWN = 300;
const TEXT_KEPT = 4000;
const BYTES_KEPT = 512;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * @typedef {object} Entry
 * @property {"out" | "in" | "note"} direction
 * @property {"text" | "binary" | "ping" | "close" | "open" | "lost" | "failed" | "bench"} kind
 * @property {string | Uint8Array} [data]
 * @property {string} [what] A text instead of data.
 * @property {number} [time] The duration.
 */

/** The opcodes of entries for frames. @type {Partial<Record<Entry["kind"], string>>} */
const OPCODES = { text: "0x1", binary: "0x2", close: "0x8", ping: "0x9" };
/** Consecutive entries of these kinds share one line. @type {ReadonlySet<Entry["kind"]>} */
const REPEATED = new Set(["ping", "failed"]);
const ARROWS = { out: "\u2191", in: "\u2193", note: "\u00b7" };
const WORDS = { out: "sent", in: "received", note: "" };

/** The list on the page. */
export class Log {
  #list;
  /** @type {Element[]} */
  #waiting = [];
  #paused = false;
  /** The last line and its kind; see {@link REPEATED}. @type {Element | undefined} */
  #last;
  /** @type {Entry["kind"] | undefined} */
  #kind;
  #times = 0;

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list;
  }

  get paused() {
    return this.#paused;
  }

  /**
   * A paused log still records lines, and shows them when it is resumed. @param {boolean} paused
   */
  set paused(paused) {
    this.#paused = paused;
    this.#flush();
  }

  /** @param {Entry} entry */
  add(entry) {
    const item = line(entry);
    if (REPEATED.has(entry.kind) && entry.kind === this.#kind) return this.#repeat(item);
    this.#last = item;
    this.#kind = entry.kind;
    this.#times = 1;
    this.#waiting.push(item);
    if (this.#waiting.length > LENGTH) this.#waiting.shift();
    // Adds all lines of an animation frame at once.
    if (this.#waiting.length === 1) setTimeout(() => this.#flush(), 30);
  }

  clear() {
    this.#waiting.length = 0;
    this.#kind = undefined;
    this.#list.replaceChildren();
  }

  /** @param {Element} item */
  #repeat(item) {
    const count = element("span", "opcode", `\u00d7${++this.#times}`);
    item.querySelector(".mark")?.append(count);
    this.#last?.replaceChildren(...item.children);
  }

  #flush() {
    if (this.#paused || this.#waiting.length === 0) return;
    this.#list.prepend(...this.#waiting.reverse());
    this.#waiting = [];
    while (this.#list.children.length > LENGTH) this.#list.lastElementChild?.remove();
  }
}

/** @param {Entry} entry */
function line({ direction, kind, data, what, time }) {
  const item = element("li", `entry ${direction} ${kind}`);
  const head = element("span", "head");
  const now = new Date();
  const at = element("time", "at", formatClock(now));
  at.setAttribute("datetime", now.toISOString());
  const mark = element("span", "mark");
  const arrow = element("span", "arrow", ARROWS[direction]);
  arrow.setAttribute("aria-hidden", "true");
  mark.append(arrow, element("span", "hidden", WORDS[direction]), element("b", "kind", kind));
  if (OPCODES[kind] !== undefined) mark.append(element("span", "opcode", OPCODES[kind]));
  head.append(at, mark);
  head.append(element("span", "what", what ?? preview(data)));
  head.append(element("span", "size", data === undefined ? "" : formatBytes(sizeOf(data))));
  head.append(element("span", "took", time === undefined ? "" : formatTime(time)));
  item.append(data === undefined || data.length === 0 ? head : unfolding(head, data));
  return item;
}

/**
 * Creates an entry that shows more of the message when opened. @param {Element} head @param {string
 * | Uint8Array} data
 */
function unfolding(head, data) {
  const details = element("details", "");
  const summary = element("summary", "");
  summary.append(head);
  details.append(summary);
  const size = data.length;
  // Copies the visible part, so that the log does not retain large messages.
  const start = typeof data === "string"
    ? decoder.decode(encoder.encode(data.slice(0, TEXT_KEPT)))
    : data.slice(0, BYTES_KEPT);
  details.addEventListener("toggle", () => {
    const rest = size - start.length;
    const whole = typeof start === "string" ? start : hexDump(start);
    const body = element("pre", "body", rest > 0 ? `${whole}\n\u2026 and ${rest} more` : whole);
    body.tabIndex = 0;
    details.append(body);
  }, { once: true });
  return details;
}

/** @param {string | Uint8Array | undefined} data */
function preview(data) {
  if (data === undefined) return "";
  if (data.length === 0) return "(empty)";
  if (typeof data === "string") return data.slice(0, TEXT_SHOWN);
  return hexLine(data);
}

/** @param {string | Uint8Array} data */
function sizeOf(data) {
  return typeof data === "string" ? encoder.encode(data).length : data.length;
}
