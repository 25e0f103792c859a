// Limits decompression and compression per turn of the event loop, shared by all connections.

/**
 * The work of decompressing a message before others get their turn, in bytes of output or their
 * equivalent: a few milliseconds.
 */
const INFLATE_WORK = 1024 * 1024;

/** The work allowed per message once that is spent in a turn: most messages are shorter. */
const LEAST_WORK = 64 * 1024;

/**
 * The work of the current turn of the event loop. The layer above resets it, because there is no
 * clock here.
 */
export const inflateBudget = {
  /** Bytes decompressed since the last reset. */
  spent: 0,
  /** Called when the work of a turn is spent; must reset `spent` in the next turn. */
  whenSpent: undefined as (() => void) | undefined,
};

/** The work after which a new message pauses. */
export function workAtFirst(): number {
  return Math.max(LEAST_WORK, INFLATE_WORK - inflateBudget.spent);
}

/** The work after which a resumed message pauses again. */
export const WORK_LATER: number = INFLATE_WORK;

/** Counts decompressed bytes. */
export function spendWork(bytes: number): void {
  inflateBudget.spent += bytes;
  if (inflateBudget.spent < INFLATE_WORK) return;
  // If no layer resets it, every message starts from zero.
  if (inflateBudget.whenSpent === undefined) inflateBudget.spent = 0;
  else inflateBudget.whenSpent();
}

/** The compression of smaller messages is negligible. */
const DEFLATE_FROM = 16 * 1024;

/** The cost of compressing a byte, in bytes sent uncompressed. */
const DEFLATE_BYTE_WORK = 4;

let deflateWork = 0;

/** Counts a compressed message of this size. */
export function countDeflate(length: number): void {
  if (length > DEFLATE_FROM) deflateWork += length * DEFLATE_BYTE_WORK;
}

/** The work of compression since the last call, in bytes sent uncompressed. */
export function takeDeflateWork(): number {
  const taken = deflateWork;
  deflateWork = 0;
  return taken;
}
