// Records the start of a connection's traffic, with times, to explain a failure.

/** The maximum number of bytes that are kept of an entry. */
const KEPT = 64;
/** The maximum number of entries; the first ones are kept. */
const MAX_ENTRIES = 60;
/** Milliseconds within which bytes of one direction count as one entry. */
const TOGETHER = 2;

/** Bytes of one direction at about the same time. */
export interface Entry {
  /** Whether the doctor sent them. */
  readonly sent: boolean;
  /** Milliseconds since the connection began. */
  readonly time: number;
  /** The number of bytes. */
  size: number;
  /** The first bytes, in hexadecimal. */
  hex: string;
}

/** A record of one connection. */
export class Recording {
  readonly #now: () => number;
  readonly #start: number;
  readonly #entries: Entry[] = [];
  #left = 0;

  /**
   * Starts a record.
   *
   * @param now A clock in milliseconds.
   */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#start = now();
  }

  /** Records bytes, keeping only the first ones. */
  add(sent: boolean, bytes: Uint8Array, length: number = bytes.length): void {
    const time = this.#now() - this.#start;
    const last = this.#entries.at(-1);
    if (last !== undefined && last.sent === sent && time - last.time < TOGETHER) {
      if (last.hex.length < 2 * KEPT) {
        last.hex += toHex(bytes, Math.min(length, KEPT - last.hex.length / 2));
      }
      last.size += length;
    } else if (this.#entries.length < MAX_ENTRIES) {
      const hex = toHex(bytes, Math.min(length, KEPT));
      this.#entries.push({ sent, time, size: length, hex });
    } else {
      this.#left++;
    }
  }

  /** The recorded entries. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** The number of entries beyond the limit. */
  get leftOut(): number {
    return this.#left;
  }
}

/** The first `length` bytes in hexadecimal digits. */
export function toHex(bytes: Uint8Array, length: number = bytes.length): string {
  let digits = "";
  for (let i = 0; i < length; i++) digits += bytes[i].toString(16).padStart(2, "0");
  return digits;
}
