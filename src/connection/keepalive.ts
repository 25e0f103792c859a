// Notices peers that are gone: silence, unanswered pings, output that does not move.

import { TimeoutError } from "../errors.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";

/** How long a connection may stay without a sign of life; all in milliseconds, 0 is for ever. */
export interface KeepaliveRules {
  /** The time between two pings of ours. */
  readonly pingInterval: number;
  /** How long silence may last after a ping. */
  readonly pongTimeout: number;
  /** How long silence may last. */
  readonly readTimeout: number;
  /** How long output may wait without any of it leaving. */
  readonly writeTimeout: number;
  /** How long one message may take from its first piece to its last. */
  readonly messageTimeout: number;
}

/** The connection that is watched. */
export interface KeepaliveOwner {
  /** Sends a ping. */
  ping(): void;
  /** Whether we do not read at the moment, and so could not hear the peer if it spoke. */
  readonly deaf: boolean;
  /** Bytes that the transport has taken and that have not left. */
  readonly unsent: number;
  /** The number of the message that the peer is in the middle of; 0 while it is in none. */
  readonly messageUnderWay: number;
  /** The peer is gone. */
  gone(error: TimeoutError): void;
}

const PING = 0;
const PONG = 1;
const READ = 2;
const WRITE = 3;
const MESSAGE = 4;

type KeepaliveCode = "PONG_TIMEOUT" | "READ_TIMEOUT" | "WRITE_TIMEOUT" | "MESSAGE_TIMEOUT";

/**
 * A timeout is watched in this many steps: it is found at most one step late, and nobody has to look
 * at a clock when a chunk arrives.
 */
const STEPS = 4;

/** Watches one connection. */
export class Keepalive implements TimerTarget {
  readonly #rules: KeepaliveRules;
  readonly #owner: KeepaliveOwner;
  readonly #timers: Array<Timer | undefined> = new Array(5).fill(undefined);
  #heardSincePing = false;
  #heardSinceStep = false;
  #silentSteps = 0;
  #unsent = 0;
  #stuckSteps = 0;
  #message = 0;
  #messageSteps = 0;

  /**
   * @param rules The times.
   * @param owner The connection.
   */
  constructor(rules: KeepaliveRules, owner: KeepaliveOwner) {
    this.#rules = rules;
    this.#owner = owner;
    this.#arm(PING, rules.pingInterval);
    this.#arm(READ, rules.readTimeout / STEPS);
    this.#arm(WRITE, rules.writeTimeout / STEPS);
    this.#arm(MESSAGE, rules.messageTimeout / STEPS);
  }

  /** Whether any of the times is set, so that there is something to watch. */
  static isWanted(rules: KeepaliveRules): boolean {
    return rules.pingInterval > 0 || rules.readTimeout > 0 || rules.writeTimeout > 0 ||
      rules.messageTimeout > 0;
  }

  /** Something arrived from the peer. */
  heard(): void {
    this.#heardSincePing = true;
    this.#heardSinceStep = true;
  }

  /** Output has left, though perhaps as much as before waits again. */
  moved(): void {
    this.#stuckSteps = 0;
    this.#unsent = 0;
  }

  /** The connection is over. */
  stop(): void {
    for (const timer of this.#timers) timers.cancel(timer);
  }

  /** A timer is due. */
  timerFired(kind: number): void {
    if (kind === PING) this.#ping();
    else if (kind === PONG) this.#checkPong();
    else if (kind === READ) this.#checkRead();
    else if (kind === WRITE) this.#checkWrite();
    else this.#checkMessage();
  }

  #arm(kind: number, delay: number): void {
    if (delay > 0) this.#timers[kind] = timers.start(delay, this, kind);
  }

  #ping(): void {
    this.#arm(PING, this.#rules.pingInterval);
    if (this.#timers[PONG] === undefined) {
      this.#heardSincePing = false;
      this.#arm(PONG, this.#rules.pongTimeout);
    }
    this.#owner.ping();
  }

  #checkPong(): void {
    this.#timers[PONG] = undefined;
    if (this.#heardSincePing || this.#owner.deaf) return;
    this.#gone(
      "PONG_TIMEOUT",
      `The peer did not answer a ping within ${this.#rules.pongTimeout} ms`,
    );
  }

  #checkRead(): void {
    this.#silentSteps = this.#heardSinceStep || this.#owner.deaf ? 0 : this.#silentSteps + 1;
    this.#heardSinceStep = false;
    if (this.#silentSteps < STEPS) this.#arm(READ, this.#rules.readTimeout / STEPS);
    else this.#gone("READ_TIMEOUT", `The peer sent nothing for ${this.#rules.readTimeout} ms`);
  }

  #checkWrite(): void {
    const { unsent } = this.#owner;
    this.#stuckSteps = unsent > 0 && unsent === this.#unsent ? this.#stuckSteps + 1 : 0;
    this.#unsent = unsent;
    if (this.#stuckSteps < STEPS) this.#arm(WRITE, this.#rules.writeTimeout / STEPS);
    else this.#gone("WRITE_TIMEOUT", `The peer took nothing for ${this.#rules.writeTimeout} ms`);
  }

  #checkMessage(): void {
    const { messageUnderWay } = this.#owner;
    const same = messageUnderWay > 0 && messageUnderWay === this.#message;
    this.#message = messageUnderWay;
    this.#messageSteps = same && !this.#owner.deaf ? this.#messageSteps + 1 : 0;
    const { messageTimeout } = this.#rules;
    if (this.#messageSteps < STEPS) this.#arm(MESSAGE, messageTimeout / STEPS);
    else this.#gone("MESSAGE_TIMEOUT", `A message was not whole within ${messageTimeout} ms`);
  }

  #gone(code: KeepaliveCode, message: string): void {
    this.stop();
    this.#owner.gone(new TimeoutError(code, message));
  }
}
