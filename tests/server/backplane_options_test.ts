import assert from "node:assert/strict";
import type { Backplane } from "../../src/backplane/backplane.ts";
import { type BackplaneOptions, checkBackplane } from "../../src/server/serve_options.ts";
import { FakeBroker } from "../support/fake_broker.ts";
import { FakeHistory } from "../support/fake_history.ts";

const plain: Backplane = new FakeBroker().backplane();
const backplane: Backplane = new FakeBroker(true, new FakeHistory()).backplane();
const history = { maxAge: 60_000, maxMessages: 100 };

Deno.test("options of the backplane that are as they should be", () => {
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
    "no object",
    { backplane, history: true as never },
    /^Option "history" must be an object, got true/,
  ],
  [
    "an unknown name",
    { backplane, history: { ...history, max: 1 } as never },
    /Unknown option "history\.max"/,
  ],
  [
    "no age",
    { backplane, history: { maxMessages: 1 } as never },
    /"history.maxAge" must be a number/,
  ],
  [
    "no number",
    { backplane, history: { maxAge: 1 } as never },
    /"history.maxMessages" must be a num/,
  ],
  ["text", { backplane, history: { ...history, maxAge: "1" as never } }, /must be .*, got "1"$/],
  ["0 ms", { backplane, history: { ...history, maxAge: 0 } }, /from 1 to 2147483647 .*, got 0$/],
  ["too long", { backplane, history: { ...history, maxAge: 2 ** 31 } }, /got 2147483648$/],
  ["half a message", { backplane, history: { ...history, maxMessages: 0.5 } }, /got 0.5$/],
  [
    "too many",
    { backplane, history: { ...history, maxMessages: 1_000_001 } },
    /to 1000000 \(messages/,
  ],
  ["no bytes", { backplane, history: { ...history, maxReplayBytes: 0 } }, /got 0$/],
  ["a negative rate", { backplane, history: { ...history, replayRate: -1 } }, /got -1$/],
  [
    "no broker",
    { history },
    /^Option "history" needs a "backplane" .*, but there is no backplane$/,
  ],
  ["no history", { backplane: plain, history }, /, but this backplane has none$/],
  [
    "half a history",
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
  Deno.test(`the option history is refused: ${what}`, () => {
    assert.throws(() => checkBackplane(options), (error: Error) => {
      assert.ok(error instanceof TypeError || error instanceof RangeError);
      assert.match(error.message, message);
      return true;
    });
  });
}
