import assert from "node:assert/strict";
import { callHook, checkDecision, HookFailure } from "../../src/server/upgrade_hook.ts";
import type { UpgradeDecision } from "../../src/server/upgrade_hook.ts";

Deno.test("returns the decision of a hook", () => {
  assert.equal(callHook(() => 7), 7);
  const promise = Promise.resolve();
  assert.equal(callHook(() => promise), promise);
});

Deno.test("distinguishes errors of a hook from internal errors", () => {
  for (const cause of [new Error("no"), "no", undefined, Object.create(null)]) {
    assert.throws(() =>
      callHook(() => {
        throw cause;
      }), (error) => error instanceof HookFailure && error.cause === cause);
  }
});

/** Valid return values of an upgrade hook. */
const DECISIONS: readonly (UpgradeDecision<unknown> | undefined)[] = [
  undefined,
  {},
  { status: 401 },
  { status: 401, headers: { "WWW-Authenticate": "Bearer" }, body: "no" },
  { status: undefined, subprotocol: undefined, headers: undefined, data: undefined },
  { subprotocol: "v1", headers: [], data: 7, handlers: { message: () => {} } },
];

for (const decision of DECISIONS) {
  Deno.test(`an upgrade hook may return ${JSON.stringify(decision)}`, () => {
    checkDecision(decision);
  });
}

/** Invalid return values, and the expected error. */
const WRONG: readonly [decision: unknown, message: RegExp][] = [
  [null, /^The result of upgrade must be an object, got null$/],
  [true, /got true$/],
  [401, /got 401$/],
  ["no", /got "no"$/],
  [[401], /got an array$/],
  [{ code: 401 }, /^Unknown option "code"\. The result of upgrade can have: status/],
  // An incomplete rejection must not accept the client.
  [{ body: "no" }, /"body"/],
  [{ status: 401, data: 7 }, /"data", got 7$/],
  [{ status: 401, subprotocol: "v1" }, /"subprotocol", got "v1"$/],
  [{ status: 401, handlers: {} }, /"handlers"/],
  [{ handlers: 7 }, /"handlers" must be an object, got 7$/],
  [
    { handlers: { onopen: () => {} } },
    /^Unknown option "handlers\.onopen"\. Did you mean "handlers\.open"\?$/,
  ],
  [{ handlers: { open: 7 } }, /"open" must be a function, got 7$/],
];

for (const [decision, message] of WRONG) {
  Deno.test(`an upgrade hook that returns ${JSON.stringify(decision)} causes a TypeError`, () => {
    assert.throws(() => checkDecision(decision as UpgradeDecision<unknown>), {
      name: "TypeError",
      message,
    });
  });
}
