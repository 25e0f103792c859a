// Checks the case definitions: completeness, unique numbers, and expected outcomes.

import assert from "node:assert/strict";
import type { Case, Facts } from "../../doctor/case.ts";
import { allCases, GROUP_NAMES, groupOf, matches, selectCases } from "../../doctor/cases.ts";

const FACTS: Facts = { fast: false, maxMessageSize: 1024 };

const cases = allCases(FACTS);

/** The number of cases in the Autobahn test suite, by id prefix. */
const DOCUMENTED: Record<string, number> = {
  "1.1": 8,
  "1.2": 8,
  "2": 11,
  "3": 7,
  "4.1": 5,
  "4.2": 5,
  "5": 20,
  "6.1": 3,
  "6.2": 4,
  "6.3": 2,
  "6.4": 4,
  ...Object.fromEntries(
    [5, 11, 4, 2, 4, 3, 5, 8, 5, 10, 1, 3, 5, 5, 5, 7, 8, 34, 7].map(
      (count, index) => [`6.${index + 5}`, count],
    ),
  ),
  "7.1": 6,
  "7.3": 6,
  "7.5": 1,
  "7.7": 13,
  "7.9": 9,
  "7.13": 2,
  "9.1": 6,
  "9.2": 6,
  "9.3": 9,
  "9.4": 9,
  "9.5": 6,
  "9.6": 6,
  "9.7": 6,
  "9.8": 6,
  "10.1": 1,
  ...Object.fromEntries([1, 2, 3, 4, 5].map((group) => [`12.${group}`, 18])),
  ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7].map((group) => [`13.${group}`, 18])),
};

/** Documented cases with a NON-STRICT outcome. */
const NON_STRICT = [
  ...["3.2", "3.3", "3.4", "4.1.3", "4.1.4", "4.1.5", "4.2.3", "4.2.4", "4.2.5", "5.15"],
  ...["6.4.1", "6.4.2", "6.4.3", "6.4.4"],
];

function isDocumented({ id }: Case): boolean {
  return Number(groupOf(id)) < 20;
}

Deno.test("contains all 517 documented cases, with the correct number in each group", () => {
  for (const [group, count] of Object.entries(DOCUMENTED)) {
    const found = cases.filter(({ id }) => id.startsWith(`${group}.`)).map(({ id }) => id);
    const wanted = Array.from({ length: count }, (_, index) => `${group}.${index + 1}`);
    assert.deepEqual(found, wanted);
  }
  assert.equal(cases.filter(isDocumented).length, 517);
});

Deno.test("case numbers are unique and in order", () => {
  const ids = cases.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const groups = ids.map((id) => Number(groupOf(id)));
  assert.deepEqual(groups, [...groups].sort((a, b) => a - b));
  assert.deepEqual([...new Set(groups)].map(String), Object.keys(GROUP_NAMES));
});

Deno.test("every case has a rule, a title and an allowed outcome", () => {
  const incomplete = cases.filter(({ title, rfc, outcomes }) =>
    title.length < 6 || !/RFC \d{4}/.test(rfc) || outcomes.length === 0
  );
  assert.deepEqual(incomplete.map(({ id }) => id), []);
});

Deno.test("the first outcome is PASS, except for informational cases", () => {
  const others = cases.filter(({ outcomes }) => outcomes[0]?.verdict !== "PASS");
  assert.deepEqual(others.map(({ id }) => id), ["7.1.6", "7.13.1", "7.13.2"]);
});

Deno.test("only the known documented cases may be NON-STRICT", () => {
  const lax = cases.filter((one) =>
    isDocumented(one) &&
    one.outcomes.some(({ verdict, ending }) => verdict === "NON-STRICT" && ending.is !== "unclean")
  );
  assert.deepEqual(lax.map(({ id }) => id), NON_STRICT);
});

Deno.test("documented cases apply to clients and servers", () => {
  assert.ok(cases.filter(isDocumented).every(({ role }) => role === undefined));
});

Deno.test("clients and servers each have additional cases", () => {
  for (const role of ["server", "client"] as const) {
    const own = selectCases(FACTS, { role, cases: [], exclude: [] })
      .filter((one) => !isDocumented(one));
    assert.ok(own.length > 100, `${own.length} cases for a ${role}`);
    assert.ok(own.every((one) => one.role === undefined || one.role === role));
  }
});

Deno.test("patterns select a case, a group or all cases", () => {
  assert.ok(matches("6.4.1", "6.4.1"));
  assert.ok(matches("6.4.1", "6.4.*"));
  assert.ok(matches("6.4.1", "6.*"));
  assert.ok(matches("6.4.1", "*"));
  assert.ok(!matches("6.4.1", "6.4"));
  assert.ok(!matches("16.4.1", "6.*"));
  assert.ok(!matches("6.41.1", "6.4.*"));
});

Deno.test("a selection contains the cases of one role, without the excluded ones", () => {
  const selection = selectCases(FACTS, {
    role: "client",
    cases: ["7.*", "26.*", "27.1.1"],
    exclude: ["7.7.*", "7.9.*"],
  });
  assert.deepEqual(
    [...new Set(selection.map(({ id }) => id.slice(0, id.lastIndexOf("."))))],
    ["7.1", "7.3", "7.5", "7.13", "27.1"],
  );
});

Deno.test("--fast skips heavy cases and reports the cases it shortens", () => {
  const selection = { role: "server", cases: [], exclude: [] } as const;
  const all = selectCases(FACTS, selection);
  const fast = selectCases({ ...FACTS, fast: true }, selection);
  const heavy = all.filter((one) => one.heavy);
  assert.ok(heavy.length > 5);
  assert.equal(fast.length, all.length - heavy.length);
  const trips = (of: Case[]): number =>
    of.flatMap(({ steps }) => steps).reduce(
      (sum, step) => sum + (step.do === "roundTrips" ? step.count : 0),
      0,
    );
  assert.ok(trips(fast) < trips(all) / 10);
  const changed = fast.filter((one, index) => {
    const full = all.find(({ id }) => id === one.id)!;
    return one.title !== full.title && one.shrunk === undefined && index >= 0;
  });
  assert.deepEqual(changed.map(({ id }) => id), []);
});

Deno.test("skips cases that depend on the peer's limit if the limit is unknown", () => {
  const missing = allCases({ fast: false }).filter((one) => one.missing !== undefined);
  assert.deepEqual(missing.map(({ id }) => id), ["24.1.1", "24.1.2", "24.1.3", "24.1.4", "24.2.1"]);
  assert.deepEqual(cases.filter((one) => one.missing !== undefined), []);
});
