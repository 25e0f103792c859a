// Tests when to retry, and the delay before the next attempt.

import assert from "node:assert/strict";
import { ConnectionError, HandshakeError, TimeoutError, WebSocketError } from "../../src/errors.ts";
import type { CloseInfo } from "../../src/session/end.ts";
import { MAX_RETRY_AFTER, reconnectRules } from "../../src/reconnect/options.ts";
import { delayAfter, type Failure, isFinal } from "../../src/reconnect/attempts.ts";

const rules = reconnectRules(true);

function closed(code: number, initiator: "local" | "remote" = "remote"): Failure {
  const info: CloseInfo = { code, reason: "", clean: true, initiator };
  return { info };
}

function answered(status: number | undefined, retryAfter?: string): Failure {
  const headers = new Headers(retryAfter === undefined ? {} : { "Retry-After": retryAfter });
  return { error: new HandshakeError("STATUS_UNEXPECTED", "no", { status, headers }) };
}

Deno.test("classifies close codes of the server as final or retryable", () => {
  const final = [1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003, 4000, 4999];
  const passing = [1001, 1005, 1006, 1011, 1012, 1013, 1014, 3001, 3008, 3999];
  for (const code of final) assert.equal(isFinal(closed(code), rules), true, String(code));
  for (const code of passing) assert.equal(isFinal(closed(code), rules), false, String(code));
});

Deno.test("retries after a local close caused by the server's behavior", () => {
  for (const code of [1002, 1006, 1007, 1008, 1009]) {
    assert.equal(isFinal(closed(code, "local"), rules), false, String(code));
  }
});

Deno.test("1013 is final if configured so", () => {
  assert.equal(isFinal(closed(1013), reconnectRules({ overloadDelay: false })), true);
  assert.equal(isFinal(closed(1013, "local"), reconnectRules({ overloadDelay: false })), false);
});

Deno.test("classifies HTTP responses as final or retryable", () => {
  for (
    const status of [200, 101, 301, 302, 307, 400, 401, 403, 404, 405, 421, 426, 501, undefined]
  ) {
    assert.equal(isFinal(answered(status), rules), true, String(status));
  }
  for (const status of [408, 425, 429, 500, 502, 503, 504]) {
    assert.equal(isFinal(answered(status), rules), false, String(status));
  }
});

Deno.test("classifies errors as final or retryable", () => {
  const failed = (code: "HANDLER_FAILED" | "TOPICS_UNSUPPORTED" | "PROXY_FAILED"): Failure => ({
    error: new WebSocketError(code, ""),
  });
  assert.equal(isFinal({ error: new ConnectionError("CONNECT_FAILED", "") }, rules), false);
  assert.equal(isFinal({ error: new TimeoutError("HANDSHAKE_TIMEOUT", "") }, rules), false);
  assert.equal(isFinal(failed("PROXY_FAILED"), rules), false);
  assert.equal(isFinal(failed("HANDLER_FAILED"), rules), true);
  assert.equal(isFinal({ ...closed(1011, "local"), ...failed("HANDLER_FAILED") }, rules), true);
  assert.equal(isFinal(failed("TOPICS_UNSUPPORTED"), rules), true);
  for (const error of [new TypeError("a mistake"), "text", undefined]) {
    assert.equal(isFinal({ error }, rules), true);
  }
});

const lost: Failure = { error: new ConnectionError("CONNECT_FAILED", "") };

Deno.test("the delay is random, below a bound that doubles up to a limit", () => {
  const bounds = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000];
  for (const [index, bound] of bounds.entries()) {
    assert.equal(delayAfter(lost, index + 1, rules, 0, 0), 0);
    assert.equal(delayAfter(lost, index + 1, rules, 0.5, 0), bound / 2);
    assert.equal(delayAfter(lost, index + 1, rules, 1, 0), bound);
  }
  assert.equal(delayAfter(lost, 100_000, rules, 1, 0), 30_000);
  assert.equal(
    delayAfter(lost, 1, reconnectRules({ minDelay: 3 }), 0.5, 0),
    2,
    "the delay is a whole number of milliseconds",
  );
});

Deno.test("1012 and 1013 have fixed delay ranges, regardless of the failure count", () => {
  for (const attempt of [1, 20]) {
    for (const [random, restart, overload] of [[0, 5000, 60_000], [1, 30_000, 120_000]] as const) {
      assert.equal(delayAfter(closed(1012), attempt, rules, random, 0), restart);
      assert.equal(delayAfter(closed(1013), attempt, rules, random, 0), overload);
    }
  }
  // This happens if the hook retries anyway, or if the local side has sent the code.
  const never = reconnectRules({ overloadDelay: false });
  assert.equal(delayAfter(closed(1013), 1, never, 1, 0), 500);
  assert.equal(delayAfter(closed(1013, "local"), 1, rules, 1, 0), 500);
});

const NOW = Date.UTC(2030, 0, 1);

for (
  const [value, wait] of [
    ["0", 0],
    ["7", 7000],
    ["3600", 3_600_000],
    ["3601", MAX_RETRY_AFTER],
    ["9".repeat(400), MAX_RETRY_AFTER],
    ["Tue, 01 Jan 2030 00:00:20 GMT", 20_000],
    ["Mon, 31 Dec 2029 23:59:59 GMT", 0],
    ["Fri, 01 Jan 2100 00:00:00 GMT", MAX_RETRY_AFTER],
    ["-1", 0],
    ["1.5", 0],
    ["soon", 0],
    ["soon GMT", 0],
    ["2030-01-01", 0],
    ["", 0],
  ] as const
) {
  Deno.test(`Retry-After: ${value.slice(0, 40)} adds ${wait} ms to the usual delay`, () => {
    for (const status of [429, 503]) {
      assert.equal(delayAfter(answered(status, value), 1, rules, 0, NOW), wait);
      assert.equal(delayAfter(answered(status, value), 1, rules, 1, NOW), wait + 500);
    }
    assert.equal(
      delayAfter(answered(502, value), 1, rules, 0, NOW),
      0,
      "Retry-After is ignored in other responses",
    );
  });
}
