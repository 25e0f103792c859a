import assert from "node:assert/strict";
import { isPromiseLike } from "../../src/shared/promises.ts";

const WAITABLE: readonly [what: string, value: unknown][] = [
  ["a promise", Promise.resolve(1)],
  ["an object with its own then method", { then: () => {} }],
  ["an object that inherits then", Object.create({ then: () => {} })],
];

const NOT_WAITABLE: readonly [what: string, value: unknown][] = [
  ["undefined", undefined],
  ["null", null],
  ["a boolean", true],
  ["a number", 7],
  ["a string", "then"],
  ["an object", {}],
  ["an object without a prototype", Object.create(null)],
  ["an object whose then is not a function", { then: true }],
  ["a function", () => {}],
];

for (const [what, value] of WAITABLE) {
  Deno.test(`${what} is a thenable`, () => assert.equal(isPromiseLike(value), true));
}

for (const [what, value] of NOT_WAITABLE) {
  Deno.test(`${what} is not a thenable`, () => assert.equal(isPromiseLike(value), false));
}
