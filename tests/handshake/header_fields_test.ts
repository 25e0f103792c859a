import assert from "node:assert/strict";
import {
  assertFieldName,
  assertFieldValue,
  HeaderFields,
} from "../../src/handshake/header_fields.ts";

Deno.test("finds a field regardless of the case of its name", () => {
  const fields = new HeaderFields([["Content-Type", "text/plain"]]);
  assert.equal(fields.get("content-type"), "text/plain");
  assert.equal(fields.get("CONTENT-TYPE"), "text/plain");
  assert.equal(fields.has("content-Type"), true);
  assert.equal(fields.get("content-typ"), null);
  assert.equal(fields.has("content"), false);
});

Deno.test("keeps repeated lines separate, and joins them for a single value", () => {
  const fields = new HeaderFields([["A", "1"], ["B", "2"], ["a", "3"]]);
  assert.equal(fields.size, 3);
  assert.equal(fields.get("a"), "1, 3");
  assert.deepEqual(fields.getAll("A"), ["1", "3"]);
  assert.deepEqual(fields.getAll("c"), []);
});

Deno.test("finds the lines of different lists in turn", () => {
  const heads: [text: string, start: number, size: number][] = [
    ["", 0, 0],
    ["A: 1\r\n", 0, 1],
    ["GET / HTTP/1.1\r\n\r\n", 16, 0],
    ["GET / HTTP/1.1\r\nA:\r\nB: \tx: y,\tz \r\na:3\r\n\r\n", 16, 3],
  ];
  for (const [text, start, size] of heads) {
    const fields = HeaderFields.fromParsed(text, start);
    const other = new HeaderFields([["B", "other"], ["C", "other"]]);
    const turns: ((fields: HeaderFields) => unknown)[] = [
      (fields) => [...fields.lines()],
      (fields) => fields.size,
      (fields) => fields.getAll("a"),
      (fields) => fields.hasToken("b", "z"),
      (fields) => fields.append("C", "4"),
      (fields) => fields.get("c"),
      (fields) => [...fields],
    ];
    assert.equal(fields.size, size);
    const alone = HeaderFields.fromParsed(text, start);
    assert.deepEqual(turns.map((look) => look(fields)), turns.map((look) => look(alone)));
    assert.equal(fields.size, size + 1);
    const lines = fields.lines();
    for (const [name, value] of alone.lines()) {
      other.append(name, value);
      assert.equal(other.get("C")?.startsWith("other"), true);
      assert.deepEqual(lines.next().value, [name, value]);
    }
    assert.equal(lines.next().done, true);
    assert.equal(fields.get("c"), "4");
  }
});

Deno.test("accepts validated lines unchanged", () => {
  const fields = HeaderFields.fromLines([["A b", "1"], ["a B", "\u00ff"], ["C", ""]]);
  assert.deepEqual([...fields.lines()], [["A b", "1"], ["a B", "\u00ff"], ["C", ""]]);
  assert.equal(fields.get("a b"), "1, \u00ff");
});

Deno.test("iterates over the lines in order with lowercase names, like Headers", () => {
  const fields = new HeaderFields([["Set-Cookie", "a=1"], ["X-Y", "z"], ["set-cookie", "b=2"]]);
  assert.deepEqual([...fields], [["set-cookie", "a=1"], ["x-y", "z"], ["set-cookie", "b=2"]]);
  assert.deepEqual([...fields.lines()].map(([name]) => name), ["Set-Cookie", "X-Y", "set-cookie"]);
  assert.deepEqual(new Headers([...fields]).getSetCookie(), ["a=1", "b=2"]);
});

Deno.test("can be converted into a web Headers object", () => {
  assert.equal(new Headers(new HeaderFields([["X", "1"], ["x", "2"]])).get("x"), "1, 2");
});

Deno.test("treats names of Object.prototype properties as ordinary names", () => {
  const fields = new HeaderFields([["__proto__", "1"], ["constructor", "2"]]);
  assert.equal(fields.get("__proto__"), "1");
  assert.equal(fields.get("toString"), null);
  assert.equal(fields.has("hasOwnProperty"), false);
});

Deno.test("searches a list across repeated lines for a token", () => {
  const lists: [lines: string[], found: boolean][] = [
    [["Upgrade"], true],
    [["upgrade"], true],
    [["keep-alive, Upgrade"], true],
    [["keep-alive,Upgrade"], true],
    [["Upgrade , keep-alive"], true],
    [["keep-alive", "Upgrade"], true],
    [[",, ,\tUpgrade\t,"], true],
    [["close"], false],
    [["Upgraded"], false],
    [["not-Upgrade"], false],
    [["keep-alive Upgrade"], false],
    [[""], false],
    [[], false],
  ];
  for (const [lines, found] of lists) {
    const fields = new HeaderFields(lines.map((value) => ["Connection", value]));
    assert.equal(fields.hasToken("connection", "upgrade"), found, JSON.stringify(lines));
  }
});

Deno.test("trims white space around an appended value", () => {
  assert.equal(new HeaderFields([["X", " \ta b "]]).get("x"), "a b");
  assert.equal(new HeaderFields([["X", ""]]).get("x"), "");
});

Deno.test("refuses to append a name that is not a token", () => {
  for (const name of ["", "a b", "a:", "a\r\nb", "a\0", "caf\u00e9", "(a)", " a"]) {
    assert.throws(
      () => new HeaderFields().append(name, "1"),
      { name: "TypeError", message: /is not a header field name/ },
      JSON.stringify(name),
    );
  }
  assert.throws(() => assertFieldName(1 as unknown as string), TypeError);
});

Deno.test("refuses to append a value with line breaks or characters outside Latin-1", () => {
  for (const bad of ["\r", "\n", "\0", "\x1b", "\x7f", "\u0100", "\u{1f600}"]) {
    for (const value of [bad, `a${bad}`, `${bad}a`, `a\r\nX: ${bad}`]) {
      assert.throws(
        () => new HeaderFields().append("X-Name", value),
        { name: "TypeError", message: /X-Name has U\+[0-9A-F]{4} at index \d+/ },
        JSON.stringify(value),
      );
    }
  }
  assert.throws(
    () => assertFieldValue("X-Name", 5 as unknown as string),
    { name: "TypeError", message: "The value of the header field X-Name is number, not a string" },
  );
});

Deno.test("the error for a value names the position and the code point of the first invalid character", () => {
  assert.throws(() => assertFieldValue("Cookie", "a=1\r\nX: y"), {
    message: "The value of the header field Cookie has U+000D at index 3: only visible ASCII, " +
      "spaces, tabs and U+0080 to U+00FF are allowed",
  });
});

Deno.test("accepts obs-text, except in a handshake field", () => {
  const value = "city=M\xfcnchen \x80\xff";
  assert.equal(new HeaderFields([["Set-Cookie", value]]).get("set-cookie"), value);
  for (const name of ["Sec-WebSocket-Protocol", "Host", "upgrade", "Connection"]) {
    assert.throws(() => assertFieldValue(name, value), TypeError, name);
  }
});
