// Fair turns: a peer that sends much is paused from time to time until other connections have been
// read. If many peers send much, their connections share the work of a turn of the event loop.

import { inflateBudget, takeDeflateWork } from "../message/inflate_budget.ts";

/**
 * Work that a connection may cause in a row before the time of its turn is checked: bytes received,
 * bytes of the decompressed messages, and {@linkcode MESSAGE_WORK} for each message. The count
 * restarts when another connection reads.
 */
const TURN_WORK = 524_288;

/**
 * Milliseconds of such work after which a connection waits for the next turn of the event loop. An honest
 * connection rarely reaches them: pausing and resuming it costs more than what it sent (bench/NOTES.md).
 */
export const TURN_TIME = 4;

/** The number of time checks before the turn ends in any case. */
const MOST_LOOKS = 16;

/** The work of a message besides its bytes: the call of the handler, and its output. */
export const MESSAGE_WORK = 512;

/**
 * Work of full-length turns in one turn of the event loop; after it a turn ends at {@linkcode
 * SHORT_TURN_WORK}. So a single attacker gets full turns, and those of a hundred do not add up.
 */
const SHARED_WORK = 4 * TURN_WORK;

/** The work of a turn after many full ones. */
const SHORT_TURN_WORK = TURN_WORK / 8;

/**
 * Consecutive turns without another connection reading, after which a connection counts as alone
 * and no longer waits for a timer between its turns.
 */
const ALONE = 1000;

/**
 * Milliseconds of work in one turn of the event loop after which no connection is read a second
 * time in it. Deno reads a socket again before it looks at timers and other sockets, so that
 * several busy connections could alternate many times before that.
 */
const LONG_TURN = 16;

/**
 * Milliseconds of reading after which the busy connections rest until a timer fires. While it has
 * work, Deno polls sockets only every 61 turns of its event loop (tokio's `event_interval`), so
 * that the other connections would wait for seconds. Only for transports with `pollsRarely`.
 */
const REST_AFTER = 100;

/** A connection rests only if it has read within this many turns of the event loop. */
const RECENT_TURNS = 4;

/** Timers after which a rest ends in any case. */
const MAX_REST_TIMERS = 8;

/** A connection that reads. */
export interface TurnTaker {
  /**
   * The number of the turn of the event loop in which it last read; negative before the first read.
   */
  readIn: number;
}

/** The connection that read last, and its work since another one read. */
let reading: TurnTaker | undefined;
let work = 0;
/** The work of the connections that read before it, since the time of the turn was last checked. */
let workBefore = 0;
/** The number of the current turn of the event loop, its start, and whether it is long. */
let turn = 0;
let turnBegan = 0;
let isTurnLong = false;
/** Whether this turn is long and the reading connection has already read in it. */
let isRepeated = false;
/** The current limit for the work of a turn. */
let turnWork = TURN_WORK;
/** When the reading connection first reached that limit, and how often it has since. */
let workedSince = 0;
let looks = 0;
/** Work of ended turns, and whether a timer will reset it after this turn of the event loop. */
let sharedWork = 0;
let isShared = false;
/** Counts the changes of the reading connection. */
let changes = 0;
/** The number of open connections that need rests, and whether there is a rest now. */
let openConnections = 0;
let isResting = false;
/**
 * The current busy period: its start as a time and as a turn, the number of connections that have
 * read in it, and the time of its last check.
 */
let busySince = 0;
let busyTurn = 0;
let busyConnections = 0;
let busyAt = 0;
/** Counts the connections that rests have paused. */
let rested = 0;

/** A connection reads bytes. */
export function startWork(connection: TurnTaker, bytes: number): void {
  // Compression since the last read was the work of other connections.
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

/** Adds work of the reading connection. Returns whether its turn has ended. */
export function addWork(amount: number): boolean {
  work += amount;
  return (isRepeated || work >= turnWork) && isTurnOver();
}

/**
 * The connections together have caused the work of one turn: checks how long the turn of the event
 * loop has taken.
 */
function checkTurn(): void {
  workBefore = 0;
  const now = performance.now();
  if (openConnections > 0) checkRest(now);
  if (isShared) isTurnLong = now - turnBegan >= LONG_TURN;
  else shareTurn();
}

/** A connection has opened that has to rest when it keeps others from being read. */
export function beginRests(): void {
  openConnections++;
}

/** Such a connection has closed, and no longer counts as a reading one. */
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
  // If all of them read, none of them has to wait.
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

/** Resets all work at the next timers, which fire after all sockets were read. */
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

/**
 * Continues a message in a later turn of the event loop: one message per turn, of all connections.
 */
export function continueLater(act: () => void): void {
  if (paused.push(act) === 1) setTimeout(continueNext);
}

function continueNext(): void {
  const act = paused.shift()!;
  if (paused.length > 0) setTimeout(continueNext);
  act();
}

/** Milliseconds per turn of the event loop for connections whose own turns have ended. */
const RESUMED_TIME = 8;

/** Connections whose turns have ended, in the order of continuation. */
const ended: Array<() => void> = [];
let isResumeScheduled = false;

function scheduleResume(): void {
  if (isResumeScheduled) return;
  isResumeScheduled = true;
  setTimeout(resumeEnded);
}

/**
 * Each continues at most once: connections whose turns end again wait for the next turn of the
 * event loop.
 */
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
  /** Turns that it has used since another connection read. */
  #alone = 0;
  #changesBefore = 0;

  /**
   * Ends a turn, and calls `act` in a later turn of the event loop. A timer fires a millisecond
   * late, after the input of all sockets; an immediate costs nothing, but on Deno several may run
   * before sockets are polled.
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

/** The reading connection begins a new turn. */
export function resetWork(): void {
  isRepeated = false;
  work = 0;
  looks = 0;
}
