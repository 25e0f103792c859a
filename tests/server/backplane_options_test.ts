import assert from "node:assert/strict";
import type { Backplane } from "../../src/backplane/backplane.ts";
import { type BackplaneOptions, checkBackplane } from "../../src/server/serve_options.ts";
import { FakeBroker } from "../support/fake_broker.ts";
import { FakeHistory } from "../support/fake_history.ts";

const plain: Backplane = new FakeBroker().backplane();
const backplane: Backplane = new FakeBroker(true, new FakeHistory()).backplane();
const history = { maxAge: 60_000, maxMessages: 100 };

Deno.test("accepts valid backplane options", () => {
  const good: BackplaneOptions[] = [
    {},
    { backplane: plain },
    { backplane, history },
    { backplane, history: { ...history, maxReplayMessages: 1, maxReplayBytes: 1, replayRate: 0 } },
    { backplane, history: { maxAge: 1, maxMessages: 1_000_000 }, backplaneQueue: { maxBytes: 0 } },
  ];
  for (const options of good) checkBackplane(options);
});

const WRONG: readonly [what: string, options: BackplaneOptions, message: RegExp][] = [
  [
    "a value that is not an object",
    { backplane, history: true as never },
    /^Option "history" must be an object, got true/,
  ],
  [
    "an unknown name",
    { backplane, history: { ...history, max: 1 } as never },
    /Unknown option "history\.max"/,
  ],
  [
    "a missing maxAge",
    { backplane, history: { maxMessages: 1 } as never },
    /"history.maxAge" must be a number/,
  ],
  [
    "a missing maxMessages",
    { backplane, history: { maxAge: 1 } as never },
    /"history.maxMessages" must be a num/,
  ],
  [
    "a maxAge of the wrong type",
    { backplane, history: { ...history, maxAge: "1" as never } },
    /must be .*, got "1"$/,
  ],
  [
    "a maxAge of 0",
    { backplane, history: { ...history, maxAge: 0 } },
    /from 1 to 2147483647 .*, got 0$/,
  ],
  [
    "a duration above the maximum",
    { backplane, history: { ...history, maxAge: 2 ** 31 } },
    /got 2147483648$/,
  ],
  [
    "a fractional maxMessages",
    { backplane, history: { ...history, maxMessages: 0.5 } },
    /got 0.5$/,
  ],
  [
    "a maxMessages above the maximum",
    { backplane, history: { ...history, maxMessages: 1_000_001 } },
    /to 1000000 \(messages/,
  ],
  ["a maxReplayBytes of 0", { backplane, history: { ...history, maxReplayBytes: 0 } }, /got 0$/],
  ["a negative rate", { backplane, history: { ...history, replayRate: -1 } }, /got -1$/],
  [
    "a missing backplane",
    { history },
    /^Option "history" needs a "backplane" .*, but there is no backplane$/,
  ],
  ["a backplane without history", { backplane: plain, history }, /, but this backplane has none$/],
  [
    "an incomplete history",
    { backplane: { ...backplaneLike(), history: { keep: () => {} } as never }, history },
    /"backplane.history" must be an object with a function "append", got an object$/,
  ],
];

function backplaneLike(): Backplane {
  const nothing = (): void => {};
  return {
    start: nothing,
    publish: nothing,
    subscribe: nothing,
    unsubscribe: nothing,
    close: nothing,
  };
}

for (const [what, options, message] of WRONG) {
  Deno.test(`rejects ${what} in the option history`, () => {
    assert.throws(() => checkBackplane(options), (error: Error) => {
      assert.ok(error instanceof TypeError || error instanceof RangeError);
      assert.match(error.message, message);
      return true;
    });
  });
}
