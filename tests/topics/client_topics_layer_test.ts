import assert from "node:assert/strict";
import { connectionRules } from "../../src/connection/connection_options.ts";
import type { LayeredDriver } from "../../src/connection/driver.ts";
import type { SessionEvents } from "../../src/session/session.ts";
import { clientTopicsRules } from "../../src/topics/client_topics.ts";
import { clientTopicsLayer } from "../../src/topics/client_topics_layer.ts";

const layer = clientTopicsLayer(
  clientTopicsRules({ allow: () => true }, connectionRules({ maxMessageSize: 10_000 }, true))!,
);

Deno.test("the line has room beside the largest message", () => {
  assert.equal(layer.rules.maxMessageSize, 10_001);
});

Deno.test("what the user sends gets its line, and what the client sends loses it", () => {
  const log: string[] = [];
  const events = { onText: (text) => log.push(`got ${text}`) } as Partial<SessionEvents>;
  const driver = {} as LayeredDriver<undefined>;
  layer.events(driver, events as SessionEvents).onText("\nhello");
  assert.deepEqual(log, ["got hello"]);
  assert.equal(layer.text("hello"), "\nhello");
});
