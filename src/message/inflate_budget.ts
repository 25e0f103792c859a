// How much is decompressed and compressed at once: the connections share the work of a turn of the event loop.

/**
 * How much of a compressed message is decompressed before others have their turn, in bytes of output or
 * work that takes as long: some milliseconds.
 */
const INFLATE_WORK = 1024 * 1024;

/** What is left to each message where all have spent that: most messages are shorter. */
const LEAST_WORK = 64 * 1024;

/** The work of the present turn of the event loop, which knows no clock: the layer above sets it back. */
export const inflateBudget = {
  /** Bytes that were decompressed since it was set back. */
  spent: 0,
  /** Called when the work of a turn is spent; `spent` has to be set back in the next turn. */
  whenSpent: undefined as (() => void) | undefined,
};

/** The work until a message that begins now pauses. */
export function workAtFirst(): number {
  return Math.max(LEAST_WORK, INFLATE_WORK - inflateBudget.spent);
}

/** The work of a message that was paused, until it pauses again. */
export const WORK_LATER: number = INFLATE_WORK;

/** So many bytes were decompressed. */
export function spendWork(bytes: number): void {
  inflateBudget.spent += bytes;
  if (inflateBudget.spent < INFLATE_WORK) return;
  // Alone, without a layer that knows turns, every message begins anew.
  if (inflateBudget.whenSpent === undefined) inflateBudget.spent = 0;
  else inflateBudget.whenSpent();
}

/** Messages of fewer bytes are compressed about as quickly as they are handled. */
const DEFLATE_FROM = 16 * 1024;

/** Compressing a byte costs about as much as so many bytes that are only sent. */
const DEFLATE_BYTE_WORK = 4;

let deflateWork = 0;

/** A message of so many bytes was compressed. */
export function countDeflate(length: number): void {
  if (length > DEFLATE_FROM) deflateWork += length * DEFLATE_BYTE_WORK;
}

/** The work of compression since the last call, in bytes that are only sent. */
export function takeDeflateWork(): number {
  const taken = deflateWork;
  deflateWork = 0;
  return taken;
}
