import assert from "node:assert/strict";
import {
  checkPublishOptions,
  checkTopic,
  MAX_TOPIC_BYTES,
  type PublishOptions,
} from "../../src/connection/arguments.ts";

const NAMES: readonly [what: string, topic: string][] = [
  ["one character", "a"],
  ["spaces and line ends", " \r\n\0"],
  ["the maximum length in ASCII", "a".repeat(MAX_TOPIC_BYTES)],
  ["the maximum length in multi-byte characters", "\u20ac".repeat(MAX_TOPIC_BYTES / 3) + "a"],
  ["surrogate pairs", "\u{1f680}".repeat(MAX_TOPIC_BYTES / 4)],
];

for (const [what, topic] of NAMES) {
  Deno.test(`accepts ${what} as a topic name`, () => checkTopic(topic));
}

const NO_NAMES: readonly [what: string, topic: unknown, type: string, message: RegExp][] = [
  ["nothing", undefined, "TypeError", /must be a string, got undefined$/],
  ["a number", 7, "TypeError", /must be a string, got 7$/],
  ["bytes", new Uint8Array(1), "TypeError", /must be a string, got an object$/],
  ["the empty string", "", "RangeError", /must not be empty/],
  ["a lone surrogate", "a\ud800", "TypeError", /well-formed/],
  ["a name one byte too long", "a".repeat(MAX_TOPIC_BYTES + 1), "RangeError", /at most 1024 bytes/],
  ["a name too long in UTF-8", "\u20ac".repeat(342), "RangeError", /at most 1024 bytes/],
];

for (const [what, topic, name, message] of NO_NAMES) {
  Deno.test(`rejects ${what} as a topic name`, () => {
    assert.throws(() => checkTopic(topic), { name, message });
  });
}

Deno.test("a key has the same maximum length as a topic", () => {
  const check = (key: string): void =>
    checkPublishOptions({ onSlow: "conflate", key }, ["onSlow", "key"]);
  check("a".repeat(MAX_TOPIC_BYTES));
  assert.throws(() => check("a".repeat(MAX_TOPIC_BYTES + 1)), { name: "RangeError" });
  assert.throws(() => check("\ud800"), { name: "TypeError", message: /"key" must be well-formed/ });
});

const OPTIONS: readonly [options: PublishOptions, message?: RegExp][] = [
  [{}],
  [{ onSlow: "queue" }],
  [{ onSlow: "drop" }],
  [{ onSlow: "close" }],
  [{ onSlow: "conflate" }],
  [{ onSlow: "conflate", key: "" }],
  [null as never, /must be an object, got null$/],
  [{ slow: 1 } as never, /^Unknown option "slow"\. Did you mean "onSlow"\?$/],
  [{ onSlow: "wait" as never }, /"onSlow" must be "queue" or .* got "wait"$/],
  [{ onSlow: "conflate", key: 7 as never }, /"key" must be a string, got 7$/],
  [{ onSlow: "drop", key: "a" }, /"key" can be given only together with onSlow: "conflate"$/],
  [{ key: "a" }, /"key" can be given only together with onSlow: "conflate"$/],
];

for (const [options, message] of OPTIONS) {
  Deno.test(`${message ? "rejects" : "accepts"} the options ${JSON.stringify(options)}`, () => {
    const check = (): void => checkPublishOptions(options, ["onSlow", "key"]);
    if (message === undefined) check();
    else assert.throws(check, { name: "TypeError", message });
  });
}
