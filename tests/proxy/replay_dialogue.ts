// Replays a proxy's responses to a dialogue, split in every way.

import { WebSocketError } from "../../src/errors.ts";
import type { ProxyDialogue } from "../../src/proxy/dialogue.ts";
import { replay } from "../support/replay.ts";
import { concat, toHex } from "../support/vectors.ts";

/** The outcome of a dialogue. */
export interface Outcome {
  /** Whether the tunnel to the target is open. */
  readonly done: boolean;
  /** The bytes sent to the proxy, in hexadecimal, unless it failed. */
  readonly sent?: string;
  /** The bytes that followed the dialogue, in hexadecimal, unless it failed. */
  readonly rest?: string;
  /** The error, if it failed. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** Passes responses to a dialogue, split in every way. The outcome must be the same each time. */
export function converse(answers: Uint8Array, open: () => ProxyDialogue): Outcome {
  return replay(answers, () => new Conversation(open()))[0];
}

class Conversation {
  readonly #dialogue: ProxyDialogue;
  #sent: Uint8Array;
  #behind: Uint8Array = new Uint8Array(0);
  #error: WebSocketError | undefined;

  constructor(dialogue: ProxyDialogue) {
    this.#dialogue = dialogue;
    this.#sent = dialogue.begin();
  }

  read(memory: Uint8Array, start: number, end: number): void {
    if (this.#error !== undefined) return;
    const chunk = memory.subarray(start, end);
    if (this.#dialogue.done) {
      this.#behind = concat(this.#behind, chunk);
      return;
    }
    try {
      this.#sent = concat(this.#sent, this.#dialogue.receive(chunk));
      this.#behind = this.#dialogue.rest.slice();
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      this.#error = error;
    }
  }

  get events(): [Outcome] {
    const { done } = this.#dialogue;
    if (this.#error !== undefined) {
      // The pending output depends on the split and does not matter after a failure.
      const { code, message } = this.#error;
      return [{ done, error: { code, message } }];
    }
    return [{ done, sent: toHex(this.#sent), rest: toHex(this.#behind) }];
  }
}
