import assert from "node:assert/strict";
import { isMessageNumber, isPosition, pageFault } from "../../src/backplane/history_reader.ts";
import { hex } from "../support/vectors.ts";

Deno.test("message numbers are positive safe integers", () => {
  const values = [0, 1, 2 ** 53 - 1, 2 ** 53, -1, 1.5, NaN, Infinity, "1", 1n, null, undefined];
  assert.deepEqual(values.filter(isMessageNumber), [1, 2 ** 53 - 1]);
  assert.deepEqual(values.filter(isPosition), [0, 1, 2 ** 53 - 1]);
});

const bytes = hex("01");
const entry = (number: unknown, message: unknown = bytes): unknown => ({ number, message });

const GOOD: readonly [page: unknown, after: number | undefined][] = [
  [{ last: 0, complete: true, messages: [] }, undefined],
  [{ last: 7 }, undefined],
  [{ last: 7, complete: false, messages: [] }, 3],
  [{ last: 3, complete: true, messages: [] }, 9],
  [{ last: 9, complete: true, messages: [entry(4), entry(9)] }, 3],
  [{ last: 9, complete: true, messages: [entry(4), entry(8)] }, 3],
];

for (const [page, after] of GOOD) {
  Deno.test(`accepts the page ${JSON.stringify(page)} after ${after}`, () => {
    assert.equal(pageFault(page, after), undefined);
  });
}

const BAD: readonly [fault: RegExp, page: unknown][] = [
  [/not an object/, undefined],
  [/not an object/, null],
  [/not an object/, 7],
  [/"last"/, {}],
  [/"last"/, { last: "9", complete: true, messages: [] }],
  [/"complete"/, { last: 9, complete: 1, messages: [] }],
  [/"messages"/, { last: 9, complete: true, messages: {} }],
  [/a message is not an object/, { last: 9, complete: true, messages: [9] }],
  [/a "number"/, { last: 9, complete: true, messages: [entry(NaN)] }],
  [/do not increase/, { last: 9, complete: true, messages: [entry(3), entry(9)] }],
  [/do not increase/, { last: 9, complete: true, messages: [entry(9), entry(9)] }],
  [/a "message"/, { last: 9, complete: true, messages: [entry(9, "text")] }],
  [/go beyond/, { last: 9, complete: true, messages: [entry(10)] }],
];

for (const [fault, page] of BAD) {
  Deno.test(`rejects the page ${JSON.stringify(page)}`, () => {
    assert.match(pageFault(page, 3) ?? "", fault);
  });
}
