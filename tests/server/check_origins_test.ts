import assert from "node:assert/strict";
import { checkOrigins } from "../../src/server/check_origins.ts";

Deno.test("an option that says whose pages may connect is taken", () => {
  const list = ["https://a.example", "http://[::1]:8080", "app://id"];
  for (const origins of [undefined, "same", "any", () => true, [], list]) checkOrigins(origins);
});

for (const [value, shown] of [[null, "null"], ["*", '"*"'], [true, "true"], [{}, "an object"]]) {
  Deno.test(`${shown} says nothing about pages`, () => {
    assert.throws(() => checkOrigins(value), {
      name: "TypeError",
      message:
        `Option "allowedOrigins" must be "same", "any", an array of origins or a function, got ${shown}`,
    });
  });
}

for (
  const origin of ["a.example", "https://a.example/", "https://a.example:443", "null", "*", ""]
) {
  Deno.test(`"${origin}" cannot be on a list of origins, because no browser sends it`, () => {
    assert.throws(() => checkOrigins(["https://b.example", origin]), {
      name: "TypeError",
      message:
        `Option "allowedOrigins" must list origins such as "https://example.com", got "${origin}"`,
    });
  });
}

Deno.test("an origin on the list that is no string is refused", () => {
  assert.throws(() => checkOrigins([/a/]), {
    name: "TypeError",
    message: /^Option "allowedOrigins" must list origins .* got an object$/,
  });
});
