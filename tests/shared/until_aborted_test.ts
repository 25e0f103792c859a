import assert from "node:assert/strict";
import { untilAborted } from "../../src/shared/promises.ts";

const REASON = new Error("given up");

Deno.test("what comes in time is given, and the signal is forgotten", async () => {
  const { signal } = new AbortController();
  const listeners = countListeners(signal);
  assert.equal(await untilAborted(Promise.resolve(7), signal), 7);
  await assert.rejects(untilAborted(Promise.reject(REASON), signal), REASON);
  await Promise.resolve();
  assert.equal(listeners(), 0);
});

Deno.test("without a signal there is nothing to wait for but the promise", async () => {
  assert.equal(await untilAborted(Promise.resolve(7), undefined), 7);
});

Deno.test("an abort is not held up, and what comes later is discarded", async () => {
  const controller = new AbortController();
  const late = Promise.withResolvers<number>();
  const discarded = Promise.withResolvers<number>();
  const waiting = untilAborted(late.promise, controller.signal, discarded.resolve);
  controller.abort(REASON);
  await assert.rejects(waiting, REASON);
  late.resolve(7);
  assert.equal(await discarded.promise, 7);
});

Deno.test("a signal that is aborted already counts, too", async () => {
  const discarded = Promise.withResolvers<number>();
  const waiting = untilAborted(Promise.resolve(7), AbortSignal.abort(REASON), discarded.resolve);
  await assert.rejects(waiting, REASON);
  assert.equal(await discarded.promise, 7);
});

Deno.test("an error after the abort is ignored", async () => {
  const controller = new AbortController();
  const late = Promise.withResolvers<number>();
  const waiting = untilAborted(late.promise, controller.signal);
  controller.abort(REASON);
  await assert.rejects(waiting, REASON);
  // Unhandled, it would fail the test.
  late.reject(new Error("too late"));
});

function countListeners(signal: AbortSignal): () => number {
  let count = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    count++;
    Reflect.apply(addEventListener, signal, args);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    count--;
    Reflect.apply(removeEventListener, signal, args);
  };
  return () => count;
}
