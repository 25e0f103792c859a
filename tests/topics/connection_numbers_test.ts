import assert from "node:assert/strict";
import type { ConnectionDriver } from "../../src/connection/connection_driver.ts";
import { ConnectionNumbers } from "../../src/topics/connection_numbers.ts";

const [a, b] = [{}, {}] as ConnectionDriver[];

Deno.test("a connection has one number until it is forgotten", () => {
  const numbers = new ConnectionNumbers();
  assert.deepEqual([numbers.of(a), numbers.of(b), numbers.of(a)], [1, 2, 1]);
  assert.equal(numbers.connection(2), b);
  assert.equal(numbers.connection(3), undefined);
  numbers.forget(a);
  numbers.forget(a);
  assert.equal(numbers.connection(1), undefined);
  assert.equal(numbers.of(a), 3);
  assert.equal(numbers.of(b), 2);
});
