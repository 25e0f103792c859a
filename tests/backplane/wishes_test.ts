import assert from "node:assert/strict";
import { Wishes } from "../../src/backplane/wishes.ts";

/** An engine that answers when it is told to. */
class SlowEngine {
  readonly requests: string[] = [];
  readonly #answers: ((error?: Error) => void)[] = [];

  ask(request: string): Promise<void> {
    this.requests.push(request);
    return new Promise((resolve, reject) => {
      this.#answers.push((error) => error === undefined ? resolve() : reject(error));
    });
  }

  async answer(error?: Error): Promise<void> {
    this.#answers.shift()!(error);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  }
}

function wishes(): { engine: SlowEngine; wishes: Wishes } {
  const engine = new SlowEngine();
  return {
    engine,
    wishes: new Wishes((topic) => engine.ask(`+${topic}`), (topic) => engine.ask(`-${topic}`)),
  };
}

Deno.test("each topic is asked for once, and the others meanwhile", async () => {
  const { engine, wishes: all } = wishes();
  const one = all.want("one", true);
  const again = all.want("one", true);
  const two = all.want("two", true);
  assert.deepEqual(engine.requests, ["+one", "+two"]);
  await engine.answer();
  await one;
  await again;
  await engine.answer();
  await two;
  await all.want("one", true);
  assert.deepEqual(engine.requests, ["+one", "+two"]);
});

Deno.test("a wish that changes meanwhile is asked for afterwards, and the last one holds", async () => {
  const { engine, wishes: all } = wishes();
  const settled = all.want("t", true);
  for (let i = 0; i < 9; i++) void all.want("t", i % 2 === 1);
  assert.deepEqual(engine.requests, ["+t"]);
  await engine.answer();
  assert.deepEqual(engine.requests, ["+t", "-t"]);
  void all.want("t", true);
  await engine.answer();
  assert.deepEqual(engine.requests, ["+t", "-t", "+t"]);
  await engine.answer();
  await settled;
});

Deno.test("what is wanted no more and was never granted is not asked for", async () => {
  const { engine, wishes: all } = wishes();
  await all.want("t", false);
  assert.deepEqual(engine.requests, []);
});

Deno.test("a refusal rejects, and the next wish is asked for anew", async () => {
  const { engine, wishes: all } = wishes();
  const refused = assert.rejects(all.want("t", true), /no/);
  await engine.answer(new Error("no"));
  await refused;
  const granted = all.want("t", true);
  assert.deepEqual(engine.requests, ["+t", "+t"]);
  await engine.answer();
  await granted;
});
