// The CloseEvent interface.

import {
  defineInterface,
  dictionary,
  domString,
  requireArguments,
  unsignedShort,
  usvString,
} from "./webidl.ts";

/**
 * The members of a {@linkcode CloseEvent}.
 *
 * @category WHATWG WebSocket
 */
export interface CloseEventInit {
  /** Whether the event bubbles. Default: `false`. */
  bubbles?: boolean;
  /** Whether the event can be canceled. Default: `false`. */
  cancelable?: boolean;
  /** Whether the event leaves a shadow tree. Default: `false`. */
  composed?: boolean;
  /** Whether the closing handshake was completed. Default: `false`. */
  wasClean?: boolean;
  /** The close code. Default: 0. */
  code?: number;
  /** The close reason. Default: empty. */
  reason?: string;
}

/**
 * The event fired by a {@linkcode WebSocket} when its connection is closed.
 *
 * @example
 * ```ts
 * import { CloseEvent } from "@quickws/quickws/web";
 *
 * const event = new CloseEvent("close", { wasClean: true, code: 1000, reason: "done" });
 * console.log(event.type, event.wasClean, event.code, event.reason); // close true 1000 done
 * ```
 *
 * @category WHATWG WebSocket
 */
export class CloseEvent extends Event {
  readonly #wasClean: boolean;
  readonly #code: number;
  readonly #reason: string;

  /**
   * Creates an event.
   *
   * @param type Its type, usually `"close"`.
   * @param eventInitDict Its members.
   * @throws {TypeError} When there is no type, or the members are not an object.
   */
  constructor(type: string, eventInitDict: CloseEventInit = {}) {
    requireArguments("the constructor of CloseEvent", arguments.length, 1);
    const init = dictionary("The members of a CloseEvent", eventInitDict);
    super(domString(type), init);
    this.#wasClean = Boolean(init.wasClean ?? false);
    this.#code = unsignedShort(init.code ?? 0);
    this.#reason = usvString(init.reason ?? "");
  }

  /** Whether the closing handshake was completed. */
  get wasClean(): boolean {
    return this.#wasClean;
  }

  /** The close code: 1005 if the peer sent none, 1006 without a Close frame. */
  get code(): number {
    return this.#code;
  }

  /** The close reason. */
  get reason(): string {
    return this.#reason;
  }
}

defineInterface(CloseEvent, "CloseEvent", ["wasClean", "code", "reason"]);
