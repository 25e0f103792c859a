// Tests connection attempts, the delays between them, and cancellation, without real connections.

import assert from "node:assert/strict";
import { ConnectionError, WebSocketError } from "../../src/errors.ts";
import type { CloseInfo } from "../../src/session/end.ts";
import {
  type ConnectionLoss,
  type ReconnectOptions,
  reconnectRules,
} from "../../src/reconnect/options.ts";
import { Attempts, type Failure } from "../../src/reconnect/attempts.ts";
import { Queue } from "../support/live_harness.ts";
import { nextMacrotask } from "../support/socket_harness.ts";

const HOUR = 3_600_000;
const failure = new ConnectionError("CONNECT_FAILED", "no listener");
const info: CloseInfo = { code: 1001, reason: "", clean: true, initiator: "remote" };

/** Attempts whose outcomes the test controls. */
class TestAttempts extends Attempts {
  readonly log: Queue<string> = new Queue();
  readonly losses: ConnectionLoss[] = [];
  readonly signals: AbortSignal[] = [];
  readonly rejects: Array<(error: unknown) => void> = [];
  readonly reported: unknown[] = [];
  error: Error | undefined;
  onWait = (): void => {};

  constructor(options: ReconnectOptions) {
    super(reconnectRules(options));
    this.nextAttempt();
  }

  protected dial(signal: AbortSignal): Promise<unknown> {
    this.signals.push(signal);
    this.log.push("dial");
    return new Promise((_, reject) => this.rejects.push(reject));
  }

  protected waits(loss: ConnectionLoss): void {
    this.losses.push(loss);
    this.log.push(`wait ${loss.attempt}`);
    this.onWait();
  }

  protected report(error: unknown): void {
    this.reported.push(error);
  }

  protected gaveUp(_: Failure, error: Error | undefined): void {
    this.error = error;
    this.log.push("gave up");
  }
}

Deno.test("retries failed attempts up to maxAttempts", async () => {
  const trial = new TestAttempts({ minDelay: 1, maxAttempts: 2 });
  trial.rejects[0](failure);
  await trial.log.atLeast(3);
  trial.rejects[1](failure);
  await trial.log.atLeast(4);
  assert.deepEqual(trial.log.all, ["dial", "wait 1", "dial", "gave up"]);
  assert.equal(trial.losses[0].error, failure);
  assert.equal(trial.error, failure);
  assert.equal(trial.reconnectNow(), false, "no delay is pending");
});

Deno.test("a connection that closes early counts as a failure, and a stable one resets the count", () => {
  for (const [minUptime, counts] of [[HOUR, [1, 2, 3]], [0, [1, 1, 1]]] as const) {
    const trial = new TestAttempts({ minUptime, retry: () => HOUR });
    for (let round = 0; round < 3; round++) {
      trial.attemptOpened();
      trial.attemptFailed({ info });
      trial.reconnectNow();
    }
    assert.deepEqual(trial.losses.map(({ attempt }) => attempt), counts);
    trial.stopAttempts();
    assert.equal(trial.reconnectNow(), false, "no delay is pending");
  }
});

Deno.test("reports a disconnect with the delay that the hook has chosen", () => {
  const trial = new TestAttempts({ retry: () => HOUR });
  trial.attemptOpened();
  trial.attemptFailed({ info });
  assert.deepEqual(trial.losses, [{ info, error: undefined, attempt: 1, wait: HOUR }]);
  assert.equal(trial.reconnectNow(), true);
  assert.equal(trial.reconnectNow(), false);
  trial.stopAttempts();
});

Deno.test("stop cancels an attempt and ignores its error", async () => {
  const trial = new TestAttempts({});
  trial.stopAttempts();
  assert.equal(trial.signals[0].aborted, true);
  trial.rejects[0](failure);
  await nextMacrotask();
  assert.deepEqual(trial.log.all, ["dial"]);
});

Deno.test("stop cancels a delay, even inside a callback", () => {
  const waiting = new TestAttempts({ retry: () => HOUR });
  waiting.attemptOpened();
  waiting.attemptFailed({ info });
  assert.deepEqual(waiting.log.all, ["dial", "wait 1"]);
  waiting.stopAttempts();
  assert.equal(waiting.reconnectNow(), false, "no delay is pending");

  const within = new TestAttempts({});
  within.onWait = () => within.stopAttempts();
  within.attemptOpened();
  within.attemptFailed({ info });
  assert.equal(within.reconnectNow(), false, "no delay is pending");

  const inTheHook: TestAttempts = new TestAttempts({
    retry() {
      inTheHook.stopAttempts();
      return true;
    },
  });
  inTheHook.attemptOpened();
  inTheHook.attemptFailed({ info });
  assert.deepEqual(inTheHook.log.all, ["dial"]);
});

const cause = new Error("the hook");

/** Hooks that fail, synchronously or asynchronously. */
const FAILING: readonly [what: string, retry: ReconnectOptions["retry"]][] = [
  ["throws", () => {
    throw cause;
  }],
  ["rejects", () => Promise.reject(cause)],
];

for (const [what, retry] of FAILING) {
  Deno.test(`a hook that ${what} ends reconnection, and its error is reported once, as the cause`, async () => {
    const trial = new TestAttempts({ retry });
    trial.attemptOpened();
    trial.attemptFailed({ info });
    await trial.log.atLeast(2);
    assert.ok(trial.error instanceof WebSocketError && trial.error.code === "HANDLER_FAILED");
    assert.equal(trial.error.cause, cause);
    assert.deepEqual(trial.reported, [cause]);
  });
}

Deno.test("reports an invalid return value of a hook", async () => {
  for (const answer of [-1, NaN, Infinity, 2 ** 31, null, "yes", {}]) {
    for (const retry of [() => answer, () => Promise.resolve(answer)]) {
      const trial = new TestAttempts({ retry: retry as never });
      trial.attemptFailed({ error: failure });
      await trial.log.atLeast(2);
      const { message } = trial.reported[0] as Error;
      assert.match(
        message,
        /^reconnect\.retry must return a boolean, 0 to 2147483647 millisec.*got /,
      );
    }
  }
});

/** The return value of a hook, and the outcome after a disconnect with 1001 and with 1000. */
const ANSWERS: readonly [
  answer: boolean | number | undefined,
  after1001: string,
  after1000: string,
][] = [
  [undefined, "wait 1", "gave up"],
  [true, "wait 1", "wait 1"],
  [false, "gave up", "gave up"],
  [HOUR, "wait 1", "wait 1"],
];

for (const [answer, ...outcomes] of ANSWERS) {
  Deno.test(`a hook that returns ${answer}, directly or in a promise, overrides the rules`, async () => {
    for (const retry of [() => answer, () => Promise.resolve(answer)]) {
      for (const [index, code] of [1001, 1000].entries()) {
        const seen: ConnectionLoss[] = [];
        const trial = new TestAttempts({
          minDelay: HOUR,
          retry(loss) {
            seen.push(loss);
            return retry();
          },
        });
        trial.attemptOpened();
        trial.attemptFailed({ info: { ...info, code } });
        assert.equal((await trial.log.atLeast(2))[1], outcomes[index]);
        assert.deepEqual(seen.map(({ attempt }) => attempt), [1]);
        if (answer === HOUR) assert.equal(trial.losses[0].wait, HOUR);
        trial.stopAttempts();
      }
    }
  });
}

Deno.test("ignores the result of a hook after the end", async () => {
  let answer = (_: boolean): void => {};
  const retry = (): Promise<boolean> => new Promise((resolve) => answer = resolve);
  const trial = new TestAttempts({ retry });
  trial.attemptOpened();
  trial.attemptFailed({ info });
  assert.equal(trial.reconnectNow(), false);
  trial.stopAttempts();
  answer(true);
  await nextMacrotask();
  assert.deepEqual(trial.log.all, ["dial"]);
  assert.equal(trial.reconnectNow(), false, "no delay is pending");
});

Deno.test("wraps a rejection value that is not an Error", async () => {
  for (const reason of [undefined, "a text"]) {
    const trial = new TestAttempts({});
    trial.rejects[0](reason);
    await trial.log.atLeast(2);
    assert.ok(trial.error instanceof Error);
    assert.equal(trial.error.cause, reason);
  }
});
