import assert from "node:assert/strict";
import { MAX_LINE } from "../../src/pubsub/protocol.ts";
import { type ClientTopicsOptions, clientTopicsRules } from "../../src/pubsub/client_topics.ts";
import { connectionRules } from "../../src/connection/connection_options.ts";

const allow = (): boolean => true;
const connection = connectionRules({}, true);

/** An invalid option, and the expected error. */
const WRONG: readonly [options: unknown, name: string, message: string][] = [
  [null, "TypeError", 'Option "clientTopics" must be an object, got null'],
  [allow, "TypeError", 'Option "clientTopics" must be an object, got a function'],
  [true, "TypeError", 'Option "clientTopics" must be an object, got true'],
  [{}, "TypeError", 'Option "clientTopics.allow" must be a function, got undefined'],
  [{ allow: true }, "TypeError", 'Option "clientTopics.allow" must be a function, got true'],
  [{ allow, most: 7 }, "TypeError", 'Unknown option "clientTopics.most"'],
  [{ allow, max: "7" }, "TypeError", 'Option "clientTopics.max" must be a number of topics'],
  [{ allow, max: 0 }, "RangeError", 'Option "clientTopics.max" must be an integer from 1'],
  [{ allow, max: 1.5 }, "RangeError", "got 1.5"],
  [{ allow, max: Infinity }, "RangeError", "got Infinity"],
];

for (const [options, name, message] of WRONG) {
  Deno.test(`clientTopics: ${message}`, () => {
    assert.throws(
      () => clientTopicsRules(options as ClientTopicsOptions, connection),
      (error: Error) => {
        assert.equal(error.name, name);
        assert.ok(error.message.includes(message), error.message);
        return true;
      },
    );
  });
}

Deno.test("without the option there are no rules, and with it the defaults apply", () => {
  assert.equal(clientTopicsRules(undefined, connection), undefined);
  const options = { allow };
  const rules = clientTopicsRules(options, connection)!;
  assert.equal(rules.options, options);
  assert.equal(rules.max, 100);
  assert.equal(clientTopicsRules({ allow, max: 7 }, connection)!.max, 7);
});

Deno.test("the reader's limit allows maxMessageSize plus a header line, and every request", () => {
  const sizes = [
    [1, MAX_LINE],
    [MAX_LINE - 1, MAX_LINE],
    [MAX_LINE, MAX_LINE + 1],
    [16 << 20, (16 << 20) + 1],
    [0x7fffffff, 0x7fffffff],
  ] as const;
  for (const [maxMessageSize, withLine] of sizes) {
    const plain = connectionRules({ maxMessageSize }, true);
    const rules = clientTopicsRules({ allow }, plain)!;
    assert.equal(rules.maxMessageSize, maxMessageSize);
    const { whenCompressed } = plain;
    assert.deepEqual(rules.connection, {
      ...plain,
      maxMessageSize: withLine,
      whenCompressed: { ...whenCompressed, maxMessageSize: withLine },
    });
  }
});
