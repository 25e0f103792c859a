import assert from "node:assert/strict";
import {
  type Extension,
  formatExtensions,
  parseExtensions,
} from "../../src/handshake/extensions.ts";

/** Builds an extension; parameters are `[name]`, `[name, value]` or `[name, value, "quoted"]`. */
function extension(name: string, ...parameters: [string, string?, "quoted"?][]): Extension {
  return {
    name,
    parameters: parameters.map(([parameter, value, quoted]) => ({
      name: parameter,
      value,
      quoted: quoted === "quoted",
    })),
  };
}

const wellFormed: readonly { title: string; lines: string[]; parsed: Extension[] }[] = [
  { title: "no line", lines: [], parsed: [] },
  { title: "one name", lines: ["permessage-deflate"], parsed: [extension("permessage-deflate")] },
  {
    title: "a parameter without a value",
    lines: ["permessage-deflate; client_max_window_bits"],
    parsed: [extension("permessage-deflate", ["client_max_window_bits"])],
  },
  {
    title: "parameters with values",
    lines: ["permessage-deflate;server_max_window_bits=10;client_max_window_bits=12"],
    parsed: [
      extension(
        "permessage-deflate",
        ["server_max_window_bits", "10"],
        ["client_max_window_bits", "12"],
      ),
    ],
  },
  {
    title: "a quoted value",
    lines: ['a; b="10"'],
    parsed: [extension("a", ["b", "10", "quoted"])],
  },
  {
    title: "a quoted value with escapes",
    lines: ['a; b="\\1\\0"; c="x\\-y"'],
    parsed: [extension("a", ["b", "10", "quoted"], ["c", "x-y", "quoted"])],
  },
  {
    title: "several offers of one extension, kept separate",
    lines: ["permessage-deflate; server_no_context_takeover, permessage-deflate"],
    parsed: [
      extension("permessage-deflate", ["server_no_context_takeover"]),
      extension("permessage-deflate"),
    ],
  },
  {
    title: "lists over several lines",
    lines: ["foo; bar", "baz, qux; n=1"],
    parsed: [extension("foo", ["bar"]), extension("baz"), extension("qux", ["n", "1"])],
  },
  {
    title: "a duplicate parameter",
    lines: ["a; b=1; b=2; b"],
    parsed: [extension("a", ["b", "1"], ["b", "2"], ["b"])],
  },
  {
    title: "white space around every separator",
    lines: [' \ta \t; b = 1 ;\tc\t=\t"2" \t,  d '],
    parsed: [extension("a", ["b", "1"], ["c", "2", "quoted"]), extension("d")],
  },
  {
    title: "empty elements",
    lines: [", a,, ,b ,", ""],
    parsed: [extension("a"), extension("b")],
  },
  {
    title: "names of Object.prototype properties",
    lines: ["__proto__; constructor=toString"],
    parsed: [extension("__proto__", ["constructor", "toString"])],
  },
];

for (const { title, lines, parsed } of wellFormed) {
  Deno.test(`${title}: parsing, formatting and parsing again produces the same list`, () => {
    assert.deepEqual(parseExtensions(lines), parsed);
    const written = formatExtensions(parsed);
    assert.deepEqual(parseExtensions(written === "" ? [] : [written]), parsed);
  });
}

const malformed: readonly { title: string; lines: string[]; message: RegExp }[] = [
  { title: "a field without an extension", lines: [""], message: /names no extension/ },
  { title: "only commas", lines: [" ,, ", ","], message: /names no extension/ },
  { title: "a parameter without an extension", lines: ["; a"], message: /a token at index 0/ },
  { title: "an empty parameter", lines: ["a;"], message: /a token at index 2/ },
  { title: "an empty parameter in the middle", lines: ["a;; b"], message: /a token at index 2/ },
  { title: "an empty value", lines: ["a; b="], message: /a token at index 5/ },
  { title: "an empty value before another", lines: ["a; b=; c"], message: /index 5/ },
  { title: "a value for the extension itself", lines: ["a=1"], message: /index 1/ },
  { title: "two values", lines: ["a; b=1=2"], message: /index 6/ },
  { title: "two names", lines: ["a b"], message: /a comma or a semicolon at index 2/ },
  { title: "two parameter names", lines: ["a; b c"], message: /index 5/ },
  { title: "a quoted name", lines: ['"a"'], message: /index 0/ },
  { title: "a quoted parameter name", lines: ['a; "b"'], message: /index 3/ },
  { title: "an empty quoted string", lines: ['a; b=""'], message: /in the quoted string/ },
  { title: "an unterminated quoted string", lines: ['a; b="1'], message: /index 7/ },
  { title: "a quoted string ending in an escape", lines: ['a; b="1\\'], message: /index 8/ },
  { title: "a lone quote", lines: ['a; b="'], message: /index 6/ },
  { title: "a quoted space", lines: ['a; b="1 2"'], message: /index 7/ },
  { title: "a quoted comma", lines: ['a; b="1,2"'], message: /index 7/ },
  { title: "an escaped comma", lines: ['a; b="1\\,2"'], message: /index 8/ },
  { title: "text after a quoted string", lines: ['a; b="1"2'], message: /index 8/ },
  { title: "a quote inside a token", lines: ['a; b=1"2"'], message: /index 6/ },
  { title: "a character that is invalid in a token", lines: ["a; b=(1)"], message: /index 5/ },
  { title: "a non-ASCII character", lines: ["a; b=caf\u00e9"], message: /index 8/ },
  { title: "an element on a second line", lines: ["a", "b; ="], message: /index 3/ },
];

for (const { title, lines, message } of malformed) {
  Deno.test(`rejects ${title} with 400`, () => {
    assert.throws(
      () => parseExtensions(lines),
      { name: "HandshakeError", code: "HEAD_MALFORMED", status: 400, message },
    );
  });
}

Deno.test("parses or rejects hostile lists of half a megabyte in one pass", () => {
  const size = 250_000;
  assert.equal(parseExtensions(["a" + ";a".repeat(size)])[0].parameters.length, size);
  assert.equal(parseExtensions(["a,".repeat(size)]).length, size);
  assert.throws(() => parseExtensions([" ".repeat(size)]), { code: "HEAD_MALFORMED" });
  assert.throws(() => parseExtensions(['a; b="' + "\\a".repeat(size)]), {
    code: "HEAD_MALFORMED",
  });
  assert.throws(() => parseExtensions(["a" + " ".repeat(size) + "b"]), { code: "HEAD_MALFORMED" });
});

Deno.test("refuses to format a name that is not a token", () => {
  for (const bad of ["", "a b", "a\r\nX: y", 'a"', "caf\u00e9"]) {
    for (
      const list of [
        [extension(bad)],
        [extension("a", [bad])],
        [extension("a", ["b", bad])],
        [extension("a", ["b", bad, "quoted"])],
      ]
    ) {
      assert.throws(() => formatExtensions(list), TypeError, JSON.stringify(list));
    }
  }
});
