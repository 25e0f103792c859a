// Fair turns: a connection that sends much waits from time to time until the others have been read. Where many
// send much, they share the work of a turn of the event loop.

import { inflateBudget, takeDeflateWork } from "../message/inflate_budget.ts";

/**
 * Work that a connection may cause in a row before the time of its turn is checked: bytes that it sent, bytes
 * of the messages that came out of them, and {@linkcode MESSAGE_WORK} for each message. Where others read in
 * between, it begins anew.
 */
const TURN_WORK = 524_288;

/**
 * Milliseconds of such work after which a connection waits for the next turn of the event loop. An honest
 * connection rarely reaches them: pausing and resuming it costs more than what it sent (bench/NOTES.md).
 */
export const TURN_TIME = 4;

/** The number of time checks before the turn ends in any case. */
const MOST_LOOKS = 16;

/** The work of a message beside its bytes: calling the handler, and what that sends. */
export const MESSAGE_WORK = 512;

/**
 * Work of whole turns that connections may cause in one turn of the event loop; after that a turn is over with
 * {@linkcode SHORT_TURN_WORK}. One attacker has full turns, and a hundred do not add up.
 */
const SHARED_WORK = 4 * TURN_WORK;

/** The work of a turn where many have had one. */
const SHORT_TURN_WORK = TURN_WORK / 8;

/**
 * Turns in a row in which no other connection has read, after which a connection counts as alone and no
 * longer waits for a timer between its turns.
 */
const ALONE = 1000;

/**
 * Milliseconds of work in one turn of the event loop after which no connection is read a second time in it. Deno
 * reads a socket again before it looks at timers and other sockets, so that connections that take turns with
 * each other could do that many times.
 */
const LONG_TURN = 16;

/**
 * Milliseconds of reading after which the connections that read all the time rest until a timer fires. Deno
 * looks for sockets with input only every 61 turns of its event loop as long as there is work left, so that
 * others would wait for seconds (tokio's `event_interval`). Only for transports with `pollsRarely`.
 */
const REST_AFTER = 100;

/** A connection rests only if it has read within so many turns of the event loop. */
const RECENT_TURNS = 4;

/** Timers after which a rest is over in any case. */
const MAX_REST_TIMERS = 8;

/** A connection that reads. */
export interface TurnTaker {
  /** The number of the turn of the event loop in which it has read last; negative before it has. */
  readIn: number;
}

/** The connection that has read last, and its work since others did. */
let reading: TurnTaker | undefined;
let work = 0;
/** The work of the connections that have read before it, since the time of the turn was checked. */
let workBefore = 0;
/** The number of the present turn of the event loop, when work in it was counted first, and whether it is long. */
let turn = 0;
let turnBegan = 0;
let isTurnLong = false;
/** Whether the connection that reads has done so before in a turn that is long. */
let isRepeated = false;
/** The work that a turn may have at present. */
let turnWork = TURN_WORK;
/** When the connection that reads had caused that much work first, and how often it has. */
let workedSince = 0;
let looks = 0;
/** Work of whole turns, and whether it is set back at the end of this turn of the event loop. */
let sharedWork = 0;
let isShared = false;
/** How often another connection than before has read. */
let changes = 0;
/** The open connections of transports that ask for rests, and whether there is a rest at present. */
let openConnections = 0;
let isResting = false;
/** Since when and since which turn much is read without a rest, by how many, and when that was last checked. */
let busySince = 0;
let busyTurn = 0;
let busyConnections = 0;
let busyAt = 0;
/** How often a connection was told to rest. */
let rested = 0;

/** A connection reads bytes. */
export function startWork(connection: TurnTaker, bytes: number): void {
  // Compression since the last read was work of other connections.
  takeDeflateWork();
  if (reading !== connection) {
    workBefore += work;
    if (workBefore >= TURN_WORK) checkTurn();
    isRepeated = isTurnLong && connection.readIn === turn;
    if (connection.readIn < busyTurn) busyConnections++;
    if (isResting && turn - connection.readIn <= RECENT_TURNS) {
      isRepeated = true;
      rested++;
    }
    connection.readIn = turn;
    reading = connection;
    work = 0;
    looks = 0;
    changes++;
  }
  work += bytes;
}

/** Adds work of the connection that reads. Returns whether its turn is over. */
export function addWork(amount: number): boolean {
  work += amount;
  return (isRepeated || work >= turnWork) && isTurnOver();
}

/** Many connections have caused as much work as one may: checks how long the turn of the event loop takes. */
function checkTurn(): void {
  workBefore = 0;
  const now = performance.now();
  if (openConnections > 0) checkRest(now);
  if (isShared) isTurnLong = now - turnBegan >= LONG_TURN;
  else shareTurn();
}

/** A connection has opened that rests where it reads all the time and others do not. */
export function beginRests(): void {
  openConnections++;
}

/** Such a connection has closed, and no longer counts as one that reads. */
export function endRests({ readIn }: TurnTaker): void {
  openConnections--;
  if (readIn >= busyTurn) busyConnections--;
}

function beginBusy(now: number): void {
  busySince = now;
  busyTurn = ++turn;
  busyConnections = 0;
}

function checkRest(now: number): void {
  if (now - busyAt > REST_AFTER) beginBusy(now);
  busyAt = now;
  if (isResting || now - busySince < REST_AFTER) return;
  // Where all of them read, none waits for the others.
  if (busyConnections >= openConnections) {
    beginBusy(now);
    return;
  }
  isResting = true;
  // The first timer may fire before any of them has read again.
  let before = -1;
  let timers = 0;
  const next = (): void => {
    timers++;
    if (rested !== before && timers < MAX_REST_TIMERS) {
      before = rested;
      setTimeout(next, 1);
      return;
    }
    isResting = false;
    beginBusy(performance.now());
    if (ended.length > 0) scheduleResume();
  };
  setTimeout(next, 1);
}

function isTurnOver(): boolean {
  if (isRepeated || turnWork < TURN_WORK) return true;
  const now = performance.now();
  if (looks++ === 0) workedSince = now;
  else if (now - workedSince >= TURN_TIME || looks >= MOST_LOOKS) return true;
  work = 0;
  return false;
}

/** At the next timers, which is after all sockets were read, all work is forgotten. */
function shareTurn(): void {
  if (isShared) return;
  isShared = true;
  turnBegan = performance.now();
  setTimeout(() => {
    isShared = false;
    isTurnLong = false;
    turn++;
    sharedWork = 0;
    turnWork = TURN_WORK;
    inflateBudget.spent = 0;
  });
}

inflateBudget.whenSpent = shareTurn;

/** Messages whose decompression or compression is paused, in the order in which they continue. */
const paused: Array<() => void> = [];

/** Continues a message in a later turn of the event loop: one of all connections in each. */
export function continueLater(act: () => void): void {
  if (paused.push(act) === 1) setTimeout(continueNext);
}

function continueNext(): void {
  const act = paused.shift()!;
  if (paused.length > 0) setTimeout(continueNext);
  act();
}

/** Milliseconds for which connections whose turns have ended read in one turn of the event loop. */
const RESUMED_TIME = 8;

/** Connections whose turns have ended, in the order in which they continue. */
const ended: Array<() => void> = [];
let isResumeScheduled = false;

function scheduleResume(): void {
  if (isResumeScheduled) return;
  isResumeScheduled = true;
  setTimeout(resumeEnded);
}

/** Each continues once at most: those whose turns end again wait for the next turn of the event loop. */
function resumeEnded(): void {
  isResumeScheduled = false;
  if (isResting) return;
  const end = performance.now() + RESUMED_TIME;
  for (let count = ended.length; count > 0; count--) {
    ended.shift()!();
    if (performance.now() >= end) break;
  }
  if (ended.length > 0) scheduleResume();
}

/** The turns of one connection. */
export class Turns {
  /** Turns of the event loop that it has used up since another connection has read. */
  #alone = 0;
  #changesBefore = 0;

  /**
   * Ends a turn, and calls `act` in a later turn of the event loop. A timer is a millisecond late, and behind
   * what all sockets have received; an immediate costs nothing, but on Deno several may run before sockets
   * are looked at.
   */
  end(act: () => void): void {
    this.#alone = changes === this.#changesBefore ? this.#alone + 1 : 0;
    this.#changesBefore = changes;
    if (this.#alone <= ALONE) {
      shareTurn();
      sharedWork += turnWork;
      if (sharedWork >= SHARED_WORK) turnWork = SHORT_TURN_WORK;
    }
    const setImmediate: unknown = this.#alone > ALONE
      ? Reflect.get(globalThis, "setImmediate")
      : undefined;
    if (typeof setImmediate === "function") setImmediate(act);
    else {
      ended.push(act);
      scheduleResume();
    }
  }
}

/** The connection that reads begins a new turn. */
export function resetWork(): void {
  isRepeated = false;
  work = 0;
  looks = 0;
}
