// Reads replies: parses frame headers and skips payloads. Compares only the first message of each
// connection with the sent one, byte by byte.

import type { Load } from "../load.ts";
import { fail } from "./sockets.ts";

const FIN = 0x80;
const OPCODE_BITS = 0x0f;
const CONTROL = 0x08;
const CLOSE = 8;
const MASKED = 0x80;
const LENGTH_BITS = 0x7f;
const MAX_HEADER = 14;

/** Returns the header length for its second byte. */
function headerSize(second: number): number {
  const length = second & LENGTH_BITS;
  const extended = length === 126 ? 2 : length === 127 ? 8 : 0;
  return 2 + extended + (second & MASKED ? 4 : 0);
}

/** Reads the replies on one connection. */
export class Replies {
  readonly #load: Load;
  readonly #expected: Uint8Array;
  readonly #head = new Uint8Array(MAX_HEADER);
  #headSize = 0;
  /** The number of bytes left in the frame's payload. */
  #left = 0;
  /** The number of bytes of the message so far. */
  #size = 0;
  #final = false;
  #control = false;
  /** The offset of the mask key in the header; 0 for none. */
  #keyAt = 0;
  #at = 0;
  #checked: boolean;

  constructor(load: Load, expected: Uint8Array) {
    this.#load = load;
    this.#expected = expected;
    this.#checked = load.reply < 0;
  }

  /** Returns the number of messages that end in a chunk. */
  read(chunk: Uint8Array): number {
    let messages = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) {
        this.#head[this.#headSize++] = chunk[at++]!;
        const known = this.#headSize >= 2 && this.#headSize === headerSize(this.#head[1]!);
        if (!known) continue;
        this.#open();
      }
      const count = Math.min(this.#left, chunk.length - at);
      if (!this.#checked && !this.#control) this.#compare(chunk.subarray(at, at + count));
      this.#left -= count;
      at += count;
      if (this.#left > 0 || this.#control || !this.#final) continue;
      if (this.#load.reply >= 0 && this.#size !== this.#load.reply) {
        fail(`a reply has ${this.#size} bytes of payload instead of ${this.#load.reply}`);
      }
      this.#size = 0;
      this.#checked = true;
      messages++;
    }
    return messages;
  }

  #open(): void {
    const head = this.#head;
    const size = this.#headSize;
    this.#headSize = 0;
    const opcode = head[0]! & OPCODE_BITS;
    if (opcode === CLOSE) fail("the peer closed the connection");
    this.#final = (head[0]! & FIN) !== 0;
    this.#control = (opcode & CONTROL) !== 0;
    const view = new DataView(head.buffer);
    const length = head[1]! & LENGTH_BITS;
    this.#left = length === 126
      ? view.getUint16(2)
      : length === 127
      ? Number(view.getBigUint64(2))
      : length;
    if (this.#control) return;
    if (opcode !== 0 && opcode !== this.#load.opcode) {
      fail(`a reply has opcode ${opcode} instead of ${this.#load.opcode}`);
    }
    this.#keyAt = head[1]! & MASKED ? size - 4 : 0;
    if (this.#size === 0) this.#at = 0;
    this.#size += this.#left;
  }

  #compare(bytes: Uint8Array): void {
    for (const byte of bytes) {
      const at = this.#at++;
      const key = this.#keyAt === 0 ? 0 : this.#head[this.#keyAt + (at & 3)]!;
      if ((byte ^ key) !== this.#expected[at]) {
        fail(`byte ${at} of a reply differs from the sent message`);
      }
    }
  }
}
