// Dead-peer detection: silence, unanswered pings, and output without progress.

import { TimeoutError } from "../errors.ts";
import { type Timer, timers, type TimerTarget } from "../shared/timer_wheel.ts";

/** The timeouts of dead-peer detection, in milliseconds; 0 disables one. */
export interface KeepaliveRules {
  /** The time between pings to the peer. */
  readonly pingInterval: number;
  /** The maximum silence after a ping. */
  readonly pongTimeout: number;
  /** The maximum silence. */
  readonly readTimeout: number;
  /** The maximum time without progress of buffered output. */
  readonly writeTimeout: number;
  /** The maximum time from the first to the last byte of a message. */
  readonly messageTimeout: number;
}

/** The monitored connection. */
export interface KeepaliveOwner {
  /** Sends a ping. Returns `false` if it cannot, for example on a closing connection. */
  ping(): boolean;
  /** Whether reading from the socket is paused, so that no input can arrive. */
  readonly isPaused: boolean;
  /** Whether reading messages is stopped, even if the socket is read. */
  readonly isStopped: boolean;
  /** Whether a compressed message is being sent in fragments. */
  readonly isSendingCompressed: boolean;
  /** Bytes that the transport has accepted and not yet sent. */
  readonly unsent: number;
  /** Bytes sent so far. */
  readonly sentBytes: number;
  /** The number of the partly received message; 0 without one. */
  readonly partialMessage: number;
  /** The peer is dead. */
  terminateWith(error: TimeoutError): void;
}

const PING = 0;
const PONG = 1;
const READ = 2;
const WRITE = 3;
const MESSAGE = 4;

type KeepaliveCode = "PONG_TIMEOUT" | "READ_TIMEOUT" | "WRITE_TIMEOUT" | "MESSAGE_TIMEOUT";

/**
 * A timeout is checked in this many steps, so that it is detected at most one step late and no
 * clock is read per chunk.
 */
const STEPS = 4;

/** Monitors one connection. */
export class Keepalive implements TimerTarget {
  readonly #rules: KeepaliveRules;
  readonly #owner: KeepaliveOwner;
  readonly #timers: Array<Timer | undefined> = new Array(5).fill(undefined);
  #receivedSincePing = false;
  #receivedSinceStep = false;
  #silentSteps = 0;
  #unsent = 0;
  #stuckSteps = 0;
  #message = 0;
  #messageSteps = 0;
  /** The bytes sent when a ping was last deferred. */
  #sentAtPing = -1;

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

  /** Whether any timeout is set. */
  static isWanted(rules: KeepaliveRules): boolean {
    return rules.pingInterval > 0 || rules.readTimeout > 0 || rules.writeTimeout > 0 ||
      rules.messageTimeout > 0;
  }

  /** Something arrived from the peer. */
  received(): void {
    this.#receivedSincePing = true;
    this.#receivedSinceStep = true;
  }

  /** Output was sent, even if as much is buffered again. */
  moved(): void {
    this.#stuckSteps = 0;
    this.#unsent = 0;
  }

  /** The connection has ended. */
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
    if (this.#defersPing() || !this.#owner.ping()) return;
    if (this.#timers[PONG] === undefined) {
      this.#receivedSincePing = false;
      this.#arm(PONG, this.#rules.pongTimeout);
    }
  }

  /**
   * A control frame between the fragments of a compressed message is legal (RFC 7692 section 6.1),
   * but wsproto, Tornado, Java-WebSocket and Jetty fail on it. So pings wait while such a message
   * makes progress, which also proves that the peer is alive.
   */
  #defersPing(): boolean {
    if (!this.#owner.isSendingCompressed) {
      this.#sentAtPing = -1;
      return false;
    }
    const { sentBytes } = this.#owner;
    const hasMoved = sentBytes !== this.#sentAtPing;
    this.#sentAtPing = sentBytes;
    return hasMoved;
  }

  #checkPong(): void {
    this.#timers[PONG] = undefined;
    if (this.#receivedSincePing || this.#owner.isPaused) return;
    this.#timeOut(
      "PONG_TIMEOUT",
      `The peer did not answer a ping within ${this.#rules.pongTimeout} ms (option pongTimeout)`,
    );
  }

  #checkRead(): void {
    const isAlive = this.#receivedSinceStep || this.#owner.isPaused;
    this.#silentSteps = isAlive ? 0 : this.#silentSteps + 1;
    this.#receivedSinceStep = false;
    const { readTimeout } = this.#rules;
    if (this.#silentSteps < STEPS) this.#arm(READ, readTimeout / STEPS);
    else {this.#timeOut(
        "READ_TIMEOUT",
        `The peer sent nothing for ${readTimeout} ms (option readTimeout)`,
      );}
  }

  #checkWrite(): void {
    const { unsent } = this.#owner;
    this.#stuckSteps = unsent > 0 && unsent === this.#unsent ? this.#stuckSteps + 1 : 0;
    this.#unsent = unsent;
    const { writeTimeout } = this.#rules;
    if (this.#stuckSteps < STEPS) {
      this.#arm(WRITE, writeTimeout / STEPS);
      return;
    }
    this.#timeOut(
      "WRITE_TIMEOUT",
      `The peer read nothing for ${writeTimeout} ms (option writeTimeout)`,
    );
  }

  #checkMessage(): void {
    const { partialMessage } = this.#owner;
    const isSame = partialMessage > 0 && partialMessage === this.#message;
    this.#message = partialMessage;
    this.#messageSteps = isSame && !this.#owner.isStopped ? this.#messageSteps + 1 : 0;
    const { messageTimeout } = this.#rules;
    if (this.#messageSteps < STEPS) {
      this.#arm(MESSAGE, messageTimeout / STEPS);
      return;
    }
    this.#timeOut(
      "MESSAGE_TIMEOUT",
      `A message was not complete within ${messageTimeout} ms (option messageTimeout)`,
    );
  }

  #timeOut(code: KeepaliveCode, message: string): void {
    this.stop();
    this.#owner.terminateWith(new TimeoutError(code, message));
  }
}
