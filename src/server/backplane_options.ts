// The options of `serve` that are about the engine between servers, and their check.

import type { Backplane, BackplaneQueueOptions, ResumeOptions } from "../pubsub/backplane.ts";
import { checkInteger, checkNames, checkOneOf, wrongType } from "../shared/check.ts";
import { MAX_INT32 } from "../connection/connection_options.ts";

/** The most messages of a topic that can be kept: all of them may have to be read at once. */
const MAX_MESSAGES = 1_000_000;

/** The options about the engine, see those of `serve`. */
export interface BackplaneOptions {
  /** The engine. */
  backplane?: Backplane;
  /** What waits while it is away. */
  backplaneQueue?: BackplaneQueueOptions;
  /** What it keeps. */
  resume?: ResumeOptions;
}

/** @throws {TypeError | RangeError} When one of them is of the wrong type or range. */
export function checkBackplane({ backplane, backplaneQueue, resume }: BackplaneOptions): void {
  if (backplane !== undefined) {
    checkFunctions("backplane", backplane, [
      "start",
      "publish",
      "subscribe",
      "unsubscribe",
      "close",
    ]);
  }
  if (backplaneQueue !== undefined) {
    checkNames('Option "backplaneQueue"', backplaneQueue, ["maxBytes", "drop"]);
    checkInteger("backplaneQueue.maxBytes", backplaneQueue.maxBytes, 0, MAX_INT32, "bytes");
    checkOneOf("backplaneQueue.drop", backplaneQueue.drop, ["oldest", "newest"]);
  }
  if (resume !== undefined) checkResume(resume, backplane);
}

function checkResume(resume: ResumeOptions, backplane: Backplane | undefined): void {
  checkNames('Option "resume"', resume, ["maxAge", "maxMessages"]);
  const { maxAge, maxMessages }: Partial<ResumeOptions> = resume;
  if (maxAge === undefined) throw wrongType("resume.maxAge", "a number of milliseconds", maxAge);
  if (maxMessages === undefined) {
    throw wrongType("resume.maxMessages", "a number of messages", maxMessages);
  }
  checkInteger("resume.maxAge", maxAge, 1, MAX_INT32, "milliseconds");
  checkInteger("resume.maxMessages", maxMessages, 1, MAX_MESSAGES, "messages");
  const history = backplane?.history;
  if (history === undefined) {
    const what = backplane === undefined ? "there is none" : "this one keeps none";
    throw new TypeError(`Option "resume" needs a "backplane" that keeps a history, and ${what}`);
  }
  checkFunctions("backplane.history", history, ["keep", "append", "read"]);
}

function checkFunctions(name: string, value: unknown, functions: readonly string[]): void {
  const object = value as Record<string, unknown> | null;
  for (const each of functions) {
    if (typeof object?.[each] !== "function") {
      throw wrongType(name, `an object with a function "${each}"`, value);
    }
  }
}
