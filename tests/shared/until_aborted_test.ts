import assert from "node:assert/strict";
import { untilAborted } from "../../src/shared/user_code.ts";

const REASON = new Error("given up");

Deno.test("settles with the promise and removes the signal's listener", async () => {
  const { signal } = new AbortController();
  const listeners = countListeners(signal);
  assert.equal(await untilAborted(Promise.resolve(7), signal), 7);
  await assert.rejects(untilAborted(Promise.reject(REASON), signal), REASON);
  await Promise.resolve();
  assert.equal(listeners(), 0);
});

Deno.test("without a signal, settles with the promise", async () => {
  assert.equal(await untilAborted(Promise.resolve(7), undefined), 7);
});

Deno.test("rejects on abort immediately and discards a later result", async () => {
  const controller = new AbortController();
  const late = Promise.withResolvers<number>();
  const discarded = Promise.withResolvers<number>();
  const waiting = untilAborted(late.promise, controller.signal, discarded.resolve);
  controller.abort(REASON);
  await assert.rejects(waiting, REASON);
  late.resolve(7);
  assert.equal(await discarded.promise, 7);
});

Deno.test("rejects with an aborted signal", async () => {
  const discarded = Promise.withResolvers<number>();
  const waiting = untilAborted(Promise.resolve(7), AbortSignal.abort(REASON), discarded.resolve);
  await assert.rejects(waiting, REASON);
  assert.equal(await discarded.promise, 7);
});

Deno.test("ignores an error after the abort", async () => {
  const controller = new AbortController();
  const late = Promise.withResolvers<number>();
  const waiting = untilAborted(late.promise, controller.signal);
  controller.abort(REASON);
  await assert.rejects(waiting, REASON);
  // An unhandled rejection fails the test.
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
