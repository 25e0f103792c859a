// The command line.

import assert from "node:assert/strict";
import { parseArguments, USAGE, UsageError } from "../../doctor/arguments.ts";

Deno.test("accepts the URL of a server", () => {
  const { url, listen, jobs, timeout, fast } = parseArguments(["ws://127.0.0.1:8080/echo?a=1"]);
  assert.equal(url?.href, "ws://127.0.0.1:8080/echo?a=1");
  assert.deepEqual([listen, jobs, timeout, fast], [undefined, 4, 5000, false]);
});

Deno.test("accepts a port for clients", () => {
  const { url, listen, hostname } = parseArguments(["--listen", "9001", "--hostname", "::1"]);
  assert.deepEqual([url, listen, hostname], [undefined, 9001, "::1"]);
});

Deno.test("selects cases by patterns, separated by commas or repeated", () => {
  const { cases, exclude } = parseArguments(
    ["ws://a/", "--cases", "6.*, 7.1.1", "--cases", "*", "--exclude=6.4.*"],
  );
  assert.deepEqual([cases, exclude], [["6.*", "7.1.1", "*"], ["6.4.*"]]);
});

const wrong: [args: string[], message: RegExp][] = [
  [[], /either the URL of a server .* or --listen/],
  [["ws://a/", "--listen", "1"], /either the URL of a server .* or --listen/],
  [["ws://a/", "ws://b/"], /one endpoint/],
  [["nonsense"], /"nonsense" is not a URL/],
  [["http://a/"], /must start with ws:/],
  [["--listen", "99999"], /--listen is "99999": it must be an integer from 0 to 65535/],
  [["--listen", ""], /--listen is ""/],
  [["ws://a/", "--jobs", "0"], /--jobs is "0"/],
  [["ws://a/", "--timeout", "soon"], /--timeout is "soon"/],
  [["ws://a/", "--max-message-size", "1.5"], /--max-message-size is "1.5"/],
  [["ws://a/", "--cases", "six"], /--cases is "six": it must be a number like/],
  [["ws://a/", "--unknown"], /unknown/],
];

for (const [args, message] of wrong) {
  Deno.test(`rejects ${JSON.stringify(args)}`, () => {
    assert.throws(() => parseArguments(args), (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("--help and --list need no endpoint", () => {
  assert.equal(parseArguments(["--help"]).help, true);
  assert.equal(parseArguments(["-h"]).help, true);
  assert.equal(parseArguments(["--list"]).list, true);
});

Deno.test("the usage text names every option", () => {
  const source = Deno.readTextFileSync(new URL("../../doctor/arguments.ts", import.meta.url));
  const options = source.slice(source.indexOf("const OPTIONS"), source.indexOf("} as const"));
  const names = [...options.matchAll(/^ {2}"?([a-z-]+)"?: \{/gm)].map(([, name]) => name);
  assert.ok(names.length > 10);
  assert.deepEqual(names.filter((name) => !USAGE.includes(`--${name}`)), []);
});
