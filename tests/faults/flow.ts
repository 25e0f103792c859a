// Forwards one direction of a connection through the fault proxy and applies a fault.

import type { Socket } from "node:net";
import { setTimeout } from "node:timers";
import type { Fault } from "./faults.ts";

/** The milliseconds between two writes of a flow with a `cap` fault. */
const CAP_INTERVAL = 100;

/** Forwards bytes from one socket to another. */
export class Flow {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #fault: Fault | undefined;
  readonly #onFault: () => void;
  #passed = 0;
  /** The total delay caused by the fault, in milliseconds. */
  #delay = 0;
  #waiting: Uint8Array[] = [];
  /** Whether the fault blocks the flow. */
  #isBlocked = false;
  /** Whether the receiver applies backpressure. */
  #isCongested = false;
  #ended = false;
  /** Whether the destination is closed. */
  #isClosed = false;

  /**
   * @param from The source.
   * @param to The destination.
   * @param fault The fault, if any.
   * @param onFault Called once, when the fault starts.
   */
  constructor(from: Socket, to: Socket, fault: Fault | undefined, onFault: () => void) {
    this.#from = from;
    this.#to = to;
    this.#fault = fault;
    this.#onFault = onFault;
    from.on("data", (chunk: Uint8Array) => {
      this.#waiting.push(chunk);
      this.#flow();
    });
    from.on("end", () => {
      this.#ended = true;
      this.#flow();
    });
    to.on("drain", () => {
      this.#isCongested = false;
      this.#flow();
    });
  }

  #flow(): void {
    if (this.#to.destroyed) return;
    while (!this.#stopped && this.#waiting.length > 0) this.#process(this.#waiting.shift()!);
    if (this.#stopped) this.#from.pause();
    else if (this.#ended) this.#end();
    else this.#from.resume();
  }

  get #stopped(): boolean {
    return this.#isBlocked || this.#isCongested;
  }

  #process(chunk: Uint8Array): void {
    if (this.#isClosed) return;
    const fault = this.#fault;
    if (fault === undefined || this.#delay > fault.duration) return this.#pass(chunk);
    const before = fault.after - this.#passed;
    if (before >= chunk.length) return this.#pass(chunk);
    if (before > 0) {
      this.#waiting.unshift(chunk.subarray(before));
      return this.#pass(chunk.subarray(0, before));
    }
    if (before === 0) this.#onFault();
    this.#applyFault(fault, chunk, before === 0);
  }

  #applyFault(fault: Fault, chunk: Uint8Array, isFirst: boolean): void {
    const { kind, bytes, milliseconds } = fault;
    switch (kind) {
      case "reset":
        this.#isClosed = true;
        this.#from.resetAndDestroy();
        this.#to.resetAndDestroy();
        return;
      case "half-close":
        this.#end();
        return;
      case "freeze":
        this.#isBlocked = true;
        return;
      case "stall":
        if (!isFirst) return this.#pass(chunk);
        return this.#later(milliseconds, chunk);
      case "delay":
        return this.#later(milliseconds, chunk);
      case "chop":
        if (this.#passed > fault.after + bytes) return this.#pass(chunk);
        this.#later(0, chunk.subarray(0, 1), chunk.subarray(1));
        return;
      case "cap":
        this.#later(CAP_INTERVAL, chunk.subarray(0, bytes), chunk.subarray(bytes));
    }
  }

  /** Forwards a chunk after a delay. `rest` is the data after it. */
  #later(milliseconds: number, chunk: Uint8Array, rest?: Uint8Array): void {
    if (rest !== undefined && rest.length > 0) this.#waiting.unshift(rest);
    this.#isBlocked = true;
    this.#delay += milliseconds;
    setTimeout(() => {
      this.#isBlocked = false;
      this.#pass(chunk);
      this.#flow();
    }, milliseconds);
  }

  #pass(chunk: Uint8Array): void {
    this.#passed += chunk.length;
    if (!this.#to.writable) return;
    if (!this.#to.write(chunk)) this.#isCongested = true;
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#to.end();
  }
}
