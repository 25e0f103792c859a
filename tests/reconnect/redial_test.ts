// Attempts, the waits between them, and what stops them; the connections are the test's.

import assert from "node:assert/strict";
import { ConnectionError, WebSocketError } from "../../src/errors.ts";
import type { CloseInfo } from "../../src/session/close_info.ts";
import {
  type ConnectionLoss,
  type ReconnectOptions,
  reconnectRules,
} from "../../src/reconnect/reconnect_options.ts";
import { Redial } from "../../src/reconnect/redial.ts";
import { timers } from "../../src/shared/timer_wheel.ts";
import { Queue } from "../support/live_harness.ts";
import { quiet } from "../support/socket_harness.ts";

const HOUR = 3_600_000;
const failure = new ConnectionError("CONNECT_FAILED", "nobody there");
const info: CloseInfo = { code: 1001, reason: "", clean: true, initiator: "remote" };

/** Attempts whose outcome the test decides. */
class Attempts {
  readonly log: Queue<string> = new Queue();
  readonly losses: ConnectionLoss[] = [];
  readonly signals: AbortSignal[] = [];
  readonly rejects: Array<(error: unknown) => void> = [];
  readonly redial: Redial;
  error: Error | undefined;
  onWait = (): void => {};

  constructor(options: ReconnectOptions) {
    this.redial = new Redial(reconnectRules(options), {
      dial: (signal) => {
        this.signals.push(signal);
        this.log.push("dial");
        return new Promise((_, reject) => this.rejects.push(reject));
      },
      waits: (loss) => {
        this.losses.push(loss);
        this.log.push(`wait ${loss.attempt}`);
        this.onWait();
      },
      gaveUp: (_, error) => {
        this.error = error;
        this.log.push("gave up");
      },
    });
    this.redial.timerFired();
  }
}

Deno.test("a failed attempt is followed by another one, until there were so many", async () => {
  const attempts = new Attempts({ minDelay: 1, attempts: 2 });
  attempts.rejects[0](failure);
  await attempts.log.atLeast(3);
  attempts.rejects[1](failure);
  await attempts.log.atLeast(4);
  assert.deepEqual(attempts.log.all, ["dial", "wait 1", "dial", "gave up"]);
  assert.equal(attempts.losses[0].error, failure);
  assert.equal(attempts.error, failure);
  assert.equal(timers.size, 0);
});

Deno.test("a connection that did not hold counts as a failure in a row, one that did begins anew", () => {
  for (const [minUptime, counts] of [[HOUR, [1, 2, 3]], [0, [1, 1, 1]]] as const) {
    const attempts = new Attempts({ minUptime, retry: () => HOUR });
    for (let round = 0; round < 3; round++) {
      attempts.redial.opened();
      attempts.redial.lost({ info });
      attempts.redial.hurry();
    }
    assert.deepEqual(attempts.losses.map(({ attempt }) => attempt), counts);
    attempts.redial.stop();
  }
  assert.equal(timers.size, 0);
});

Deno.test("what is lost is told with the wait that the hook has chosen", () => {
  const attempts = new Attempts({ retry: () => HOUR });
  attempts.redial.opened();
  attempts.redial.lost({ info });
  assert.deepEqual(attempts.losses, [{ info, error: undefined, attempt: 1, wait: HOUR }]);
  assert.equal(attempts.redial.hurry(), true);
  assert.equal(attempts.redial.hurry(), false);
  attempts.redial.stop();
});

Deno.test("stop calls off an attempt, and what it fails with is nobody's", async () => {
  const attempts = new Attempts({});
  attempts.redial.stop();
  assert.equal(attempts.signals[0].aborted, true);
  attempts.rejects[0](failure);
  await quiet();
  assert.deepEqual(attempts.log.all, ["dial"]);
});

Deno.test("stop calls off a wait, also from within", () => {
  const waiting = new Attempts({ retry: () => HOUR });
  waiting.redial.opened();
  waiting.redial.lost({ info });
  assert.equal(timers.size, 1);
  waiting.redial.stop();
  assert.equal(timers.size, 0);

  const within = new Attempts({});
  within.onWait = () => within.redial.stop();
  within.redial.opened();
  within.redial.lost({ info });
  assert.equal(timers.size, 0);

  const inTheHook: Attempts = new Attempts({
    retry() {
      inTheHook.redial.stop();
      return true;
    },
  });
  inTheHook.redial.opened();
  inTheHook.redial.lost({ info });
  assert.deepEqual(inTheHook.log.all, ["dial"]);
});

Deno.test("a hook that fails is the end, and its error the cause", () => {
  const cause = new Error("the hook");
  const attempts = new Attempts({
    retry() {
      throw cause;
    },
  });
  attempts.redial.opened();
  attempts.redial.lost({ info });
  assert.ok(attempts.error instanceof WebSocketError && attempts.error.code === "HANDLER_FAILED");
  assert.equal(attempts.error.cause, cause);
});

Deno.test("a failure that is no error is made one", async () => {
  for (const reason of [undefined, "a text"]) {
    const attempts = new Attempts({});
    attempts.rejects[0](reason);
    await attempts.log.atLeast(2);
    assert.ok(attempts.error instanceof Error);
    assert.equal(attempts.error.cause, reason);
  }
});
