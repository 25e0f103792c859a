// Frames that wait in the queues of many connections: each is counted once, while any queue has it.

/** Bytes that a place in a queue takes, beside the frame. */
const PLACE_SIZE = 64;

/** The frames that several connections may hold, distinguished by identity. */
export class SharedFrames {
  readonly #places: Map<Uint8Array, number> = new Map();
  readonly #changed: (difference: number) => void;
  /** Bytes of memory of all frames together, including their places in queues. */
  byteLength = 0;

  /** @param changed Called with the change in bytes. */
  constructor(changed: (difference: number) => void) {
    this.#changed = changed;
  }

  /** A queue holds a frame, possibly several times. */
  hold(frame: Uint8Array): void {
    const places = this.#places.get(frame) ?? 0;
    this.#places.set(frame, places + 1);
    this.#change(places === 0 ? frame.length + PLACE_SIZE : PLACE_SIZE);
  }

  /** A queue no longer holds it: undoes one {@linkcode SharedFrames.hold}. */
  release(frame: Uint8Array): void {
    const places = this.#places.get(frame);
    if (places === undefined) return;
    if (places > 1) this.#places.set(frame, places - 1);
    else this.#places.delete(frame);
    this.#change(places === 1 ? -frame.length - PLACE_SIZE : -PLACE_SIZE);
  }

  /** The part of a frame that one place in a queue accounts for. */
  shareOf(frame: Uint8Array): number {
    return PLACE_SIZE + frame.length / (this.#places.get(frame) ?? 1);
  }

  #change(difference: number): void {
    this.byteLength += difference;
    this.#changed(difference);
  }
}
