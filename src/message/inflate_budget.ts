// Limits how much is decompressed and compressed at once: connections share the work of a turn of
// the event loop.

/**
 * The work of decompressing a message before others get their turn, in bytes of output or their
 * equivalent: some milliseconds.
 */
const INFLATE_WORK = 1024 * 1024;

/** The work left to each message once that is spent in a turn: most messages are shorter. */
const LEAST_WORK = 64 * 1024;

/**
 * The work of the current turn of the event loop. There is no clock here: the layer above resets
 * it.
 */
export const inflateBudget = {
  /** Bytes decompressed since the last reset. */
  spent: 0,
  /** Called when the work of a turn is spent; `spent` has to be reset in the next turn. */
  whenSpent: undefined as (() => void) | undefined,
};

/** The work until a message that begins now pauses. */
export function workAtFirst(): number {
  return Math.max(LEAST_WORK, INFLATE_WORK - inflateBudget.spent);
}

/** The work of a message that was paused, until it pauses again. */
export const WORK_LATER: number = INFLATE_WORK;

/** Counts decompressed bytes. */
export function spendWork(bytes: number): void {
  inflateBudget.spent += bytes;
  if (inflateBudget.spent < INFLATE_WORK) return;
  // Without a layer that resets it, every message starts from zero.
  if (inflateBudget.whenSpent === undefined) inflateBudget.spent = 0;
  else inflateBudget.whenSpent();
}

/** Messages of fewer bytes are compressed about as quickly as they are handled. */
const DEFLATE_FROM = 16 * 1024;

/** Compressing a byte costs about as much as sending this many bytes uncompressed. */
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
