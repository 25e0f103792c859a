import assert from "node:assert/strict";
import type { Backplane } from "../../src/pubsub/backplane.ts";
import { type BackplaneOptions, checkBackplane } from "../../src/server/serve_options.ts";
import { FakeEngine } from "../support/fake_engine.ts";
import { FakeHistory } from "../support/fake_history.ts";

const plain: Backplane = new FakeEngine().backplane();
const backplane: Backplane = new FakeEngine(true, new FakeHistory()).backplane();
const resume = { maxAge: 60_000, maxMessages: 100 };

Deno.test("options of the backplane that are as they should be", () => {
  const good: BackplaneOptions[] = [
    {},
    { backplane: plain },
    { backplane, resume },
    { backplane, resume: { maxAge: 1, maxMessages: 1_000_000 }, backplaneQueue: { maxBytes: 0 } },
  ];
  for (const options of good) checkBackplane(options);
});

const WRONG: readonly [what: string, options: BackplaneOptions, message: RegExp][] = [
  [
    "no object",
    { backplane, resume: true as never },
    /^Option "resume" must be an object, got true/,
  ],
  [
    "an unknown name",
    { backplane, resume: { ...resume, max: 1 } as never },
    /Unknown option "resume\.max"/,
  ],
  [
    "no age",
    { backplane, resume: { maxMessages: 1 } as never },
    /"resume.maxAge" must be a number/,
  ],
  [
    "no number",
    { backplane, resume: { maxAge: 1 } as never },
    /"resume.maxMessages" must be a num/,
  ],
  ["text", { backplane, resume: { ...resume, maxAge: "1" as never } }, /must be .*, got "1"$/],
  ["0 ms", { backplane, resume: { ...resume, maxAge: 0 } }, /from 1 to 2147483647 .*, got 0$/],
  ["too long", { backplane, resume: { ...resume, maxAge: 2 ** 31 } }, /got 2147483648$/],
  ["half a message", { backplane, resume: { ...resume, maxMessages: 0.5 } }, /got 0.5$/],
  [
    "too many",
    { backplane, resume: { ...resume, maxMessages: 1_000_001 } },
    /to 1000000 \(messages/,
  ],
  ["no engine", { resume }, /^Option "resume" needs a "backplane" .*, and there is none$/],
  ["no history", { backplane: plain, resume }, /, and this one keeps none$/],
  [
    "half a history",
    { backplane: { ...backplaneLike(), history: { keep: () => {} } as never }, resume },
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
  Deno.test(`the option resume is refused: ${what}`, () => {
    assert.throws(() => checkBackplane(options), (error: Error) => {
      assert.ok(error instanceof TypeError || error instanceof RangeError);
      assert.match(error.message, message);
      return true;
    });
  });
}
