// The messages of the soak test. Both sides generate them, to check that the n-th message of a
// connection arrives as the n-th.

import { Random } from "../support/random.ts";

/** The message that requests a close from the server. */
export const CLOSE_REQUEST = "close";

/** Random bytes. Payloads are slices of them. */
const randomBytes = new Random(11).bytes(1 << 17);

/** Returns the message number `sequence` of a connection. */
export function messageOf(id: number, sequence: number): string | Uint8Array {
  const random = new Random(id * 7919 + sequence + 1);
  random.below(2);
  const chance = random.below(200);
  const size = chance === 0
    ? random.below(70_000)
    : chance < 10
    ? random.below(5000)
    : random.below(300);
  if (random.below(2) === 0) return `${id} ${sequence} ${"-=".repeat(size / 2)}`;
  const at = random.below(randomBytes.length - size);
  const bytes = new Uint8Array(8 + size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, id);
  view.setUint32(4, sequence);
  bytes.set(randomBytes.subarray(at, at + size), 8);
  return bytes;
}

/** Returns whether two messages are equal. */
export function isSame(one: string | Uint8Array, other: string | Uint8Array): boolean {
  if (typeof one === "string" || typeof other === "string") return one === other;
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}
