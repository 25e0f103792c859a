// Fair scheduling: a busy peer is paused periodically until other connections have been read. Many
// busy peers share the work of one turn of the event loop.

import { inflateBudget, takeDeflateWork } from "../message/inflate_budget.ts";

/**
 * Consecutive work of one connection before the duration of its turn is checked: bytes received,
 * bytes of decompressed messages, and {@linkcode MESSAGE_WORK} per message. The count restarts when
 * another connection reads.
 */
const TURN_WORK = 524_288;

/**
 * Milliseconds of such work after which a connection waits for the next turn of the event loop.
 * Well-behaved connections rarely reach it: pausing and resuming them would cost more than their
 * messages (bench/NOTES.md).
 */
export const TURN_TIME = 4;

/** The number of time checks after which the turn ends regardless. */
const MAX_CHECKS = 16;

/** The work of a message in addition to its bytes: the handler call and its output. */
export const MESSAGE_WORK = 512;

/**
 * Work of full-length turns per turn of the event loop; beyond it a turn ends at {@linkcode
 * SHORT_TURN_WORK}. So a single attacker gets full turns, but those of a hundred do not add up.
 */
const SHARED_WORK = 4 * TURN_WORK;

/** The work of a turn after many full ones. */
const SHORT_TURN_WORK = TURN_WORK / 8;

/**
 * Consecutive turns of one connection without others reading, after which it no longer waits for a
 * timer between turns.
 */
const ALONE = 1000;

/**
 * Milliseconds of work in one turn of the event loop after which no connection is read twice in it.
 * Deno reads a socket again before it polls timers and other sockets, so several busy connections
 * could alternate many times.
 */
const LONG_TURN = 16;

/**
 * Milliseconds of reading after which busy connections rest until a timer fires. Under load, Deno
 * polls sockets only every 61 turns of its event loop (tokio's `event_interval`), so other
 * connections would wait for seconds. Only for transports with `pollsRarely`.
 */
const REST_AFTER = 100;

/** A connection rests only if it has read within this many turns of the event loop. */
const RECENT_TURNS = 4;

/** Timers after which a rest ends regardless. */
const MAX_REST_TIMERS = 8;

/** A connection that reads. */
export interface TurnTaker {
  /** The turn of the event loop in which it last read; negative before the first read. */
  readTurn: number;
}

/** The connection that read last, and its work since another one read. */
let reading: TurnTaker | undefined;
let work = 0;
/** The work of connections that read before it, since the last check of the turn's duration. */
let workBefore = 0;
/** The current turn of the event loop: its number, its start, and whether it is long. */
let turn = 0;
let turnBegan = 0;
let isTurnLong = false;
/** Whether this turn is long and the reading connection has already read in it. */
let isRepeated = false;
/** The current limit for the work of a turn. */
let turnWork = TURN_WORK;
/** When the reading connection first reached that limit, and how often since. */
let workedSince = 0;
let checks = 0;
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
/** The number of connections paused by rests. */
let rested = 0;

/** A connection reads bytes. */
export function startWork(connection: TurnTaker, bytes: number): void {
  // Compression since the last read was for other connections.
  takeDeflateWork();
  if (reading !== connection) {
    workBefore += work;
    if (workBefore >= TURN_WORK) checkTurn();
    isRepeated = isTurnLong && connection.readTurn === turn;
    if (connection.readTurn < busyTurn) busyConnections++;
    if (isResting && turn - connection.readTurn <= RECENT_TURNS) {
      isRepeated = true;
      rested++;
    }
    connection.readTurn = turn;
    reading = connection;
    work = 0;
    checks = 0;
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
 * All connections together have reached the work of one turn: checks the duration of the turn of
 * the event loop.
 */
function checkTurn(): void {
  workBefore = 0;
  const now = performance.now();
  if (openConnections > 0) checkRest(now);
  if (isShared) isTurnLong = now - turnBegan >= LONG_TURN;
  else shareTurn();
}

/** A connection that must rest when it starves others has opened. */
export function beginRests(): void {
  openConnections++;
}

/** Such a connection has closed and no longer counts as reading. */
export function endRests({ readTurn }: TurnTaker): void {
  openConnections--;
  if (readTurn >= busyTurn) busyConnections--;
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
  // If all of them are busy, none is starved.
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
  if (checks++ === 0) workedSince = now;
  else if (now - workedSince >= TURN_TIME || checks >= MAX_CHECKS) return true;
  work = 0;
  return false;
}

/** Resets all work at the next timer, which fires after all sockets have been read. */
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

/** Messages with paused compression or decompression, in order of continuation. */
const paused: Array<() => void> = [];

/**
 * Continues a message in a later turn of the event loop: one message per turn for all connections.
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
 * Each continues at most once; connections whose turns end again wait for the next turn of the
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
  /** Its turns since another connection read. */
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
  checks = 0;
}
